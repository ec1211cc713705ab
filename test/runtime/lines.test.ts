import { afterEach, expect, test } from 'bun:test'
import { type AppOptions, createApp, Gateway, GatewayContext, On, OnClose } from 'partyline'
import { HandClock } from '../support/clock.ts'
import { CollectingLogger } from '../support/logger.ts'
import { CLOSE, closeCode, frameBytes, PING, PONG, TEXT, WireClient } from '../support/tcp.ts'
import { until } from '../support/until.ts'

// Lines that break without a word, and clients that answer nothing: literal bytes over a real TCP socket.

const HEARTBEAT = 1_000

const log = new CollectingLogger()
const stops: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop()
  expect(log.take()).toEqual([])
})

/** An app on a hand-driven clock, served by `Bun.serve` by hand, so that it can be said how many pongs have come. */
function serve(options: AppOptions = {}) {
  const clock = new HandClock()
  const codes: number[] = []
  let pongs = 0

  @Gateway('/lines')
  class Lines {
    constructor(private readonly context: GatewayContext) {}

    @On() echo(_: unknown, data: unknown) {
      return data
    }

    tell() {
      this.context.emit('news')
    }

    @OnClose() closed(_: unknown, { code }: { code: number }) {
      codes.push(code)
    }
  }

  const app = createApp(Lines, { logger: log, clock, limits: { heartbeat: HEARTBEAT }, ...options })
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch: app.fetch,
    websocket: {
      ...app.websocket,
      pong(socket) {
        app.websocket.pong(socket)
        pongs++
      },
    },
  })
  stops.push(
    () => app.stop(),
    () => server.stop(true),
  )
  const open = async (headers: Record<string, string> = {}) => {
    const client = await WireClient.open(
      { port: server.port as number, host: '127.0.0.1' },
      '/lines',
      headers,
    )
    stops.unshift(async () => client.destroy())
    await until(() => app.sockets.size === 1, 'the socket')
    return client
  }
  return { app, clock, codes, open, tell: () => app.get(Lines).tell(), pongs: () => pongs }
}

// Bun's own idle timeout begins anew with whatever is sent: a client that had gone stayed for ever in a room where much is said.
test('a plain client that is sent to and answers no ping of WebSocket is closed with 4408', async () => {
  const { app, clock, codes, open, tell } = serve()
  const client = await open()
  for (let look = 1; look <= 3; look++) {
    clock.advance(HEARTBEAT)
    tell()
  }
  clock.advance(HEARTBEAT - 1)
  expect(app.sockets.size).toBe(1)
  clock.advance(1)
  await until(() => codes.length === 1 && client.ended, '@OnClose')
  expect(codes).toEqual([4_408])
  expect(client.frames.map(({ opcode }) => opcode)).toEqual([TEXT, PING, TEXT, PING, TEXT, CLOSE])
  expect(closeCode(client.frames.at(-1)!)).toBe(4_408)
  expect(app.stats()).toMatchObject({ sockets: 0, heartbeatsLost: 1, connectionsLost: 0 })
})

test('a plain client that answers them stays, though it says nothing else', async () => {
  const { app, clock, open, pongs } = serve()
  const client = await open()
  for (let answered = 1; answered <= 5; answered++) {
    clock.advance(2 * HEARTBEAT)
    const { opcode, payload } = await client.next()
    expect(opcode).toBe(PING)
    client.write(frameBytes(PONG, payload))
    await until(() => pongs() === answered, 'the pong')
  }
  expect(app.stats()).toMatchObject({ sockets: 1, heartbeatsLost: 0 })
})

test('a plain client that talks, or pings itself, is not pinged', async () => {
  const { clock, open } = serve()
  const client = await open()
  for (let i = 0; i < 6; i++) {
    clock.advance(HEARTBEAT)
    expect(await client.ask('{"event":"echo","data":1,"id":1}')).toBe('{"ack":1,"data":1}')
    clock.advance(HEARTBEAT)
    client.write(frameBytes(PING, 'you?'))
    expect(await client.next()).toMatchObject({ opcode: PONG, payload: Buffer.from('you?') })
  }
})

test('a client with a subprotocol is pinged in frames only', async () => {
  const { codes, clock, open } = serve()
  const client = await open({ 'Sec-WebSocket-Protocol': 'partyline.json.v1' })
  clock.advance(4 * HEARTBEAT)
  await until(() => codes.length === 1 && client.ended, '@OnClose')
  expect(codes).toEqual([4_408])
  const [hello, ...rest] = client.frames
  expect(hello?.payload.toString()).toStartWith('{"hello":')
  expect(rest.map(({ opcode }) => opcode)).toEqual([TEXT, TEXT, CLOSE])
})

test('a client that is gone without a word is counted as such, and once', async () => {
  const { app, codes, open } = serve()
  const client = await open()
  client.destroy()
  await until(() => codes.length === 1, '@OnClose')
  expect(codes).toEqual([1_006])
  expect(app.stats()).toMatchObject({ sockets: 0, connectionsLost: 1, heartbeatsLost: 0 })
})

test.each([
  ['a frame of no known kind', Buffer.from([0xf1, 0x80, 1, 2, 3, 4]), 1_002],
  ['a frame without a mask', Buffer.from([0x81, 0x01, 0x78]), 1_002],
  ['text that is no UTF-8', frameBytes(TEXT, Buffer.from([0xc3, 0x28])), 1_007],
])('%s is counted as an error of the protocol', async (_, bytes, code) => {
  const { app, codes, open } = serve()
  const client = await open()
  client.write(bytes)
  await until(() => codes.length === 1, '@OnClose')
  expect(codes).toEqual([code])
  expect(app.stats().protocolErrors).toBe(1)
  expect(app.stats().connectionsLost).toBe(0)
})

test('who closes in good order is counted as nothing, nor is who is sent away when the app stops', async () => {
  const { app, codes, open } = serve()
  const before = app.stats()
  const [client] = [await open()]
  client.write(frameBytes(CLOSE, Buffer.from([0x03, 0xe8])))
  await until(() => codes.length === 1, '@OnClose')
  await open()
  await app.stop()
  expect(codes).toEqual([1_000, 1_001])
  expect(app.stats()).toEqual(before)
})
