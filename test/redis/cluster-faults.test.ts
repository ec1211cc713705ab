import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import type { Broker } from '../../lib/broker/broker.ts'
import { Names } from '../../lib/redis/names.ts'
import { slotOf } from '../../lib/redis/slot.ts'
import { bytesOf, kept, Log, Notes, newName, numbers, until } from '../contract/broker/network.ts'
import { RedisNetwork } from './network.ts'
import { type RedisServer, startCluster } from './server.ts'

const binary = process.env.PARTYLINE_REDIS

setDefaultTimeout(20_000)

describe.skipIf(!binary)('in a cluster', () => {
  let network: RedisNetwork
  let servers: RedisServer[]
  const joined: Broker[] = []
  const unhandled: unknown[] = []
  const note = (error: unknown): void => void unhandled.push(error)

  const join = async (): Promise<Broker> => {
    const broker = await network.join()
    joined.push(broker)
    return broker
  }
  /** The place of the server that has a slot. */
  const ownerOf = (slot: number): number => Math.floor(slot / Math.ceil(16_384 / 3))

  beforeAll(async () => {
    process.on('unhandledRejection', note)
    servers = await startCluster(binary as string)
    // A node of a cluster that has come back takes nothing for two seconds.
    network = new RedisNetwork(servers, { patience: 10_000 })
  }, 30_000)
  afterEach(async () => {
    await Promise.all(joined.splice(0).map((broker) => broker.stop()))
    expect(unhandled.splice(0)).toEqual([])
    network.log.take()
  })
  afterAll(async () => {
    await network?.close()
    process.off('unhandledRejection', note)
  })

  test('each name lies where the servers say, and what belongs together lies together', async () => {
    const names = [
      '',
      'a',
      'foo{bar}baz',
      'foo{}{bar}',
      'foo{{bar}}',
      'a}b{c',
      '{',
      'é🎈',
      ...numbers(50, 'room '),
    ]
    for (const name of names)
      expect([name, await servers[0]?.ask('CLUSTER', 'KEYSLOT', name)]).toEqual([name, slotOf(name)])
    for (const prefix of ['', 'chat:']) {
      const all = new Names(prefix)
      for (const name of names) {
        const { entries, meta, channel } = all.stream(name, false)
        const { index, channel: changes } = all.roster(name)
        expect(new Set([entries, meta, channel].map(slotOf)).size).toBe(1)
        expect(new Set([index, `${index}:node`, changes].map(slotOf)).size).toBe(1)
        if (name === '' || /[{}]/.test(name)) continue
        const open = all.stream(name, true)
        expect(new Set([open.entries, open.meta, open.value as string].map(slotOf)).size).toBe(1)
      }
    }
  })

  test('one server is enough to begin with, and each has its part of the channels', async () => {
    const [first] = network.ways(await join())
    const { broker, start } = await network.prepare({ url: `redis://127.0.0.1:${first?.port}` })
    joined.push(broker)
    start()
    await until(() => broker.state === 'ready', 'it to find the others')
    const subscriptions = numbers(90).map((number) =>
      broker.messages.subscribe(number, new Notes(), { open: Number(number) % 2 === 0 }),
    )
    await Promise.all(subscriptions.map(({ ready }) => ready))
    for (const server of servers) {
      for (const kind of ['CHANNELS', 'SHARDCHANNELS'])
        expect(((await server.ask('PUBSUB', kind)) as string[]).length).toBeGreaterThan(4)
    }
  })

  test('a slot moves to another server, and nobody misses anything', async () => {
    // One of them has nothing but what it appends to tell it of the move, another only what it hears.
    const [ann, bob, sender] = [await join(), await join(), await join()]
    const [stream, channel] = [newName(), newName()]
    const [log, own, notes] = [new Log(), new Log(), new Notes()]
    const { entries } = new Names('').stream(stream, false)
    const slot = slotOf(entries)
    const [from, to] = [servers[ownerOf(slot)], servers[(ownerOf(slot) + 1) % 3]] as [
      RedisServer,
      RedisServer,
    ]
    await bob.streams.follow(stream, log).ready
    await ann.streams.follow(stream, own).ready
    await bob.messages.subscribe(channel, notes).ready

    let isMoving = true
    let count = 0
    const appending = (async () => {
      while (isMoving) {
        const texts = numbers(5).map(() => String(count++))
        await Promise.all(texts.map((text) => sender.streams.append(stream, bytesOf(text), kept)))
      }
    })()
    const [fromId, toId] = [await from.ask('CLUSTER', 'MYID'), await to.ask('CLUSTER', 'MYID')].map(
      String,
    ) as [string, string]
    // What they asked when they came they have been told by then.
    const begin = performance.now()
    await until(() => count > 50 && performance.now() - begin > 1_000, 'some to be there before')
    await to.ask('CLUSTER', 'SETSLOT', String(slot), 'IMPORTING', fromId)
    await from.ask('CLUSTER', 'SETSLOT', String(slot), 'MIGRATING', toId)
    const keys = (await from.ask('CLUSTER', 'GETKEYSINSLOT', String(slot), '100')) as string[]
    expect(keys.length).toBeGreaterThan(1)
    for (const key of keys)
      await from.ask('MIGRATE', '127.0.0.1', String(to.port), '', '0', '5000', 'KEYS', key)
    const during = count
    await until(() => count > during + 20, 'some to be appended while it is at both')
    for (const server of [to, from, ...servers])
      await server.ask('CLUSTER', 'SETSLOT', String(slot), 'NODE', toId)
    const after = count
    await until(() => count > after + 50, 'some to be appended there')
    isMoving = false
    await appending
    expect(sender.counters).toMatchObject({ dropped: 0, failed: 0 })
    await until(
      () => [log, own].every(({ texts }) => texts.at(-1) === String(count - 1)),
      () => `the last ones: ${log.texts.length} and ${own.texts.length} of ${count}`,
    )
    for (const { texts, gaps } of [log, own]) {
      expect(texts).toEqual(numbers(count))
      expect(gaps).toEqual([])
    }
    expect(await to.ask('EXISTS', entries)).toBe(1)
    const other = servers.find((server) => server !== from && server !== to) as RedisServer
    await until(async () => {
      const channels = (await from.ask('PUBSUB', 'SHARDCHANNELS')) as string[]
      return !channels.some((name) => slotOf(name) === slot)
    }, 'nobody to listen at the old place')
    expect(await other.ask('PUBSUB', 'SHARDCHANNELS')).not.toContain(`partyline:{${stream}}:entries`)
    // Also for who comes to it only now.
    const eve = await join()
    const late = new Log()
    await eve.streams.follow(stream, late).ready
    await eve.streams.append(stream, bytesOf('from eve'), kept)
    await until(() => late.texts.length + log.texts.length === count + 2, 'what is appended then')
  })

  test('a slot goes, and comes back before anybody has asked where it is', async () => {
    const [ann, bob] = [await join(), await join()]
    const channel = newName()
    const notes = new Notes()
    await bob.messages.subscribe(channel, notes).ready
    const slot = slotOf(`partyline:channel:${channel}`)
    const place = ownerOf(slot)
    const [owner, other] = [servers[place], servers[(place + 1) % 3]] as [RedisServer, RedisServer]
    const ids = [await owner.ask('CLUSTER', 'MYID'), await other.ask('CLUSTER', 'MYID')].map(String)
    // It unsubscribes all that listen to what is not its any more.
    for (const id of ids.toReversed()) await owner.ask('CLUSTER', 'SETSLOT', String(slot), 'NODE', id)
    await until(() => {
      ann.messages.publish(channel, bytesOf('hello'))
      return notes.texts.length > 0 && notes.gaps > 0
    }, 'it to be heard again')
  })

  test('a server crashes and comes back: the others go on, and nothing is missed', async () => {
    const [ann, bob] = [await join(), await join()]
    const places = [0, 1, 2]
    // A stream on each server.
    const streams = places.map((place) => {
      let name = newName()
      while (ownerOf(slotOf(new Names('').stream(name, false).entries)) !== place) name = newName()
      return name
    })
    const logs = streams.map(() => new Log())
    for (const [i, stream] of streams.entries()) await bob.streams.follow(stream, logs[i] as Log).ready
    const append = (text: string) => streams.map((stream) => ann.streams.append(stream, bytesOf(text), kept))
    await Promise.all(append('before'))
    await until(() => logs.every(({ texts }) => texts.at(-1) === 'before'), 'the first ones')
    const [victim] = servers as [RedisServer]
    await victim.crash()
    await until(() => ann.state === 'away' && bob.state === 'away', 'it to be noticed')
    const [waiting, ...done] = append('during')
    await Promise.all(done)
    await until(() => logs.slice(1).every(({ texts }) => texts.at(-1) === 'during'), 'those on the others')
    expect(logs[0]?.texts).toEqual(['before'])
    await victim.run()
    await waiting
    await until(() => ann.state === 'ready' && bob.state === 'ready', 'it to be back')
    await Promise.all(append('after'))
    await until(() => logs.every(({ texts }) => texts.at(-1) === 'after'), 'all of them')
    for (const { texts, gaps } of logs) {
      expect(texts).toEqual(['before', 'during', 'after'])
      expect(gaps).toEqual([])
    }
  })
})
