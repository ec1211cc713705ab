import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import type { Broker } from '../../lib/broker/broker.ts'
import type { RedisOptions } from '../../lib/redis/options.ts'
import { bytesOf, kept, Log, Notes, newName, numbers, textOf, until } from '../contract/broker/network.ts'
import { RedisNetwork } from './network.ts'
import { RedisServer } from './server.ts'

const binary = process.env.PARTYLINE_REDIS

setDefaultTimeout(20_000)

describe.skipIf(!binary)('in Redis', () => {
  let network: RedisNetwork
  let server: RedisServer
  const joined: Broker[] = []

  const join = async (options: RedisOptions = {}): Promise<Broker> => {
    const broker = await network.join(options)
    joined.push(broker)
    return broker
  }
  const stop = async (): Promise<void> => {
    await Promise.all(joined.splice(0).map((broker) => broker.stop()))
  }

  beforeAll(async () => {
    server = await RedisServer.start(binary as string)
    network = new RedisNetwork([server])
  })
  afterEach(async () => {
    await stop()
    await server.ask('FLUSHALL')
    network.log.take()
  })
  afterAll(() => network.close())

  test('open channels and values have the names that other programs know', async () => {
    const broker = await join()
    const notes = new Notes()
    await broker.messages.subscribe('broadcast:foobar', notes, { open: true }).ready
    expect(await server.ask('PUBLISH', 'broadcast:foobar', 'Hello')).toBe(1)
    await until(() => notes.texts.length === 1, 'it to arrive')
    expect([notes.texts, notes.from]).toEqual([['Hello'], [undefined]])

    const bytes = Uint8Array.from([0, 255, 13, 10, 128])
    const options = { limit: 1, ttl: 60_000, open: true }
    await broker.streams.append('user:john:foobar', bytes, options)
    await server.ask('SET', 'group:admins:foobar', 'kept')
    expect(textOf((await broker.values.get('group:admins:foobar')) as Uint8Array)).toBe('kept')
    const raw = await server.ask(
      'EVAL',
      "return redis.sha1hex(redis.call('GET', KEYS[1]))",
      '1',
      'user:john:foobar',
    )
    expect(String(raw)).toBe(new Bun.CryptoHasher('sha1').update(bytes).digest('hex'))
    const ttl = Number(await server.ask('PTTL', 'user:john:foobar'))
    expect(ttl).toBeGreaterThan(50_000)
    expect(ttl).toBeLessThanOrEqual(60_000)
  })

  test('everything has the prefix before it, and two of them have nothing in common', async () => {
    const [one, two, none] = [await join({ prefix: 'one' }), await join({ prefix: 'two' }), await join()]
    const notes = [new Notes(), new Notes(), new Notes()]
    const channel = newName()
    for (const [i, broker] of [one, two, none].entries()) {
      await broker.messages.subscribe('broadcast:foobar', notes[i] as Notes, { open: true }).ready
      await broker.messages.subscribe(channel, notes[i] as Notes).ready
    }
    await server.ask('PUBLISH', 'one:broadcast:foobar', 'Hello')
    const other = await join({ prefix: 'one' })
    other.messages.publish(channel, bytesOf('to one'))
    await until(() => notes[0]?.texts.length === 2, 'both')
    await one.values.set('user:john:foobar', bytesOf('john'), { ttl: 60_000 })
    await one.streams.append('stream', bytesOf('entry'), kept)
    one.rosters.enter('roster', 'member', bytesOf(''))
    await until(async () => (await other.rosters.list('roster')).length === 1, 'the member')
    expect(await server.ask('GET', 'one:user:john:foobar')).toBe('john')
    expect(notes.map(({ texts }) => texts.length)).toEqual([2, 0, 0])
    expect(await two.rosters.list('roster')).toEqual([])
    expect(two.nodes.live).toEqual([two.node])
    const keys = (await network.keys()).map(([key]) => key)
    expect(keys.filter((key) => !/^\{?(one|two):/.test(key))).toEqual(['partyline:nodes'])
  })

  test('nothing is without an end, and nothing but what was meant to be kept survives the nodes', async () => {
    const [ann, bob] = [await join(), await join()]
    for (const number of numbers(20)) {
      await ann.streams.append(`stream ${number}`, bytesOf('entry'), { limit: 3, ttl: 60_000 })
      await ann.streams.append(`broadcast:${number}`, bytesOf('entry'), { limit: 3, ttl: 60_000, open: true })
      await ann.records.write(`record ${number}`, bytesOf(''), { ttl: 60_000 })
      ann.rosters.enter(`roster ${number}`, 'ann', bytesOf(''))
      bob.rosters.enter(`roster ${number}`, 'bob', bytesOf(''))
      bob.rosters.watch(`roster ${number}`, { changed() {} })
      bob.streams.follow(`stream ${number}`, new Log())
      ann.messages.subscribe(`channel ${number}`, new Notes())
      ann.messages.subscribe(`broadcast:${number}`, new Notes(), { open: true })
    }
    await until(async () => (await ann.rosters.list('roster 19')).length === 2, 'both members')
    await until(async () => (await network.channels()).length === 80, 'all subscriptions')
    expect((await network.keys()).filter(([, ttl]) => ttl < 0)).toEqual([])

    await stop()
    await until(async () => (await network.connections()) === 0, 'all connections to be gone')
    expect(await server.ask('PUBSUB', 'CHANNELS')).toEqual([])
    expect(await server.ask('PUBSUB', 'SHARDCHANNELS')).toEqual([])
    const left = (await network.keys()).map(([key]) => key.replace(/\d+/, 'N'))
    expect([...new Set(left)].sort()).toEqual([
      'broadcast:N',
      // How far the versions of a roster are; it expires a few minutes after the last change.
      'partyline:record:record N',
      'partyline:{roster N}:roster',
      'partyline:{stream N}:meta',
      'partyline:{stream N}:stream',
      '{broadcast:N}:meta',
      '{broadcast:N}:stream',
    ])
  })

  test("the nodes' own channels are sharded ones, open ones are plain, each subscribed to once", async () => {
    const broker = await join()
    const subscriptions = numbers(450).map((number) =>
      broker.messages.subscribe(number, new Notes(), { open: Number(number) % 3 === 0 }),
    )
    const again = numbers(450).map((number) =>
      broker.messages.subscribe(number, new Notes(), { open: Number(number) % 3 === 0 }),
    )
    await Promise.all([...subscriptions, ...again].map(({ ready }) => ready))
    const open = (await server.ask('PUBSUB', 'CHANNELS')) as string[]
    const own = (await server.ask('PUBSUB', 'SHARDCHANNELS')) as string[]
    expect(open.toSorted()).toEqual(
      numbers(450)
        .filter((number) => Number(number) % 3 === 0)
        .sort(),
    )
    expect(own).toHaveLength(301)
    expect(own).toContain('partyline:channel:1')
    for (const one of [...subscriptions, ...again]) one.close()
    await until(async () => (await network.channels()).length === 0, 'all to be gone')
  })

  test('calls of one turn leave in one write', async () => {
    const broker = await join()
    const [way] = network.ways(broker)
    await broker.values.get('warm')
    const before = way?.writes ?? 0
    await Promise.all([
      ...numbers(50).map((number) => broker.values.set(number, bytesOf(number), { ttl: 60_000 })),
      ...numbers(50).map((number) => broker.streams.append('stream', bytesOf(number), kept)),
      ...numbers(50).map((number) => broker.values.get(number)),
    ])
    // A few kilobytes, which the network may cut in pieces as it likes, but no 150.
    expect((way?.writes ?? 0) - before).toBeLessThan(12)
  })

  test('a stream remembers the nodes of late, and not all that there ever were', async () => {
    const stream = newName()
    const ids: string[] = []
    for (let i = 0; i < 120; i++) {
      const broker = await join()
      ids.push(broker.node)
      await broker.streams.append(stream, bytesOf(String(i)), kept)
      if (i % 30 === 29) await stop()
    }
    const fields = (await server.ask('HKEYS', `partyline:{${stream}}:meta`)) as string[]
    const nodes = fields.filter((field) => field.startsWith('node:')).map((field) => field.slice(5))
    expect(nodes.length).toBeLessThan(100)
    expect(ids.slice(-40).filter((id) => !nodes.includes(id))).toEqual([])
  }, 20_000)
})

describe.skipIf(!binary)('a Redis without sharded channels, as before version 7', () => {
  test('carries everything on plain ones', async () => {
    const renamed = ['SSUBSCRIBE', 'SUNSUBSCRIBE', 'SPUBLISH'].flatMap((name) => [
      '--rename-command',
      name,
      '',
    ])
    const server = await RedisServer.start(binary as string, ...renamed)
    const network = new RedisNetwork([server])
    try {
      const [ann, bob] = [await network.join(), await network.join()]
      const [channel, stream, roster] = [newName(), newName(), newName()]
      const [notes, log] = [new Notes(), new Log()]
      await bob.messages.subscribe(channel, notes).ready
      await bob.streams.follow(stream, log).ready
      const watching = bob.rosters.watch(roster, { changed() {} })
      await watching.ready
      ann.messages.publish(channel, bytesOf('message'))
      await ann.streams.append(stream, bytesOf('entry'), kept)
      ann.rosters.enter(roster, 'member', bytesOf(''))
      await until(() => notes.texts.length + log.texts.length + watching.entries.length === 3, 'all of it')
      expect((await server.ask('PUBSUB', 'CHANNELS')) as string[]).toHaveLength(4)
      expect([ann.counters.failed, bob.counters.garbage]).toEqual([0, 0])
      await Promise.all([ann.stop(), bob.stop()])
    } finally {
      await network.close()
    }
  })
})
