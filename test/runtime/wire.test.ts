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

/** A frame that answers no request. */
const failure = (code: string, message: string, event?: string): string =>
  JSON.stringify({ error: { code, message, event } })
const malformed = (message: string): string => failure('MALFORMED_FRAME', message)
/** The same, to whom waits for an answer under that id. */
const answered = (ack: number, answer: string): string => JSON.stringify({ ack, ...JSON.parse(answer) })
const unknown = (name: string): string =>
  failure('UNKNOWN_EVENT', `no handler for ${JSON.stringify(name)} at /wire`, name)

/** Whether a client is still answered. */
async function expectAlive(client: WireClient): Promise<void> {
  expect(await client.ask('{"event":"echo","data":"alive","id":99}')).toBe('{"ack":99,"data":"alive"}')
}

const noObject = malformed('a frame is a JSON object, such as {"event":"hello","data":1}')
const badEvent = malformed('"event" is not a non-empty string')
const badId = malformed('"id" is not a non-negative integer')
const digits = '1234567890'.repeat(100_000)

const badInput: [what: string, frame: string, answer: string][] = [
  ['not JSON', 'hello', malformed('not JSON')],
  ['half of a frame', '{"event":"echo"', malformed('not JSON')],
  ['nothing', '', malformed('not JSON')],
  ['an array', '[1]', noObject],
  ['a number', '5', noObject],
  ['a text', '"echo"', noObject],
  ['null', 'null', noObject],
  ['no event', '{}', malformed('no "event"')],
  ['data without event', '{"data":1,"id":3}', answered(3, malformed('no "event"'))],
  ['an event that is a number', '{"event":5}', badEvent],
  ['an event that is null', '{"event":null}', badEvent],
  ['an event that is an object', '{"event":{"event":"echo"}}', badEvent],
  ['an empty event', '{"event":""}', badEvent],
  ['an unknown event', '{"event":"nonsense"}', unknown('nonsense')],
  [
    'both data and args',
    '{"event":"echo","data":1,"args":[1],"id":1}',
    answered(1, malformed('both "data" and "args"')),
  ],
  ['args that are no array', '{"event":"echo","args":{"0":1}}', malformed('"args" is not an array')],
  ['a negative id', '{"event":"echo","id":-1}', badId],
  ['an id that is a text', '{"event":"echo","id":"1"}', badId],
  ['an id that is a fraction', '{"event":"echo","id":1.5}', badId],
  ['an id that is too large', '{"event":"echo","id":9007199254740992}', badId],
  ['an id that is infinite', '{"event":"echo","id":1e999}', badId],
  ['an id that is null', '{"event":"echo","id":null}', badId],
  ['an ack that nobody waits for', '{"ack":4}', malformed('"ack" 4 answers no request of the server\'s')],
  [
    'a failure that nobody waits for',
    '{"ack":4,"error":{"code":"X","message":"y"}}',
    malformed('"ack" 4 answers no request of the server\'s'),
  ],
  ['an ack without a number', '{"ack":"4"}', malformed('"ack" is not a non-negative integer')],
  ['a failure without a code', '{"ack":4,"error":5}', malformed('"error" has no code and message')],
  ['event and ack in one', '{"event":"echo","ack":1}', malformed('both "event" and "ack"')],
  ['a ping without a number', '{"ping":{}}', malformed('a ping or pong carries a number')],
  [
    'deep nesting',
    `{"event":"echo","data":${'['.repeat(64)}${']'.repeat(64)}}`,
    malformed('nested deeper than 64 levels'),
  ],
  ['1 MB of digits', digits, noObject],
  ['an id of 1 MB of digits', `{"event":"echo","id":${digits}}`, badId],
  [
    'an event name of 1 MB',
    `{"event":"${digits}"}`,
    `{"error":{"code":"UNKNOWN_EVENT","message":"no handler for \\"${digits.slice(0, 64)}…\\" at /wire","event":"${digits.slice(0, 128)}"}}`,
  ],
  ...[
    'constructor',
    '__proto__',
    'prototype',
    'toString',
    'hasOwnProperty',
    'open',
    'close',
    'closed',
    'connected',
    'disconnected',
    'undecorated',
    'message',
  ].map((name): [string, string, string] => [`an event named ${name}`, `{"event":"${name}"}`, unknown(name)]),
]

describe('bad input is answered with an error, and the connection lives on', () => {
  test.each(badInput)('%s', async (_, frame, answer) => {
    const client = await WireClient.open(place, '/wire')
    expect(await client.ask(frame)).toBe(answer)
    await expectAlive(client)
    client.destroy()
  })

  test('all of it over one connection', async () => {
    const client = await WireClient.open(place, '/wire')
    client.send(...badInput.map(([, frame]) => frame))
    for (const [, , answer] of badInput) expect(await client.text()).toBe(answer)
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
