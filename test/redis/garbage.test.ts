import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import type { Broker } from '../../lib/broker/broker.ts'
import { bytesOf, kept, Log, Notes, newName, textOf, until } from '../contract/broker/network.ts'
import { bytes } from '../support/hex.ts'
import { RedisNetwork } from './network.ts'
import { RedisServer } from './server.ts'

const binary = process.env.PARTYLINE_REDIS

setDefaultTimeout(20_000)

describe.skipIf(!binary)('what other programs put where it does not belong', () => {
  let network: RedisNetwork
  let server: RedisServer
  let broker: Broker

  beforeAll(async () => {
    server = await RedisServer.start(binary as string)
    network = new RedisNetwork([server], { maxPayload: 10_000 })
    broker = await network.join()
  })
  afterAll(async () => {
    await broker.stop()
    await network.close()
  })

  test('is counted, logged once and skipped', async () => {
    const [channel, stream, roster] = [newName(), newName(), newName()]
    const [notes, log] = [new Notes(), new Log()]
    await broker.messages.subscribe(channel, notes).ready
    await broker.streams.follow(stream, log).ready
    await broker.rosters.watch(roster, { changed() {} }).ready
    const names = [`channel:${channel}`, `{${stream}}:entries`, `{${roster}}:changes`, 'comings']
    const node = '0102030405060708'
    const garbage = [
      '',
      "'Hello'",
      'ff',
      'ff 70 6c',
      'ff 70 6c 01',
      // A kind that there is not, and one without its node.
      `ff 70 6c 01 09 ${node}`,
      'ff 70 6c 01 01 01 02',
      // An entry without its number, and changes whose member is longer than they are.
      `ff 70 6c 01 02 00 00 00 00 00 00 00 01 ${node} 00`,
      `ff 70 6c 01 03 00 00 00 00 00 00 00 01 ${node} 01 ff ff 'x'`,
      `ff 70 6c 01 03 00 00 00 00 00 00 00 01 ${node} 09 00 01 'x'`,
      // Versions to come.
      `ff 70 6c 02 01 ${node}`,
      "ff 70 6c 63 'whatever they will be'",
    ]
    for (const name of names)
      for (const one of garbage) await server.ask('SPUBLISH', `partyline:${name}`, Buffer.from(bytes(one)))
    await until(() => broker.counters.garbage === names.length * garbage.length, 'all of it')
    const logged = network.log.take()
    // One for what has no envelope, and one for each version.
    expect(logged.map(({ level, version }) => [level, version])).toEqual([
      ['warn', undefined],
      ['warn', 1],
      ['warn', 2],
      ['warn', 99],
    ])
    expect(logged[0]?.message).toContain('a message was not understood, and skipped')

    const other = await network.join()
    other.messages.publish(channel, bytesOf('still here'))
    await other.streams.append(stream, bytesOf('and here'), kept)
    await until(() => notes.texts.length === 1 && log.entries.length === 1, 'what is none')
    await other.stop()
  })

  test('is taken as it is on open channels, but for what begins like ours', async () => {
    const name = newName('broadcast:')
    const heard: Uint8Array[] = []
    const subscriber = { message: (bytes: Uint8Array) => void heard.push(bytes) }
    await broker.messages.subscribe(name, subscriber, { open: true }).ready
    const before = broker.counters.garbage
    const sent = ['', 'ff', 'ff 70', '00 01 02', 'ff 70 6c 02', 'fe 70 6c 01', "'text'"].map((one) =>
      bytes(one),
    )
    for (const one of sent) await server.ask('PUBLISH', name, Buffer.from(one))
    await until(() => heard.length === sent.length - 1, 'all but one')
    expect(heard).toEqual(sent.filter((one) => one.length !== 4 || one[0] !== 0xff))
    expect(broker.counters.garbage).toBe(before + 1)
  })

  test('is skipped when it is too large, and nothing too large is sent', async () => {
    const [name, channel] = [newName('broadcast:'), newName()]
    const notes = new Notes()
    await broker.messages.subscribe(name, notes, { open: true }).ready
    await server.ask('PUBLISH', name, 'x'.repeat(200_000))
    await server.ask('PUBLISH', name, 'x'.repeat(200_000))
    await server.ask('PUBLISH', name, 'fits')
    await until(() => notes.texts.length === 1, 'the small one')
    expect(notes.texts).toEqual(['fits'])
    expect(broker.counters.oversized).toBe(2)
    expect(network.log.take().filter(({ message }) => message.includes('too large'))).toHaveLength(1)

    const large = new Uint8Array(10_001)
    const { dropped } = broker.counters
    broker.messages.publish(channel, large)
    const asked = [
      broker.streams.append(channel, large, kept),
      broker.values.set(channel, large, { ttl: 1_000 }),
      broker.records.write(channel, large, { ttl: 1_000 }),
    ]
    for (const one of asked) await expect(one).rejects.toThrow('10001 bytes are more than maxPayload, 10000')
    broker.rosters.enter(channel, 'member', large)
    expect(broker.counters.dropped).toBe(dropped + 3)
    await broker.streams.append(channel, large.subarray(1), kept)
    expect(textOf((await broker.streams.read(channel)).entries[0]?.bytes as Uint8Array)).toHaveLength(10_000)
  })

  test('as the value of an open stream is skipped: who reads and follows it is not kept waiting, nor given it', async () => {
    const [list, large] = [newName('broadcast:'), newName('broadcast:')]
    await server.ask('RPUSH', list, 'their own')
    await server.ask('SET', large, 'x'.repeat(10_001))
    const before = { ...broker.counters }
    const log = new Log()
    for (const name of [list, large]) {
      await broker.streams.follow(name, log, { open: true }).ready
      expect(await broker.streams.read(name, { open: true })).toMatchObject({ entries: [], kept: undefined })
      await server.ask('PUBLISH', name, 'live')
    }
    await until(() => log.messages.length === 2, 'what was published')
    expect(broker.counters.garbage).toBeGreaterThan(before.garbage)
    expect(broker.counters.oversized).toBeGreaterThan(before.oversized)
    expect(broker.counters.failed).toBe(before.failed)
    const said = network.log.take().map(({ message }) => message)
    expect(said).toEqual([
      'a value is no string, and was skipped: does another program use its name? (said once)',
      'a value was too large, and skipped (said once)',
    ])

    await server.ask('SET', large, 'x'.repeat(10_000))
    expect((await broker.streams.read(large, { open: true })).kept?.bytes).toHaveLength(10_000)
    for (const name of [list, large]) {
      await broker.streams.append(name, bytesOf('ours'), { ...kept, open: true })
      const slice = await broker.streams.read(name, { open: true })
      expect(textOf(slice.kept?.bytes as Uint8Array)).toBe('ours')
    }
  })

  test('in a stream is passed over', async () => {
    const stream = newName()
    await broker.streams.append(stream, bytesOf('a'), kept)
    const key = `partyline:{${stream}}:stream`
    const [[id] = ['']] = (await server.ask('XRANGE', key, '-', '+')) as [string][]
    const [position, expires] = id.split('-').map(Number) as [number, number]
    await server.ask('XADD', key, `${position}-${expires + 1}`, 'e', 'x')
    await broker.streams.append(stream, bytesOf('b'), kept)
    const { entries, gap } = await broker.streams.read(stream, { after: 0 })
    expect(entries.map(({ bytes }) => textOf(bytes))).toEqual(['a', 'b'])
    expect(gap).toBeUndefined()
  })
})
