import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test'
import {
  type App,
  type CloseReason,
  createApp,
  Gateway,
  On,
  OnClose,
  PartylineError,
  type Socket,
} from 'partyline'
import { badFrames, malformed } from '../support/bad-frames.ts'
import { Gate } from '../support/gate.ts'
import { CollectingLogger } from '../support/logger.ts'
import { BINARY, CLOSE, closeCode, frameBytes, type Place, TEXT, WireClient } from '../support/tcp.ts'
import { until } from '../support/until.ts'

// Literal bytes over a real TCP socket: no WebSocket client that could hide what the server does.

const log = new CollectingLogger()
const reasons: CloseReason[] = []
const never = new Gate()

@Gateway('/wire')
class Wire {
  @On() echo(_: Socket, data: unknown) {
    return data
  }

  @On() throws() {
    throw new Error('the password is 1234')
  }

  @On() async rejects() {
    throw new TypeError('the password is 1234')
  }

  @On() refuses() {
    throw new PartylineError('NOT_TODAY', 'come back tomorrow')
  }

  @On() stuck() {
    return never.pass()
  }

  @On() async quits(socket: Socket) {
    socket.close(4_000, 'done')
    socket.emit('too late')
    await Promise.resolve()
    socket.emit('far too late')
    return 'an answer that nobody waits for'
  }

  undecorated() {
    return 'reached'
  }

  @OnClose() closed(_: Socket, reason: CloseReason) {
    reasons.push(reason)
  }
}

let app: App
let place: Place

beforeAll(async () => {
  // Large enough for all that is tried here.
  app = createApp(Wire, { logger: log, limits: { payload: 1024 * 1024, eventName: 2_000_000 } })
  const { port = 0 } = await app.listen({ port: 0, hostname: '127.0.0.1', signals: false })
  place = { port, host: '127.0.0.1' }
})
afterAll(async () => {
  never.open()
  await app.stop()
})
afterEach(() => {
  expect(log.take()).toEqual([])
})

/** Whether a client is still answered. */
async function expectAlive(client: WireClient): Promise<void> {
  expect(await client.ask('{"event":"echo","data":"alive","id":99}')).toBe('{"ack":99,"data":"alive"}')
}

describe('bad input is answered with an error, and the connection lives on', () => {
  test.each(badFrames)('%s', async (_, frame, answer) => {
    const client = await WireClient.open(place, '/wire')
    expect(await client.ask(frame)).toBe(answer)
    await expectAlive(client)
    client.destroy()
  })

  test('all of it over one connection', async () => {
    const client = await WireClient.open(place, '/wire')
    client.send(...badFrames.map(([, frame]) => frame))
    for (const [, , answer] of badFrames) expect(await client.text()).toBe(answer)
    await expectAlive(client)
    client.destroy()
  })

  test('opening brackets to the limit of a message', async () => {
    const client = await WireClient.open(place, '/wire')
    for (const bracket of ['[', '{"a":']) {
      const count = Math.floor(1_000_000 / bracket.length)
      expect(await client.ask(bracket.repeat(count))).toBe(malformed('not JSON'))
    }
    const closed = `{"event":"echo","data":${'['.repeat(500_000)}${']'.repeat(500_000)}}`
    expect(JSON.parse(await client.ask(closed))).toMatchObject({ error: { code: 'MALFORMED_FRAME' } })
    await expectAlive(client)
    client.destroy()
  })

  test('a binary frame, whatever is in it', async () => {
    const client = await WireClient.open(place, '/wire')
    for (const bytes of ['{"event":"echo","id":1}', '', Buffer.from([0xff, 0x00])]) {
      client.write(frameBytes(BINARY, bytes))
      expect(await client.text()).toBe(malformed('JSON frames are text messages; this one is binary'))
    }
    await expectAlive(client)
    client.destroy()
  })
})

describe('a handler that fails concerns its own request only', () => {
  test.each(['throws', 'rejects'])('one that %s is masked, and logged with its cause', async (event) => {
    const client = await WireClient.open(place, '/wire')
    expect(await client.ask(`{"event":"${event}","id":1}`)).toBe(
      '{"ack":1,"error":{"code":"INTERNAL","message":"the server failed to handle this"}}',
    )
    expect(log.take()).toMatchObject([{ event, error: { message: 'the password is 1234' } }])
    expect(await client.ask('{"event":"refuses","id":2}')).toBe(
      '{"ack":2,"error":{"code":"NOT_TODAY","message":"come back tomorrow"}}',
    )
    await expectAlive(client)
    client.destroy()
  })

  test('one that never answers leaves other connections alone', async () => {
    const [stuck, other] = [await WireClient.open(place, '/wire'), await WireClient.open(place, '/wire')]
    stuck.send('{"event":"stuck","id":1}')
    await until(() => never.arrived === 1, 'the handler')
    await expectAlive(other)
    expect(stuck.frames).toEqual([])
    stuck.destroy()
    other.destroy()
  })

  test('one that emits while its socket closes sends nothing more', async () => {
    const client = await WireClient.open(place, '/wire')
    client.send('{"event":"quits","id":1}')
    const close = await client.next()
    expect(closeCode(close)).toBe(4_000)
    expect(close.payload.subarray(2).toString()).toBe('done')
    client.write(frameBytes(CLOSE, close.payload))
    await until(() => client.ended, 'the end')
    expect(client.frames).toEqual([])
  })
})

describe('what closes a connection', () => {
  const last = () => reasons.at(-1)?.code

  test('a message larger than the limit: 1009, as soon as its size is known', async () => {
    const client = await WireClient.open(place, '/wire')
    client.write(frameBytes(TEXT, 'x'.repeat(1_048_577)).subarray(0, 100))
    expect(closeCode(await client.next())).toBe(1_009)
    await until(() => client.ended && last() === 1_009, '@OnClose')
  })

  test('text that is no UTF-8: 1007', async () => {
    const client = await WireClient.open(place, '/wire')
    client.write(frameBytes(TEXT, Buffer.from([0x22, 0xc3, 0x28, 0x22])))
    expect(closeCode(await client.next())).toBe(1_007)
    await until(() => client.ended && last() === 1_007, '@OnClose')
  })

  test('a frame that breaks the protocol: 1002', async () => {
    const client = await WireClient.open(place, '/wire')
    client.write(Buffer.from([0xf1, 0x80, 1, 2, 3, 4]))
    await until(() => client.ended && last() === 1_002, '@OnClose')
  })
})
