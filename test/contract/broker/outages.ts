import { describe, expect, test } from 'bun:test'
import type { Broker } from '../../../lib/broker/broker.ts'
import { bytesOf, codeOf, type Join, kept, Log, Notes, newName, numbers, until } from './network.ts'

const isAway = (broker: Broker) => until(() => broker.state === 'away', 'it to be away')
const isReady = (broker: Broker) => until(() => broker.state === 'ready', 'it to be ready')

export function outages(join: Join): void {
  test('change the state, and are counted', async () => {
    const network = join()
    const broker = await network.join()
    const states: string[] = []
    const end = broker.onState((state) => states.push(`${state} ${broker.state}`))
    network.cut(broker)
    await isAway(broker)
    network.mend(broker)
    await isReady(broker)
    expect(states).toEqual(['away away', 'ready ready'])
    expect(broker.counters.lost).toBeGreaterThan(0)
    end()
    await broker.stop()
    expect(states).toHaveLength(2)
    expect(broker.state).toBe('away')
  })

  test('end with the subscriptions that there are then, and subscribers that know of the gap', async () => {
    const network = join()
    const [ann, bob] = await Promise.all([network.join(), network.join()])
    const [before, during, ended] = [newName(), newName(), newName()]
    const [first, second, third] = [new Notes(), new Notes(), new Notes()]
    const ending = bob.messages.subscribe(ended, third)
    await Promise.all([bob.messages.subscribe(before, first).ready, ending.ready])
    network.cut(bob)
    await isAway(bob)
    const subscribing = bob.messages.subscribe(during, second)
    ending.close()
    let isSubscribed = false
    void subscribing.ready.then(() => {
      isSubscribed = true
    })
    for (const channel of [before, during, ended]) ann.messages.publish(channel, bytesOf('missed'))
    expect(isSubscribed).toBe(false)
    network.mend(bob)
    await subscribing.ready
    await until(() => first.gaps === 1, 'the gap')
    for (const channel of [before, during, ended]) ann.messages.publish(channel, bytesOf('heard'))
    await until(() => first.texts.length > 0 && second.texts.length > 0, 'both')
    expect([first, second, third].map(({ texts, gaps }) => [texts, gaps])).toEqual([
      [['heard'], 1],
      [['heard'], 0],
      [[], 0],
    ])
    expect(bob.counters).toMatchObject({ gaps: 1 })
    expect(bob.counters.resubscribed).toBeGreaterThan(0)
  })

  test('are as if they had not been for who follows a stream that is long enough', async () => {
    const network = join()
    const [ann, bob] = await Promise.all([network.join(), network.join()])
    const stream = newName()
    const [here, there] = [new Log(), new Log()]
    await Promise.all([ann.streams.follow(stream, here).ready, bob.streams.follow(stream, there).ready])
    const append = (text: string) => ann.streams.append(stream, bytesOf(text), kept)
    await Promise.all(numbers(10).map(append))
    await until(() => there.entries.length === 10, 'the first ones')
    network.cut(bob)
    await isAway(bob)
    await Promise.all(numbers(250, 'missed ').map(append))
    const appending = (async () => {
      for (const text of numbers(50, 'back ')) await append(text)
    })()
    network.mend(bob)
    await appending
    await until(() => there.entries.length === 310, 'all of them')
    expect(there.entries).toEqual(here.entries)
    expect(there.texts).toEqual([...numbers(10), ...numbers(250, 'missed '), ...numbers(50, 'back ')])
    expect(there.gaps).toEqual([])
  })

  test('are told to who follows a stream that is not', async () => {
    const network = join()
    const [ann, bob] = await Promise.all([network.join(), network.join()])
    const stream = newName()
    const [here, there] = [new Log(), new Log()]
    await Promise.all([ann.streams.follow(stream, here).ready, bob.streams.follow(stream, there).ready])
    const append = (text: string) => ann.streams.append(stream, bytesOf(text), { limit: 5, ttl: 60_000 })
    await append('before')
    await until(() => there.entries.length === 1, 'the first one')
    network.cut(bob)
    await isAway(bob)
    const count = network.trims === 'exactly' ? 30 : 600
    await Promise.all(numbers(count).map(append))
    network.mend(bob)
    await until(() => there.texts.at(-1) === String(count - 1), 'the last one')
    const [gap] = there.gaps
    expect(there.gaps).toHaveLength(1)
    expect(gap?.after).toBe(there.entries[0]?.position as number)
    // What it has is the beginning and the end, and the gap is exactly what is between.
    const [first, ...rest] = there.entries
    expect(gap?.position).toBe((rest[0]?.position as number) - 1)
    expect([first, ...rest] as unknown).toEqual([here.entries[0], ...here.entries.slice(-rest.length)])
    await append('after')
    await until(() => there.texts.at(-1) === 'after', 'what comes then')
  })

  describe('for who is cut off', () => {
    test('fail what is asked, in time, and never what is only said', async () => {
      const network = join()
      const broker = await network.join()
      const [name, other] = [newName(), newName()]
      network.cut(broker)
      await isAway(broker)
      broker.messages.publish(name, bytesOf('into the wind'))
      broker.rosters.enter(name, 'member', bytesOf(''))
      broker.rosters.leave(name, 'member')
      // Nobody looks at these: they go unhandled nowhere.
      void broker.values.get(name)
      void broker.streams.append(name, bytesOf(''), kept)
      void broker.streams.read(name)
      void broker.rosters.list(name)
      void broker.records.write(name, bytesOf(''), { ttl: 1_000 })
      const asked = [
        broker.values.get(other),
        broker.values.set(other, bytesOf(''), { ttl: 1_000 }),
        broker.values.delete(other),
        broker.records.read(other),
        broker.records.write(other, bytesOf(''), { ttl: 1_000 }),
        broker.records.delete(other),
        broker.records.touch(other, 1_000),
        broker.streams.append(other, bytesOf(''), kept),
        broker.streams.read(other),
        broker.rosters.list(other),
      ]
      expect(await Promise.all(asked.map(codeOf))).toEqual(asked.map(() => 'AWAY'))
    })

    test('keep nothing that has no bound', async () => {
      const network = join()
      const broker = await network.join()
      const channel = newName()
      network.cut(broker)
      await isAway(broker)
      const large = new Uint8Array(50_000)
      for (let i = 0; i < 500; i++) broker.messages.publish(channel, large)
      // Of several servers, one may not be known yet to be out of reach: as much waits for it as may at any time.
      expect(broker.counters.dropped).toBeGreaterThan(300)
      expect(broker.counters.published).toBeLessThan(200)
    })
  })
}
