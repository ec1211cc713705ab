import { afterEach, describe, expect, test } from 'bun:test'
import {
  type App,
  type CloseReason,
  createApp,
  Gateway,
  GatewayContext,
  On,
  OnClose,
  type Socket,
} from 'partyline'
import { HandClock } from '../support/clock.ts'
import { Gate } from '../support/gate.ts'
import { CollectingLogger } from '../support/logger.ts'
import { CLOSE, closeCode, type Place, WireClient, type WireFrame } from '../support/tcp.ts'
import { nextTurn, until } from '../support/until.ts'

// Clients that send faster than they are served, or do not read, over real TCP sockets.

const MESSAGE = 'x'.repeat(64 * 1024)
const MESSAGES = 400
const BUFFER = 256 * 1024

let app: App | undefined
afterEach(async () => {
  await app?.stop()
})

async function serve(made: App): Promise<Place> {
  app = made
  const { port = 0 } = await made.listen({ port: 0, hostname: '127.0.0.1', signals: false })
  return { port, host: '127.0.0.1' }
}

@Gateway('/flood')
class Flood {
  readonly reasons: CloseReason[] = []

  constructor(readonly context: GatewayContext) {}

  @On() join(socket: Socket) {
    socket.join('room', 'other room')
  }

  @OnClose() closed(_: Socket, reason: CloseReason) {
    this.reasons.push(reason)
  }
}

/** The ways to send to many and to one. */
const ways: [way: string, send: (context: GatewayContext, slow: Socket, i: number) => void][] = [
  ['to everybody', (context, _, i) => context.emit('n', i, MESSAGE)],
  ['to a room', (context, _, i) => context.to('room').emit('n', i, MESSAGE)],
  [
    'to a room less one',
    (context, slow, i) => context.to('room').except(outsiderOf(context, slow)).emit('n', i, MESSAGE),
  ],
  ['to several rooms', (context, _, i) => context.to('room', 'other room').emit('n', i, MESSAGE)],
  [
    'to each by itself',
    (context, _, i) => {
      for (const socket of context.sockets) socket.emit('n', i, MESSAGE)
    },
  ],
]

/** The last to arrive, which is neither slow nor counted on. */
function outsiderOf(context: GatewayContext, slow: Socket): Socket {
  return context.sockets.at(-1) ?? slow
}

/** The number in a frame of the event `n`. */
function numberOf({ payload }: WireFrame): number {
  return Number.parseInt(payload.toString('latin1', '{"event":"n","args":['.length, 30), 10)
}

describe('a client that does not read is closed at the bounded buffer, and nobody else notices', () => {
  test.each(ways)('sending %s', async (_, send) => {
    const place = await serve(
      createApp(Flood, { limits: { buffer: BUFFER, farewell: 50 }, logger: new CollectingLogger() }),
    )
    const clients: WireClient[] = []
    for (let i = 0; i < 4; i++) {
      const client = await WireClient.open(place, '/flood')
      expect(await client.ask('{"event":"join","id":1}')).toBe('{"ack":1}')
      clients.push(client)
    }
    const [slowClient, ...readers] = clients as [WireClient, WireClient, WireClient, WireClient]
    const { context, reasons } = (app as App).get(Flood)
    const slow = context.sockets.at(0) as Socket
    const other = context.sockets.at(1) as Socket
    slowClient.pause()

    let most = 0
    for (let i = 0; i < MESSAGES; i++) {
      send(context, slow, i)
      most = Math.max(most, slow.bufferedAmount)
      // Who reads gets the time to; who does not has had it.
      await until(() => other.bufferedAmount < BUFFER / 2, 'the readers')
      await nextTurn()
    }

    const counted = readers.slice(0, 2)
    await until(() => counted.every(({ frames }) => frames.length === MESSAGES), 'all messages')
    for (const { frames } of counted) {
      expect(frames.map(numberOf)).toEqual(Array.from({ length: MESSAGES }, (_, i) => i))
    }
    await until(() => reasons.length === 1, 'the end of the slow one')
    expect([...context.sockets]).not.toContain(slow)
    expect(context.sockets.size).toBe(3)
    // What may wait at any moment, and what may be published between two looks.
    expect(most).toBeGreaterThan(0)
    expect(most).toBeLessThanOrEqual(8 * BUFFER + BUFFER + 2 * MESSAGE.length)
    slowClient.resume()
    await until(() => slowClient.ended, 'the end of its line')
    expect(slowClient.frames.length).toBeLessThan(MESSAGES)
    for (const client of clients) client.destroy()
  })

  /** A client in a room that does not read, and the server's side of it. */
  async function asleep(clock: HandClock) {
    const logger = new CollectingLogger()
    const place = await serve(
      createApp(Flood, { clock, logger, limits: { buffer: BUFFER, farewell: 60_000 } }),
    )
    const client = await WireClient.open(place, '/flood')
    expect(await client.ask('{"event":"join","id":1}')).toBe('{"ack":1}')
    const { context, reasons } = (app as App).get(Flood)
    client.pause()
    return { client, context, reasons, logger, socket: context.sockets.at(0) as Socket }
  }

  test.each([
    ['by itself', (_: GatewayContext, socket: Socket) => socket.emit('n', MESSAGE)],
    ['in a room', (context: GatewayContext) => context.to('room').emit('n', MESSAGE)],
  ])('it is told so where it begins to read again (sent %s)', async (_, send) => {
    const clock = new HandClock()
    const { client, context, reasons, logger, socket } = await asleep(clock)
    for (let i = 0; socket.connected && socket.bufferedAmount <= BUFFER && i < MESSAGES; i++) {
      send(context, socket)
      await nextTurn()
    }
    const waiting = socket.bufferedAmount
    // A publish does not tell whose buffer has grown: that is looked at a moment later. Then it has a while to read.
    clock.advance(4_900)
    expect(socket.connected).toBe(true)
    clock.advance(600)
    expect(socket.connected).toBe(false)
    expect(logger.take()).toEqual([
      {
        level: 'warn',
        message: 'a client does not keep up with what is sent to it, and is closed',
        gateway: 'Flood',
        socket: socket.id,
        waiting,
      },
    ])
    expect((app as App).stats().slowConsumers).toBe(1)
    client.resume()
    await until(() => client.frames.at(-1)?.opcode === CLOSE, 'the close frame')
    const close = client.frames.at(-1)
    expect(close && closeCode(close)).toBe(1_008)
    expect(close?.payload.subarray(2).toString()).toBe('slow consumer')
    await until(() => reasons.length === 1, '@OnClose')
    expect(reasons).toEqual([{ code: 1_008, reason: 'slow consumer' }])
    client.destroy()
  })

  test('it never goes on with a gap: what it gets is all, up to its end', async () => {
    // On this clock nobody looks at its buffer.
    const { client, context, reasons } = await asleep(new HandClock())
    for (let i = 0; reasons.length === 0 && i < MESSAGES; i++) {
      context.emit('n', i, MESSAGE)
      await nextTurn()
    }
    client.resume()
    await until(() => client.ended, 'its end')
    expect(client.frames.length).toBeGreaterThan(0)
    const close = client.frames.pop()
    expect(close && closeCode(close)).toBe(1_008)
    expect(client.frames.map(numberOf)).toEqual(client.frames.map((_, i) => i))
    expect(context.sockets.size).toBe(0)
  })
})

describe('an app that stops', () => {
  const ANSWERS = 60

  /** A client that does not read, for which many answers wait. */
  async function behind(clock?: HandClock) {
    @Gateway('/large')
    class Large {
      @On() async answer() {
        return MESSAGE.repeat(4)
      }
    }

    const log = new CollectingLogger()
    const limits = { buffer: ANSWERS * 4 * MESSAGE.length * 2 }
    const made = createApp(Large, { limits, logger: log, ...(clock && { clock }) })
    const client = await WireClient.open(await serve(made), '/large')
    client.pause()
    client.send(...Array.from({ length: ANSWERS }, (_, id) => `{"event":"answer","id":${id}}`))
    const socket = made.sockets.at(0) as Socket
    await until(() => socket.bufferedAmount > 4 * 1024 * 1024, 'answers that wait')
    return { made, client, log }
  }

  test('sends what waits for a client that is behind, and then closes with 1001', async () => {
    const { made, client } = await behind()
    const stopping = made.stop()
    await nextTurn()
    client.resume()
    await stopping
    await until(() => client.frames.at(-1)?.opcode === CLOSE, 'the close frame')
    const close = client.frames.pop()
    expect(close && closeCode(close)).toBe(1_001)
    expect(client.frames.map(({ payload }) => payload.length)).toEqual(
      Array.from({ length: ANSWERS }, (_, id) => `{"ack":${id},"data":""}`.length + 4 * MESSAGE.length),
    )
  })

  test('does not wait beyond its deadline for a client that never reads', async () => {
    const { made, client, log } = await behind()
    await made.stop({ deadline: 100 })
    expect(log.take()).toMatchObject([{ level: 'warn', sockets: 1, milliseconds: 100 }])
    client.destroy()
  })

  // It took all of the deadline, and nothing was left for what comes after.
  test('waits for a client that never reads for a fifth of its deadline', async () => {
    const clock = new HandClock()
    const { made, client, log } = await behind(clock)
    let stopped = false
    const stopping = made.stop({ deadline: 1_000 }).then(() => {
      stopped = true
    })
    for (let waited = 0; waited < 190; waited += 10) {
      await nextTurn()
      clock.advance(10)
    }
    await nextTurn()
    expect(stopped).toBe(false)
    expect(made.sockets.size).toBe(1)
    clock.advance(10)
    await stopping
    expect(log.take()).toMatchObject([{ level: 'warn', sockets: 1, milliseconds: 1_000 }])
    client.destroy()
  })
})

test('of more requests in one go than may wait, each is answered, once', async () => {
  const gate = new Gate()

  @Gateway('/busy')
  class Busy {
    @On() work() {
      return gate.pass()
    }
  }

  const place = await serve(createApp(Busy))
  const client = await WireClient.open(place, '/busy')
  client.send(...Array.from({ length: 1_000 }, (_, id) => `{"event":"work","id":${id}}`))
  await until(() => client.frames.length > 0, 'the first refusal')
  gate.open()
  await until(() => client.frames.length === 1_000, 'all answers')
  const answers = client.frames.map(
    ({ payload }) => JSON.parse(payload.toString()) as { ack: number; error?: { code: string } },
  )
  expect(answers.map(({ ack }) => ack).sort((a, b) => a - b)).toEqual(
    Array.from({ length: 1_000 }, (_, i) => i),
  )
  const codes = new Set(answers.map(({ error }) => error?.code))
  expect(codes).toEqual(new Set([undefined, 'OVERLOADED']))
  // 257 at least: one at work, and as many as may wait.
  const done = answers.filter(({ error }) => error === undefined).map(({ ack }) => ack)
  expect(done.length).toBeGreaterThanOrEqual(257)
  expect(done).toEqual(done.toSorted((a, b) => a - b))
  client.destroy()
})
