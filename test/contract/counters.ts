import { expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import {
  type AppOptions,
  type Counters,
  Gateway,
  type Limits,
  On,
  type RecoveryOptions,
  type Socket,
} from 'partyline'
import { HandClock } from '../support/clock.ts'
import { Gate } from '../support/gate.ts'
import { until } from '../support/until.ts'
import type { Client } from './client.ts'
import { knock } from './knock.ts'
import type { Running, Start } from './start.ts'

const root = new URL('../../', import.meta.url)

/** Where something is counted: the limit, if it is one that an app can set, and what a client does to reach it. */
interface Row {
  limit?: keyof Limits | keyof RecoveryOptions
  options?: Omit<AppOptions, 'logger'>
  recovery?: RecoveryOptions
  reach(world: World): Promise<unknown> | unknown
}

interface World {
  running: Running
  clock: HandClock
  /** What the handler `work` waits for. */
  gate: Gate
  connect(subprotocols?: string[]): Promise<Client>
}

async function send(world: World, ...frames: string[]): Promise<void> {
  const client = await world.connect()
  client.send(...frames)
}

/** A client that can come back comes, and its line breaks. Gives its token. */
async function suspended({ running: { app }, connect }: World): Promise<string> {
  const client = await connect([JSON_V1])
  const hello = await client.next()
  client.vanish()
  await until(() => app.stats().suspended === 1, 'the line to break')
  return /"token":"([^"]+)"/.exec(String(hello))?.[1] ?? ''
}

const JSON_V1 = 'partyline.json.v1'
const PING = '{"event":"ping"}'
const UNKNOWN = '{"event":"unknown"}'
const room = (name: string) => `{"event":"join","data":"${name}"}`
const work = (id: number, text = '') => `{"event":"work","data":"${text}","id":${id}}`

/** Each counter, and every way to it. The compiler asks for a line for each new one. */
const table: Record<keyof Counters, readonly Row[] | { testedIn: string }> = {
  payloadTooBig: [
    { limit: 'payload', options: { limits: { payload: 50 } }, reach: (w) => send(w, 'x'.repeat(51)) },
  ],
  malformedFrames: [
    { reach: (w) => send(w, 'nonsense') },
    {
      limit: 'depth',
      options: { limits: { depth: 2 } },
      reach: (w) => send(w, '{"event":"ping","data":[[]]}'),
    },
  ],
  eventNamesTooLong: [
    { limit: 'eventName', options: { limits: { eventName: 4 } }, reach: (w) => send(w, '{"event":"pings"}') },
  ],
  rateLimited: [
    { limit: 'burst', options: { limits: { burst: 1, rate: 1 } }, reach: (w) => send(w, PING, PING) },
    {
      limit: 'rate',
      options: { limits: { burst: 2, rate: 1 } },
      async reach(w) {
        const client = await w.connect()
        client.send(PING, PING)
        await client.flushed()
        // One more a second, and not two.
        w.clock.advance(1_000)
        client.send(PING)
        expect(await client.flushed()).toEqual([])
        client.send(PING)
      },
    },
  ],
  rateClosed: [
    { limit: 'burst', options: { limits: { burst: 1, rate: 1 } }, reach: (w) => send(w, PING, PING, PING) },
    { options: { limits: { burst: 1, rate: 1 } }, reach: (w) => send(w, work(1), work(1), work(1)) },
  ],
  overloaded: [
    {
      limit: 'waiting',
      options: { limits: { waiting: 1 } },
      reach: (w) => send(w, work(1), work(2), work(3)),
    },
    {
      limit: 'waitingSize',
      options: { limits: { waitingSize: 200 } },
      reach: (w) => send(w, work(1), work(2, 'x'.repeat(100)), work(3, 'x'.repeat(100))),
    },
  ],
  pendingRefused: [
    { limit: 'pending', options: { limits: { pending: 1 } }, reach: (w) => send(w, work(1), work(2)) },
    { reach: (w) => send(w, work(1), work(1)) },
    // Refused for one reason, however many there are.
    { options: { limits: { pending: 1 } }, reach: (w) => send(w, work(1), work(1)) },
  ],
  handlerTimeouts: [
    {
      limit: 'handler',
      options: { limits: { handler: 100 } },
      async reach(w) {
        await send(w, work(1))
        await until(() => w.gate.arrived === 1, 'the handler')
        w.clock.advance(100)
      },
    },
  ],
  joinsRefused: [
    { limit: 'rooms', options: { limits: { rooms: 1 } }, reach: (w) => send(w, room('a'), room('b')) },
    { limit: 'roomName', options: { limits: { roomName: 2 } }, reach: (w) => send(w, room('abc')) },
  ],
  // No client of the contract can stop reading.
  slowConsumers: { testedIn: 'test/runtime/pressure.test.ts' },
  heartbeatsLost: [
    {
      limit: 'heartbeat',
      options: { limits: { heartbeat: 1_000 } },
      async reach(w) {
        await w.connect(['partyline.json.v1'])
        await until(() => w.running.app.sockets.size === 1, 'the socket')
        w.clock.advance(4_000)
      },
    },
  ],
  connectionsLost: [
    {
      async reach(w) {
        const client = await w.connect()
        await until(() => w.running.app.sockets.size === 1, 'the socket')
        client.vanish()
      },
    },
  ],
  // In memory nothing can come that is not WebSocket's.
  protocolErrors: { testedIn: 'test/runtime/lines.test.ts' },
  nodesMissed: { testedIn: 'test/core/nodes-away.test.ts' },
  nodeErrors: { testedIn: 'test/core/nodes-away.test.ts' },
  connectionsRefused: [
    { limit: 'connections', options: { limits: { connections: 1 } }, reach: (w) => knockAfterOne(w, 503) },
  ],
  addressesRefused: [
    {
      limit: 'connectionsPerAddress',
      options: { limits: { connectionsPerAddress: 1 } },
      reach: (w) => knockAfterOne(w, 429),
    },
  ],
  originsRefused: [{ reach: (w) => knockFor(w, 403, { origin: 'https://elsewhere.example' }) }],
  unauthenticated: [{ options: { authenticate: () => null }, reach: (w) => knockFor(w, 401) }],
  authenticateTimeouts: [
    {
      limit: 'authenticate',
      options: { authenticate: () => new Promise<null>(() => {}), limits: { authenticate: 100 } },
      async reach(w) {
        const answer = knockFor(w, 503)
        const { app } = w.running
        await until(() => {
          w.clock.advance(100)
          return app.stats().authenticateTimeouts === 1
        }, 'the end of patience')
        await answer
      },
    },
  ],
  forbidden: [
    { options: { guards: [() => false] }, reach: (w) => knockFor(w, 403) },
    { options: { guards: [({ kind }) => kind === 'connect'] }, reach: (w) => send(w, PING) },
  ],
  callsRefused: [
    {
      limit: 'pending',
      options: { limits: { pending: 1 } },
      reach: (w) => send(w, '{"event":"ask"}', '{"event":"ask"}'),
    },
  ],
  sessionsResumed: [
    {
      recovery: {},
      reach: async (w) => w.connect([JSON_V1, `partyline.resume.${await suspended(w)}.0`]),
    },
  ],
  resumesRefused: [{ recovery: {}, reach: (w) => w.connect([JSON_V1, 'partyline.resume.unknown.0']) }],
  sessionsExpired: [
    {
      limit: 'window',
      recovery: { window: 100 },
      async reach(w) {
        await suspended(w)
        w.clock.advance(100)
      },
    },
    {
      limit: 'connections',
      options: { limits: { connections: 1 } },
      recovery: {},
      async reach(w) {
        await suspended(w)
        await w.connect()
      },
    },
  ],
  keptEvicted: [
    {
      limit: 'limit',
      recovery: { limit: 1 },
      reach: async (w) => (await w.connect([JSON_V1])).send(UNKNOWN, UNKNOWN),
    },
    {
      limit: 'bytes',
      recovery: { bytes: 1 },
      reach: async (w) => (await w.connect([JSON_V1])).send(UNKNOWN),
    },
  ],
  internalErrors: [
    {
      async reach(w) {
        await send(w, '{"event":"fail"}')
        await until(() => w.running.log.entries.length === 1, 'the log')
        expect(w.running.log.take()).toMatchObject([{ message: 'a handler failed' }])
      },
    },
  ],
}

async function knockFor({ running }: World, status: number, headers = {}): Promise<void> {
  expect((await knock(running, '/limited', headers)).status).toBe(status)
}

async function knockAfterOne(world: World, status: number): Promise<void> {
  await world.connect()
  await until(() => world.running.app.sockets.size === 1, 'the socket')
  await knockFor(world, status)
}

async function worldOf(start: Start, { options = {}, recovery }: Omit<Row, 'reach'> = {}): Promise<World> {
  const gate = new Gate()
  const clock = new HandClock()

  @Gateway('/limited', { recovery })
  class Limited {
    @On() ping() {}

    @On() ask(socket: Socket) {
      void socket.call('anything').catch(() => {})
    }

    @On() work() {
      return gate.pass()
    }

    @On() join(socket: Socket, name: string) {
      socket.join(name)
    }

    @On() fail() {
      throw new Error('as asked')
    }
  }

  const running = await start(Limited, { clock, ...options })
  const connect = (subprotocols: string[] = []) => running.connect('/limited', { subprotocols })
  return { running, clock, gate, connect }
}

/** Rows of the table in docs/limits.md that have a counter, as `limit counter`. */
function documented(): string[] {
  const rows = readFileSync(new URL('docs/limits.md', root), 'utf8').matchAll(
    /^\| `(\w+)` \|.*\| ([^|]*)\|$/gm,
  )
  return [...rows].flatMap(([, limit, counters]) =>
    [...(counters as string).matchAll(/`(\w+)`/g)].map(([, counter]) => `${limit} ${counter}`),
  )
}

export function counters(start: Start): void {
  const rows = Object.entries(table).flatMap(([counter, ways]) =>
    'testedIn' in ways
      ? []
      : ways.map((row) => [counter as keyof Counters, row.limit ?? 'no limit', row] as const),
  )

  test.each(rows)('%s counts what is beyond its bound: %s', async (counter, _, { reach, ...row }) => {
    const world = await worldOf(start, row)
    const { app } = world.running
    expect(app.stats()[counter]).toBe(0)
    await reach(world)
    await until(() => {
      // Where the server has stopped reading it reads on after a while.
      if (counter === 'overloaded') world.clock.advance(25_000)
      return app.stats()[counter] > 0
    }, `${counter} in app.stats()`)
    expect(app.stats()[counter]).toBe(1)
    world.gate.open()
  })

  test('every counter of app.stats(), and every row of docs/limits.md, is reached here', async () => {
    const { app } = (await worldOf(start)).running
    const { sockets: _, suspended: __, rooms: ___, keptBytes: ____, ...counted } = app.stats()
    expect(Object.keys(counted).sort()).toEqual(Object.keys(table).sort())

    const reached = new Set(rows.map(([counter, limit]) => `${limit} ${counter}`))
    const elsewhere = Object.entries(table).flatMap(([counter, ways]) =>
      'testedIn' in ways ? [[counter, ways.testedIn] as const] : [],
    )
    for (const [counter, file] of elsewhere) {
      expect(readFileSync(new URL(file, root), 'utf8')).toContain(`stats().${counter}).toBe(1)`)
    }
    const missing = documented().filter(
      (row) => !reached.has(row) && !elsewhere.some(([counter]) => row.endsWith(` ${counter}`)),
    )
    expect(missing).toEqual([])
    expect(documented().length).toBeGreaterThan(15)
  })
}
