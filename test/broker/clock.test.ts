import { describe, expect, test } from 'bun:test'
import { memory } from '../../lib/broker/memory.ts'
import { MemoryHub } from '../../lib/broker/memory-hub.ts'
import { bytesOf, Log, newName, textsOf } from '../contract/broker/network.ts'
import { HandClock } from '../support/clock.ts'
import { CollectingLogger } from '../support/logger.ts'
import { nextTurn } from '../support/until.ts'

/** Brokers in memory whose time a test moves. */
function network() {
  const hub = new MemoryHub()
  const clock = new HandClock()
  const join = () => {
    const broker = memory({ hub })
    broker.start({ clock, log: new CollectingLogger() })
    return broker
  }
  return { clock, join }
}

describe('by the clock', () => {
  test('a node is gone when its lease of 15 seconds is over and somebody has looked, and not before', async () => {
    const { clock, join } = network()
    const [ann, bob] = [join(), join()]
    await nextTurn()
    expect(ann.nodes.live).toHaveLength(2)
    expect(ann.nodes.lease).toBe(15_000)
    const left: string[] = []
    ann.nodes.onChange((change) => left.push(...change.left))
    // It has just renewed its lease.
    bob.cut()
    for (let seconds = 0; seconds < 14; seconds++) {
      clock.advance(1_000)
      await nextTurn()
    }
    expect(left).toEqual([])
    for (let seconds = 0; seconds < 6; seconds++) {
      clock.advance(1_000)
      await nextTurn()
    }
    expect(left).toEqual([bob.node])
    await Promise.all([ann.stop(), bob.stop()])
  })

  test('who could not renew a lease because nobody could is not taken for dead', async () => {
    const { clock, join } = network()
    const brokers = [join(), join(), join()]
    await nextTurn()
    const left: string[] = []
    for (const { nodes } of brokers) nodes.onChange((change) => left.push(...change.left))
    for (const broker of brokers) broker.cut()
    for (let seconds = 0; seconds < 60; seconds++) {
      clock.advance(1_000)
      await nextTurn()
    }
    // They come back one after the other.
    for (const broker of brokers) {
      broker.mend()
      for (let seconds = 0; seconds < 6; seconds++) {
        clock.advance(1_000)
        await nextTurn()
      }
    }
    expect(left).toEqual([])
    for (const { nodes } of brokers) expect(nodes.live).toHaveLength(3)
    await Promise.all(brokers.map((broker) => broker.stop()))
  })

  test('nothing waits any more after the end', async () => {
    const { clock, join } = network()
    const [ann, bob] = [join(), join()]
    ann.streams.follow(newName(), new Log())
    ann.rosters.watch(newName(), { changed() {} })
    bob.cut()
    bob.streams.follow(newName(), new Log())
    await nextTurn()
    await Promise.all([ann.stop(), bob.stop()])
    expect(clock.pending).toBe(0)
  })

  test('how far a stream was is remembered for a day, and positions rise all the same', async () => {
    const { clock, join } = network()
    const broker = join()
    const { streams } = broker
    const stream = newName()
    const options = { limit: 10, ttl: 1_000 }
    const first = await streams.append(stream, bytesOf('a'), options)
    clock.advance(23 * 3_600_000)
    await nextTurn()
    expect(await streams.read(stream, { after: first })).toMatchObject({ last: first, gap: undefined })
    clock.advance(2 * 3_600_000)
    await nextTurn()
    expect(await streams.read(stream, { after: first })).toMatchObject({ last: 0, gap: { after: first } })
    const second = await streams.append(stream, bytesOf('b'), options)
    expect(second).toBeGreaterThan(first + 1)
    expect(textsOf((await streams.read(stream)).entries)).toEqual(['b'])
    await broker.stop()
  })
})
