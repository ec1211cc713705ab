import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { type MemoryBroker, memory } from '../../lib/broker/memory.ts'
import { MemoryHub } from '../../lib/broker/memory-hub.ts'
import { contentOf } from '../../lib/channels/content.ts'
import type { ChannelMessage } from '../../lib/channels/message.ts'
import { numbers } from '../contract/broker/network.ts'
import { HandClock } from '../support/clock.ts'
import { CollectingLogger } from '../support/logger.ts'
import { nextTurn } from '../support/until.ts'
import { SlowReads } from './slow-reads.ts'
import { Node, newChannel } from './world.ts'

describe('while what is kept is being read', () => {
  let clock: HandClock
  let broker: MemoryBroker
  let reads: SlowReads
  let node: Node
  const to = newChannel()
  const send = (text: string, expiry = 60_000): Promise<number | undefined> =>
    node.hub.send(to, contentOf(text), { history: 1_000, expiry })

  beforeEach(() => {
    clock = new HandClock()
    broker = memory()
    reads = new SlowReads(broker)
    broker.start({ clock, log: new CollectingLogger() })
    node = new Node(broker, clock)
  })
  afterEach(() => node.stop())

  test('more may come than can wait, which is read as well', async () => {
    const after = (await send('before')) as number
    const notes = node.subscribe(to, { after })
    await nextTurn()
    const all = numbers(1_200)
    await Promise.all(all.map((text) => send(text)))
    await nextTurn()
    expect(notes.told).toEqual([])
    reads.answer('then')
    await nextTurn()
    expect(notes.told).toEqual(all.slice(0, 1_000))
    while (notes.told.length < 1_200) {
      reads.answerAll()
      await nextTurn()
    }
    await notes.subscription.ready
    await send('after')
    await nextTurn()
    expect(notes.told).toEqual([...all, 'after'])
    expect(node.reads).toBe(3)
  })

  test('what was not kept comes once, also where more comes than can wait: it has no position by which to be known', async () => {
    const after = (await send('before')) as number
    const notes = node.subscribe(to, { after })
    await nextTurn()
    await send('unkept', 0)
    await Promise.all(numbers(1_200).map((text) => send(text)))
    await nextTurn()
    reads.answer('then')
    await nextTurn()
    for (let i = 0; i < 5; i++) {
      reads.answerAll()
      await nextTurn()
    }
    await notes.subscription.ready
    expect(notes.told).toEqual(['unkept', ...numbers(1_200)])
  })

  test('what expires or is deleted is not told', async () => {
    const notes = node.subscribe(to, { history: 5 })
    await nextTurn()
    await send('short', 1_000)
    await nextTurn()
    clock.advance(1_000)
    await send('deleted')
    await node.hub.clear(to)
    await nextTurn()
    reads.answerAll()
    await notes.subscription.ready
    await send('new')
    await nextTurn()
    expect(notes.told).toEqual(['new'])
  })

  test('those who come wait for the next time, and read together', async () => {
    await send('kept')
    const first = node.subscribe(to)
    await nextTurn()
    const others = numbers(100).map(() => node.subscribe(to))
    await nextTurn()
    expect(node.reads).toBe(1)
    reads.answer('then')
    await first.subscription.ready
    await nextTurn()
    expect([node.reads, first.told, others[0]?.told]).toEqual([2, ['kept'], []])
    reads.answer('then')
    await Promise.all(others.map(({ subscription }) => subscription.ready))
    for (const { told } of others) expect(told).toEqual(['kept'])
    expect(node.reads).toBe(2)
  })

  test('those who wait for the next time miss nothing meanwhile, also of what is not kept', async () => {
    const first = node.subscribe(to)
    await nextTurn()
    const second = node.subscribe(to)
    await send('unkept', 0)
    await nextTurn()
    for (const { subscription } of [first, second]) {
      reads.answer('now')
      await subscription.ready
      await nextTurn()
    }
    expect([first.told, second.told]).toEqual([['unkept'], ['unkept']])
  })

  test('all may go, and nothing waits for them', async () => {
    const notes = node.subscribe(to)
    await nextTurn()
    const pending = clock.pending
    reads.answer('failed')
    await nextTurn()
    expect(clock.pending).toBe(pending + 1)
    notes.subscription.close()
    await nextTurn()
    expect(clock.pending).toBe(pending)
    expect(node.hub.stats).toEqual({ channels: 0, subscribers: 0 })
  })

  test('when it was told, nothing of what is new is held any more: each who came kept up to a megabyte of it', async () => {
    const alive: WeakRef<ChannelMessage>[] = []
    const subscriber = { message: (one: ChannelMessage) => void alive.push(new WeakRef(one)), lost() {} }
    const { ready } = node.hub.subscribe(to, subscriber)
    await nextTurn()
    reads.answer('now')
    await ready
    for (const text of numbers(500)) await send(text)
    await nextTurn()
    expect(alive).toHaveLength(500)
    Bun.gc(true)
    await nextTurn()
    Bun.gc(true)
    // Some are still found on the stack.
    expect(alive.filter((one) => one.deref() !== undefined).length).toBeLessThan(100)
  })

  test('a hub may stop: nobody waits for what does not come, and nothing is told any more', async () => {
    const pending = clock.pending
    const early = node.subscribe(to)
    await nextTurn()
    reads.answer('now')
    await early.subscription.ready
    const late = node.subscribe(to)
    await nextTurn()
    reads.answer('failed')
    await nextTurn()
    node.hub.stop()
    await late.subscription.ready
    await send('after')
    await nextTurn()
    expect([early.told, late.told, clock.pending]).toEqual([[], [], pending])
    expect(node.hub.stats).toEqual({ channels: 0, subscribers: 0 })
  })

  test('it may fail, and is tried again', async () => {
    await send('kept')
    const notes = node.subscribe(to)
    await nextTurn()
    reads.answer('failed')
    await nextTurn()
    await send('new')
    clock.advance(500)
    await nextTurn()
    reads.answer('now')
    await notes.subscription.ready
    expect(notes.told).toEqual(['new'])
  })
})

test('what another program publishes after a value that it begins with is another message', async () => {
  const hub = new MemoryHub()
  const broker = memory({ hub })
  const clock = new HandClock()
  broker.start({ clock, log: new CollectingLogger() })
  const node = new Node(broker, clock)
  const to = newChannel()
  const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)
  hub.setValue(to.key, bytesOf('rain'), clock.now() + 60_000)
  const notes = node.subscribe(to)
  await notes.subscription.ready
  hub.publish(to.key, bytesOf('rainy'))
  await nextTurn()
  expect(notes.told).toEqual(['rain', 'rainy'])
  await node.stop()
})
