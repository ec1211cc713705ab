import { afterEach, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { type Broker, Gateway, GatewayContext, MemoryHub, memory, On, type Socket } from 'partyline'
import { redis } from 'partyline/redis'
import type { MemoryBroker } from '../../lib/broker/memory.ts'
import { App } from '../../lib/core/app.ts'
import { packLetter, unpackLetter } from '../../lib/nodes/letter.ts'
import { pack } from '../../lib/nodes/parcel.ts'
import { MemoryRuntime } from '../../lib/runtime/memory.ts'
import { until as untilLong } from '../contract/broker/network.ts'
import { Client } from '../contract/client.ts'
import { RedisNetwork } from '../redis/network.ts'
import { RedisServer } from '../redis/server.ts'
import { HandClock } from '../support/clock.ts'
import { Gate } from '../support/gate.ts'
import { bytes } from '../support/hex.ts'
import { CollectingLogger } from '../support/logger.ts'
import { nextTurn, until } from '../support/until.ts'
import { finish, put, type Started, start } from './in-memory.ts'

const binary = process.env.PARTYLINE_REDIS

afterEach(finish)

@Gateway('/talk')
class Talk {
  constructor(readonly context: GatewayContext) {}

  @On() enter(socket: Socket, room: string) {
    socket.join(room)
  }

  @On() quit(socket: Socket, room: string) {
    socket.leave(room)
  }

  @On() say(_: Socket, text: string) {
    this.context.to('a').emit('said', text)
  }
}

const said = (text: string): string => `{"event":"said","data":"${text}"}`

async function healthOf({ app }: { app: App<MemoryRuntime> }): Promise<[number, unknown]> {
  const response = await app.runtime.fetch(new Request('http://localhost/healthz'))
  return [response.status, await response.json()]
}

/** A client that is in room a. */
async function guest({ connect }: Pick<Started, 'connect'>): Promise<Client> {
  const client = await connect('/talk')
  client.send('{"event":"enter","data":"a"}')
  return client
}

/** So many nodes in memory, each with a client in room a. */
async function several(count: number) {
  const hub = new MemoryHub()
  const brokers = Array.from({ length: count }, () => memory({ hub }))
  const nodes: Started[] = []
  for (const broker of brokers) nodes.push(await start(Talk, { broker }))
  const clients = await Promise.all(nodes.map(guest))
  for (const { app } of nodes)
    await until(async () => (await app.get(Talk).context.count()) === count, 'all to be in touch')
  return { hub, brokers, nodes, clients } as {
    hub: MemoryHub
    brokers: [MemoryBroker, ...MemoryBroker[]]
    nodes: [Started, ...Started[]]
    clients: [Client, ...Client[]]
  }
}

/** A node of another version, which says what it is told to. */
async function stranger(
  hub: MemoryHub,
  answer: (question: unknown) => object | undefined,
): Promise<MemoryBroker> {
  const broker = memory({ hub })
  broker.start({ clock: new HandClock(), log: new CollectingLogger() })
  const hear = (packed: Uint8Array, from: string | undefined): void => {
    const letter = unpackLetter(packed)
    const said = letter?.ask === undefined ? undefined : answer(letter.question)
    if (said !== undefined)
      broker.messages.publish(`node:${from}`, packLetter({ answers: letter?.ask, ...said }))
  }
  for (const channel of ['app', `node:${broker.node}`])
    await broker.messages.subscribe(channel, { message: hear }).ready
  broker.rosters.enter('app', broker.node, new Uint8Array())
  return broker
}

describe('an app without a broker', () => {
  test('is alone, and says nothing of one', async () => {
    const one = await start(Talk)
    expect(await healthOf(one)).toEqual([200, { status: 'ok', connections: 0 }])
    expect(one.app.stats()).not.toHaveProperty('broker')
    const client = await guest(one)
    expect(await client.ask('{"event":"say","data":"hi"}')).toBe(said('hi'))
    const { context } = one.app.get(Talk)
    expect(await context.count('a')).toBe(1)
    expect(await context.fetchSockets()).toEqual([...context.sockets])
    await context.to('a').join('b')
    expect(await context.count('b')).toBe(1)
  })
})

describe('what is for nobody', () => {
  test('goes nowhere', async () => {
    const { nodes } = await several(1)
    const before = nodes[0].app.stats().broker
    nodes[0].app.get(Talk).context.to().emit('said', 'hi')
    expect(nodes[0].app.stats().broker).toEqual(before)
  })
})

describe('who is to enter a room', () => {
  /** A node that listens to nothing more until the gate is opened, and whose clients are to enter room b. */
  async function entering() {
    const gate = new Gate()
    const broker = memory()
    const { messages } = broker
    const subscribe = messages.subscribe.bind(messages)
    const one = await start(Talk, { broker })
    await guest(one)
    await one.app.get(Talk).context.to().join('nobody')
    messages.subscribe = (...args) => {
      const subscription = subscribe(...args)
      return { ready: gate.pass(), close: () => subscription.close() }
    }
    let isIn = false
    const joined = one.app
      .get(Talk)
      .context.to('a')
      .join('b')
      .then(() => {
        isIn = true
      })
    await nextTurn()
    expect(gate.arrived).toBe(1)
    expect(isIn).toBe(false)
    return { clock: one.clock, gate, joined, isIn: () => isIn }
  }

  test('is in it when what other nodes say there is heard', async () => {
    const { gate, joined } = await entering()
    gate.open()
    await joined
  })

  test('or after a while, where the broker does not let the node listen', async () => {
    const { clock, joined, isIn } = await entering()
    clock.advance(4_999)
    await nextTurn()
    expect(isIn()).toBe(false)
    clock.advance(1)
    await joined
  })
})

describe('a broker that goes away', () => {
  test('takes the other nodes with it, and nothing of what is here', async () => {
    const { brokers, nodes, clients } = await several(2)
    expect(await healthOf(nodes[0])).toEqual([200, { status: 'ok', connections: 1, broker: 'ready' }])
    expect(nodes[0].app.stats().broker).toMatchObject({ state: 'ready', nodes: 2, dropped: 0, lost: 0 })
    brokers[0].cut()
    expect(await healthOf(nodes[0])).toEqual([200, { status: 'ok', connections: 1, broker: 'away' }])
    expect(await clients[0].ask('{"event":"say","data":"here"}')).toBe(said('here'))
    expect(nodes[0].app.stats().broker).toMatchObject({ state: 'away', dropped: 1, lost: 1 })
    // What cannot be asked is not waited for, and counted.
    expect(await nodes[0].app.get(Talk).context.count()).toBe(1)
    expect(nodes[0].app.stats().nodesMissed).toBe(1)

    brokers[0].mend()
    await until(() => nodes[0].app.stats().broker?.resubscribed !== 0, 'it to be back')
    expect(await healthOf(nodes[0])).toEqual([200, { status: 'ok', connections: 1, broker: 'ready' }])
    clients[0].send('{"event":"say","data":"again"}')
    expect(await clients[1]?.next()).toBe(said('again'))
    expect(await clients[1]?.flushed()).toEqual([])
  })

  test('does not hold up the stop', async () => {
    const { brokers, nodes } = await several(2)
    brokers[0].cut()
    await nodes[0].app.stop()
    // No clock has moved.
    expect(nodes[0].app.stats().broker).toMatchObject({ state: 'away' })
  })
})

test('what was answered waits no more: after ten thousand questions, nobody was asked any', async () => {
  const { nodes } = await several(2)
  const { context } = nodes[0].app.get(Talk)
  for (let i = 0; i < 11; i++) {
    const counts = await Promise.all(Array.from({ length: 1_000 }, () => context.count()))
    expect(counts.every((count) => count === 2)).toBe(true)
  }
})

test('of rooms that are empty again nothing is left: each that was ever entered stayed', async () => {
  const { brokers, clients } = await several(1)
  const { messages } = brokers[0]
  const subscribe = messages.subscribe.bind(messages)
  const alive: WeakRef<object>[] = []
  messages.subscribe = (...args) => {
    const subscription = subscribe(...args)
    alive.push(new WeakRef(subscription))
    return subscription
  }
  const client = clients[0] as Client
  for (let i = 0; i < 200; i++) {
    client.send(`{"event":"enter","data":"room ${i}"}`)
    client.send(`{"event":"quit","data":"room ${i}"}`)
    await nextTurn()
  }
  expect(alive).toHaveLength(200)
  Bun.gc(true)
  await nextTurn()
  Bun.gc(true)
  // Some are still found on the stack.
  expect(alive.filter((one) => one.deref() !== undefined).length).toBeLessThan(100)
})

describe('a broker of two apps', () => {
  test('is refused by the second, which does not end that of the first', async () => {
    const broker = memory()
    const first = await start(Talk, { broker })
    const second = put(Talk, { broker })
    for (const _ of [1, 2]) await expect(second.app.ready()).rejects.toThrow('make one for each app')
    await second.app.stop()
    expect(await healthOf(first)).toEqual([200, { status: 'ok', connections: 0, broker: 'ready' }])
  })
})

describe('what comes from other nodes', () => {
  const from = '0102030405060708'

  test('is counted, said once and skipped where it is no broadcast', async () => {
    const { hub, nodes, clients } = await several(1)
    const garbage = [
      bytes(''),
      bytes("'hello'"),
      bytes('ff ff ff ff 00'),
      pack({ text: '[1,2,3]', payloads: [] }),
    ]
    const send = (bytes: Uint8Array): void => {
      for (const channel of ['room:/talk#a', 'gateway:/talk'])
        hub.send(`channel ${channel}`, { kind: 'message', from, bytes })
    }
    for (const one of garbage) send(one)
    // One of which none of our codecs can make anything is none for us.
    send(pack({ text: '[["a"],["partyline.future.v9"]]', payloads: ['?'] }))
    await until(() => nodes[0].app.stats().nodeErrors === 2 * garbage.length, 'all of it')
    expect(await clients[0].flushed()).toEqual([])
    expect(nodes[0].logged()).toMatchObject([
      { level: 'warn', gateway: '/talk', from, message: expect.stringContaining('no broadcast (said once)') },
    ])
    expect(await clients[0].ask('{"event":"say","data":"still"}')).toBe(said('still'))
  })

  test('is counted, said once and skipped where it is no question', async () => {
    const { hub, nodes } = await several(1)
    const [{ app, logged }] = nodes
    hub.send('channel app', { kind: 'message', from, bytes: bytes("'hello'") })
    await until(() => app.stats().nodeErrors > 0, 'it')
    expect(app.stats().nodeErrors).toBe(1)
    const questions = [
      undefined,
      null,
      5,
      {},
      { path: '/talk' },
      errand('/talk', { do: 'dance' }),
      errand('/talk', { do: 'join' }),
    ]
    for (const question of questions)
      hub.send('channel app', { kind: 'message', from, bytes: packLetter({ question }) })
    hub.send('channel app', { kind: 'message', from, bytes: pack({ text: '[]', payloads: [] }) })
    // An answer that nobody waits for is late, and no fault; so is a question for a gateway that is not here.
    for (const letter of [{ answers: 77 }, { question: errand('/elsewhere', { do: 'count' }) }])
      hub.send('channel app', { kind: 'message', from, bytes: packLetter(letter) })
    await until(() => app.stats().nodeErrors >= 6, 'all of them')
    expect(logged().filter(({ level }) => level === 'warn')).toMatchObject([
      { message: expect.stringContaining('(said once)') },
    ])
    expect(await app.get(Talk).context.count()).toBe(1)
  })

  test('a question that this version does not know is answered: there is no answer', async () => {
    const { hub, nodes } = await several(1)
    const [{ app, logged }] = nodes
    const heard: unknown[] = []
    const other = await stranger(hub, () => ({ data: 0 }))
    await other.messages.subscribe(`node:${other.node}`, {
      message: (packed) => void heard.push(unpackLetter(packed)),
    }).ready
    const questions = [
      errand('/talk', { do: 'dance' }),
      errand('/elsewhere', { do: 'count' }),
      errand('/talk', { do: 'count' }),
    ]
    for (const [ask, question] of questions.entries())
      other.messages.publish('app', packLetter({ ask, question }))
    await until(() => heard.length === questions.length, 'the answers')
    expect(heard).toEqual([{ answers: 0, hasFailed: true }, { answers: 1 }, { answers: 2, data: 1 }])
    expect(app.stats().nodeErrors).toBe(1)
    expect(logged()).toMatchObject([{ level: 'warn' }])
    await other.stop()
  })

  test('an answer that this version does not understand, or a refusal, is none, and counted', async () => {
    const { hub, nodes } = await several(1)
    const [{ app }] = nodes
    const { context } = app.get(Talk)
    let said: object = {}
    const other = await stranger(hub, () => said)
    await until(() => app.stats().broker?.nodes === 2, 'it to be seen')
    const counted = async (answer: object, ask: () => Promise<unknown>): Promise<unknown> => {
      said = answer
      const before = app.stats().nodesMissed
      return [await ask(), app.stats().nodesMissed - before]
    }
    const [here] = context.sockets
    const fetch = (): Promise<unknown> => context.fetchSockets()
    expect(await counted({ data: 3 }, () => context.count())).toEqual([4, 0])
    // A node without that gateway.
    expect(await counted({}, () => context.count())).toEqual([1, 0])
    expect(await counted({ hasFailed: true }, () => context.count())).toEqual([1, 1])
    for (const data of ['many', [], { n: 1 }])
      expect(await counted({ data }, () => context.count())).toEqual([1, 1])
    for (const data of [1, [1], [null], [{}], [{ id: 'x' }]])
      expect(await counted({ data }, fetch)).toEqual([[here], 1])
    for (const data of ['x', [{ socket: { id: 'x' } }], [{ socket: { id: 'x', rooms: [] }, error: 'no' }]])
      expect(await counted({ data }, () => context.to('void').call('q'))).toEqual([[], 1])
    await other.stop()
  })

  test('a node that lives and does not answer is waited for five seconds', async () => {
    const { hub, nodes } = await several(1)
    const [{ app, clock }] = nodes
    const other = await stranger(hub, () => undefined)
    await until(() => app.stats().broker?.nodes === 2, 'it to be seen')
    const { context } = app.get(Talk)
    let count: number | undefined
    const counted = context.count().then((sum) => {
      count = sum
    })
    clock.advance(4_999)
    await Promise.resolve()
    expect(count).toBeUndefined()
    clock.advance(1)
    await counted
    expect(count).toBe(1)
    expect(app.stats().nodesMissed).toBe(1)
    await other.stop()
  })
})

function errand(path: string, deed: object): object {
  return { path, selection: { exceptIds: [], exceptRooms: [] }, deed }
}

describe.skipIf(!binary)('Redis', () => {
  setDefaultTimeout(20_000)

  const running: App<MemoryRuntime>[] = []
  let network: RedisNetwork

  afterEach(async () => {
    await Promise.all(running.splice(0).map((app) => app.stop()))
    await network.close()
  })

  /** A node whose time runs. */
  function node(broker: Broker, log: CollectingLogger) {
    const app = new App(Talk, { broker, logger: log }, (host) => new MemoryRuntime(host))
    running.push(app)
    const connect = async (path: string): Promise<Client> => {
      const line = await app.runtime.connect(path)
      if (line instanceof Response) throw new Error(`refused with ${line.status}`)
      return new Client(line)
    }
    return { app, connect }
  }

  test('that is away at boot: one line, 503 until it was there, and rooms of this node work', async () => {
    network = new RedisNetwork([await RedisServer.start(binary as string)])
    const { broker } = await network.prepare()
    network.cut(broker)
    const log = new CollectingLogger()
    const one = node(broker, log)
    await one.app.ready()
    await untilLong(() => log.entries.length > 0, 'the line')
    expect(await healthOf(one)).toEqual([503, { status: 'starting', connections: 0, broker: 'away' }])
    const client = await guest(one)
    expect(await client.ask('{"event":"say","data":"hi"}')).toBe(said('hi'))
    expect(await one.app.get(Talk).context.count('a')).toBe(1)
    expect(log.take()).toMatchObject([{ level: 'warn', message: expect.stringContaining('Redis is away') }])

    network.mend(broker)
    await untilLong(async () => (await healthOf(one))[0] === 200, 'it to be ready')
    expect(await healthOf(one)).toEqual([200, { status: 'ok', connections: 1, broker: 'ready' }])
    network.cut(broker)
    await untilLong(() => broker.state === 'away', 'it to be away')
    expect(await healthOf(one)).toEqual([200, { status: 'ok', connections: 1, broker: 'away' }])
    expect(await client.ask('{"event":"say","data":"hi"}')).toBe(said('hi'))
    await one.app.stop()
  })

  test('that carries no more than so much: what is larger stays here, is counted and said once', async () => {
    network = new RedisNetwork([await RedisServer.start(binary as string)])
    const log = new CollectingLogger()
    const { broker } = await network.prepare({ maxPayload: 10_000 })
    const other = await network.prepare()
    const [one, two] = [node(broker, log), node(other.broker, new CollectingLogger())]
    await Promise.all([one.app.ready(), two.app.ready()])
    const [here, there] = [await guest(one), await guest(two)]
    const { context } = one.app.get(Talk)
    await untilLong(async () => (await context.count()) === 2, 'both')
    await context.to().join('nobody')
    const long = 'x'.repeat(10_000)
    for (const text of [long, long, 'short']) context.to('a').emit('said', text)
    expect(await here.take(3)).toEqual([said(long), said(long), said('short')])
    expect(await there.next()).toBe(said('short'))
    expect(one.app.stats().broker).toMatchObject({ dropped: 2 })
    expect(log.take().filter(({ level }) => level === 'warn')).toMatchObject([
      { gateway: '/talk', message: expect.stringContaining('did not go to other nodes') },
    ])
  })

  test('given as options reach it, and stopped while it was never there', async () => {
    network = new RedisNetwork([])
    const log = new CollectingLogger()
    const one = node(redis({ url: 'redis://127.0.0.1:1' }), log)
    await one.app.ready()
    await untilLong(() => log.entries.length > 0, 'the line')
    await one.app.stop()
    expect(log.entries.map(({ level }) => level)).toEqual(['warn'])
  })
})
