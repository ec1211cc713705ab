import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import type { Broker } from '../../lib/broker/broker.ts'
import { systemClock } from '../../lib/protocol/clock.ts'
import { until } from '../contract/broker/network.ts'
import { RedisNetwork } from './network.ts'
import { RedisServer } from './server.ts'

const binary = process.env.PARTYLINE_REDIS
const DAY = 24 * 60 * 60_000

setDefaultTimeout(20_000)

describe.skipIf(!binary)('leases go by the time of Redis:', () => {
  let network: RedisNetwork
  let server: RedisServer
  const joined: Broker[] = []

  beforeAll(async () => {
    server = await RedisServer.start(binary as string)
    network = new RedisNetwork([server])
  })
  afterEach(async () => {
    for (const broker of joined) network.mend(broker)
    await Promise.all(joined.splice(0).map((broker) => broker.stop()))
  })
  afterAll(() => network.close())

  /** Nodes that know each other, and what they are told from then on. */
  const join = async (count: number, shifts: readonly number[] = []) => {
    const told: string[] = []
    const brokers: Broker[] = []
    for (let i = 0; i < count; i++) {
      const { broker } = await network.prepare()
      joined.push(broker)
      brokers.push(broker)
      broker.start({
        clock: { ...systemClock, now: () => Date.now() + (shifts[i] ?? 0) },
        log: network.log,
      })
    }
    await until(() => brokers.every(({ nodes }) => nodes.live.length === count), 'all to know each other')
    for (const [i, { nodes }] of brokers.entries())
      nodes.onChange(({ joined, left, lapsed }) => {
        for (const [k, { node }] of brokers.entries()) {
          if (joined.includes(node)) told.push(`${i}+${k}`)
          if (left.includes(node)) told.push(`${i}-${k}`)
        }
        if (lapsed) told.push(`${i} lapsed`)
      })
    return { brokers, told }
  }
  const ask = (...args: string[]) => server.ask(args[0] as string, 'partyline:nodes', ...args.slice(1))
  const read = async (field: string): Promise<number> => Number(await ask('HGET', field))
  /** Some lease that anybody renews by the time of Redis, at least so often. */
  const beats = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) {
      const before = await read('time')
      await until(async () => (await read('time')) !== before, 'a beat')
    }
  }
  /** Whatever was going to end has ended. */
  const pass = async (): Promise<void> => {
    const begin = await read('time')
    await until(async () => (await read('time')) > begin + 2 * network.lease, 'two leases to pass')
  }

  test("that nodes' clocks are days apart is nothing to them", async () => {
    const { brokers, told } = await join(3, [-DAY, 0, DAY])
    await pass()
    expect(told).toEqual([])
    network.cut(brokers[2] as Broker)
    await until(() => told.length === 2, 'it to be missed')
    expect(told.toSorted()).toEqual(['0-2', '1-2'])
  })

  test.each([-DAY, DAY])(
    'that its clock is set by %d ms kills nobody, and who dies then is missed all the same',
    async (by) => {
      const { brokers, told } = await join(3)
      // It is the same whether what it says now is other, or what it said before.
      await ask('HINCRBY', 'clock', String(-by))
      await beats(1)
      await pass()
      expect(told).toEqual([])
      network.cut(brokers[2] as Broker)
      await until(() => told.length === 2, 'it to be missed')
      expect(told.toSorted()).toEqual(['0-2', '1-2'])
    },
  )

  test('that it has forgotten who is alive, all or some, kills nobody', async () => {
    const { brokers, told } = await join(3)
    await server.ask('DEL', 'partyline:nodes')
    await until(() => told.length === 3, 'all to notice')
    await pass()
    expect(told.toSorted()).toEqual(['0 lapsed', '1 lapsed', '2 lapsed'])
    told.length = 0
    // As after a crash that lost the last it was told: another run, which does not know everybody.
    await server.ask(
      'EVAL',
      "redis.call('HDEL', KEYS[1], ARGV[1]) redis.call('HSET', KEYS[1], 'run', 'other')",
      '1',
      'partyline:nodes',
      brokers[2]?.node as string,
    )
    await until(() => told.length === 1, 'it to notice')
    await pass()
    expect(told).toEqual(['2 lapsed'])
  })

  test('what was done and never answered is not forgotten: who comes back late is told so', async () => {
    const { brokers, told } = await join(2)
    const [ann, bob] = brokers as [Broker, Broker]
    network.cut(bob)
    await until(() => told.includes('0-1'), 'it to be missed')
    // Its beat arrives, and the answer is lost: the next one finds a lease that holds.
    await ask('HSET', bob.node, `${(await read('time')) + network.lease} ${(await read('time')) - 1}`)
    network.mend(bob)
    await until(() => told.includes('1 lapsed'), 'it to know')
    await until(() => ann.nodes.live.length === 2, 'it to be back')
  })

  test('all of it is gone with the last node, and where that was killed, after a day', async () => {
    const { brokers } = await join(2)
    const ttl = Number(await ask('PTTL'))
    expect(ttl).toBeGreaterThan(DAY - 60_000)
    expect(ttl).toBeLessThanOrEqual(DAY)
    await brokers[0]?.stop()
    expect(await server.ask('EXISTS', 'partyline:nodes')).toBe(1)
    await brokers[1]?.stop()
    expect(await server.ask('EXISTS', 'partyline:nodes')).toBe(0)
  })
})
