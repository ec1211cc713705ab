import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { type MemoryBroker, memory } from '../../lib/broker/memory.ts'
import { MemoryHub } from '../../lib/broker/memory-hub.ts'
import { contentOf } from '../../lib/channels/content.ts'
import { channel, keyOf } from '../../lib/channels/names.ts'
import { bytesOf } from '../contract/broker/network.ts'
import { HandClock } from '../support/clock.ts'
import { CollectingLogger } from '../support/logger.ts'
import { nextTurn } from '../support/until.ts'
import { SlowReads } from './slow-reads.ts'
import { Node } from './world.ts'

/** What may happen. Nodes are 0 and 1, and only 0 is ever cut. */
type Step =
  | { kind: 'publish'; node: number; history: number; isShort: boolean; isOwn: boolean }
  | { kind: 'unkept' | 'close' | 'return'; node: number }
  | { kind: 'come'; node: number; history: number }
  /** What is read was so when it was asked for, or is so now. */
  | { kind: 'answer'; how: 'then' | 'now' | 'failed' }
  | { kind: 'foreign' | 'delete' | 'cut' | 'mend' | 'turn' | 'tick' | 'wait' }

const node = fc.constantFrom(0, 1)
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      kind: fc.constant('publish' as const),
      node,
      history: fc.constantFrom(1, 1, 3, 50),
      isShort: fc.boolean(),
      isOwn: fc.boolean(),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('answer' as const),
      how: fc.constantFrom('then' as const, 'now' as const, 'now' as const, 'failed' as const),
    }),
  },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('come' as const), node, history: fc.nat(4) }) },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constantFrom('unkept' as const, 'close' as const, 'return' as const, 'return' as const),
      node,
    }),
  },
  {
    weight: 14,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        ...(['turn', 'turn', 'turn', 'turn', 'tick', 'wait', 'cut', 'mend', 'foreign', 'delete'] as const),
      ),
    }),
  },
)

const SHORT = 5_000
const LONG = 1e9

/** Something that was published, and is in the channel. */
interface Entry {
  position: number
  text: string
  expires: number
}

/** Somebody who listens or has listened. */
interface Listening {
  notes: ReturnType<Node['subscribe']>
  node: number
  after: number | undefined
  /** The newest entry when it came, and when all that was kept had been told. */
  came: number
  ready: number | undefined
  isClosed: boolean
  /** What it published and was not to hear. */
  own: Set<string>
}

test('who listens is told what is kept and then what is new, each once and in order, or what is missing', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 70, size: 'max' }), async (steps) => {
      const hub = new MemoryHub()
      const clock = new HandClock()
      const log = new CollectingLogger()
      const brokers = [memory({ hub }), memory({ hub })] as [MemoryBroker, MemoryBroker]
      for (const broker of brokers) broker.start({ clock, log })
      const reads = brokers.map((broker) => new SlowReads(broker))
      const nodes = brokers.map((broker) => new Node(broker, clock)) as [Node, Node]
      const to = channel('fac', 'broadcast')
      const entries: Entry[] = []
      const all: Listening[] = []
      let count = 0
      const last = (): number => entries.at(-1)?.position ?? 0

      const subscribe = (at: number, options: { after?: number; history?: number }): void => {
        const notes = (nodes[at] as Node).subscribe(to, options)
        const one: Listening = {
          notes,
          node: at,
          after: options.after,
          came: options.history === 0 ? Number.POSITIVE_INFINITY : last(),
          ready: undefined,
          isClosed: false,
          own: new Set(),
        }
        void notes.subscription.ready.then(() => {
          one.ready = last()
        })
        all.push(one)
      }
      /** Appends, and notes it at the moment at which it is in. */
      const publish = (one: Extract<Step, { kind: 'publish' }>): void => {
        const text = String(++count)
        const expiry = one.isShort ? SHORT : LONG
        const own = one.isOwn ? all.find(({ node, isClosed }) => node === one.node && !isClosed) : undefined
        own?.own.add(text)
        const expires = clock.now() + expiry
        ;(nodes[one.node] as Node).hub
          .send(to, contentOf(text), { history: one.history, expiry, except: own?.notes.subscription })
          .then(
            (position) => entries.push({ position: position as number, text, expires }),
            () => own?.own.delete(text),
          )
      }
      for (const one of steps) {
        if (one.kind === 'publish') publish(one)
        else if (one.kind === 'unkept')
          void nodes[one.node]?.hub.send(to, contentOf(`~${++count}`), { history: 1, expiry: 0 })
        else if (one.kind === 'come') subscribe(one.node, { history: one.history })
        else if (one.kind === 'return') {
          const before = all.findLast(({ notes }) => notes.positions.some((at) => at !== undefined))
          const after = before?.notes.positions.findLast((at) => at !== undefined)
          if (after !== undefined) subscribe(one.node, { after })
        } else if (one.kind === 'close') {
          const found = all.find(({ node, isClosed }) => node === one.node && !isClosed)
          if (found) found.isClosed = true
          found?.notes.subscription.close()
        } else if (one.kind === 'foreign') hub.publish(keyOf(to), bytesOf(`!${++count}`))
        else if (one.kind === 'delete') await nodes[1].hub.clear(to)
        else if (one.kind === 'answer') for (const slow of reads) slow.answer(one.how)
        else if (one.kind === 'cut') brokers[0].cut()
        else if (one.kind === 'mend') brokers[0].mend()
        else if (one.kind === 'tick') clock.advance(600)
        else if (one.kind === 'wait') clock.advance(SHORT)
        else await nextTurn()
      }
      brokers[0].mend()
      for (let i = 0; i < 8; i++) {
        for (const slow of reads) slow.answerAll()
        await nextTurn()
        clock.advance(600)
      }
      await nextTurn()
      // Whoever has been cut learns by the next message that it has missed something.
      publish({ kind: 'publish', node: 1, history: 50, isShort: false, isOwn: false })
      await nextTurn()
      entries.sort((one, other) => one.position - other.position)

      for (const { notes, after, came, ready, isClosed, own } of all) {
        const { messages, gaps, told } = notes
        // Once and in order, whatever it is.
        expect(new Set(told.filter((text) => text !== 'lost')).size).toBe(messages.length)
        const positions = notes.positions.filter((at) => at !== undefined)
        expect(positions).toEqual([...positions].sort((one, other) => one - other))
        for (const { position, text } of messages) {
          if (position !== undefined)
            expect(entries).toContainEqual(expect.objectContaining({ position, text }))
          expect(own.has(text ?? '')).toBe(false)
        }
        if (after !== undefined) for (const at of positions) expect(at).toBeGreaterThan(after)
        if (isClosed) continue
        expect(ready).toBeDefined()
        // From where on it was to have everything.
        const start = after ?? (positions[0] === undefined ? last() - 1 : positions[0] - 1)
        const had = new Set(positions)
        for (const { position, text, expires } of entries) {
          const isMissing = gaps.some((gap) => position > gap.after && position <= gap.position)
          if (position <= start && (after !== undefined || position <= Math.min(came, ready as number)))
            continue
          // What expired before it was there, or while it was cut off, is nobody's any more.
          if (expires <= clock.now()) continue
          if (position <= start && position <= (ready as number)) continue
          if (!own.has(text)) expect([text, had.has(position) || isMissing]).toEqual([text, true])
        }
        // Nobody was cut from what came last.
        expect(positions.at(-1)).toBe(last())
      }
      expect(nodes.flatMap(({ failures }) => failures)).toEqual([])
      const open = all.filter(({ isClosed }) => !isClosed)
      for (const one of open) one.notes.subscription.close()
      expect(nodes.map(({ hub }) => hub.stats)).toEqual([
        { channels: 0, subscribers: 0 },
        { channels: 0, subscribers: 0 },
      ])
      await Promise.all(nodes.map((one) => one.stop()))
      expect(hub.channels).toEqual([])
    }),
    { numRuns: 500 },
  )
}, 60_000)
