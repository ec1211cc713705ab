import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { Follow } from '../../lib/broker/follow.ts'
import type { Entry, Gap, Slice } from '../../lib/broker/streams.ts'
import { HandClock } from '../support/clock.ts'
import { nextTurn } from '../support/until.ts'

/** What may happen to a stream and to who follows it. */
type Step =
  | { kind: 'append'; heard: boolean }
  | { kind: 'again' }
  | { kind: 'trim'; keep: number }
  /** The oldest question is answered: as things are then, or as they were when it was asked, or not at all. */
  | { kind: 'answer'; how: 'now' | 'then' | 'failed' }
  | { kind: 'lost' }
  | { kind: 'turn' }

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('append' as const), heard: fc.boolean() }) },
  { weight: 2, arbitrary: fc.constant({ kind: 'again' as const }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('trim' as const), keep: fc.nat(4) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('answer' as const),
      how: fc.constantFrom('now' as const, 'then' as const, 'failed' as const),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'lost' as const }) },
  { weight: 3, arbitrary: fc.constant({ kind: 'turn' as const }) },
)

/** A stream that is read slowly: each question is answered when the test says so. */
class SlowStream {
  first = 1_001
  last = 1_000
  floor = 1_000
  readonly questions: { after: number | undefined; asked: Slice; settle: (slice?: Slice) => void }[] = []
  /** All that anybody was ever to have. */
  readonly appended: number[] = []

  append(): Entry {
    this.appended.push(++this.last)
    return { position: this.last, bytes: new Uint8Array(), from: 'ann' }
  }

  /** Everything is gone, and another stream begins above it. */
  lose(): void {
    this.last += 10
    this.floor = this.last
    this.first = this.last + 1
  }

  read(after: number | undefined): Promise<Slice> {
    return new Promise((resolve, reject) => {
      const settle = (slice?: Slice): void =>
        slice === undefined ? reject(new Error('away')) : resolve(slice)
      this.questions.push({ after, asked: this.slice(after), settle })
    })
  }

  /** At most three entries. */
  slice(after: number | undefined): Slice {
    const { last, floor, first } = this
    if (after === undefined) return { entries: [], position: last, last, gap: undefined, kept: undefined }
    const next = after === 0 ? first : after + 1
    const start = Math.max(next, floor + 1)
    const end = Math.min(last, start + 2)
    const entries = Array.from({ length: Math.max(0, end - start + 1) }, (_, i) => ({
      position: start + i,
      bytes: new Uint8Array(),
      from: 'ann',
    }))
    let gap: Gap | undefined
    if (after > last) gap = { after, position: last }
    else if (floor + 1 > next) gap = { after, position: floor }
    return { entries, position: end < last ? end : last, last, gap, kept: undefined }
  }

  answer(how: 'now' | 'then' | 'failed'): void {
    const question = this.questions.shift()
    question?.settle(
      how === 'failed' ? undefined : how === 'then' ? question.asked : this.slice(question.after),
    )
  }
}

test('who follows a stream has each entry once and in order, or is told that it is missing', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 5, maxLength: 60, size: 'max' }),
      fc.boolean(),
      async (steps, fromNow) => {
        const stream = new SlowStream()
        const clock = new HandClock()
        const told: ({ entry: number } | { gap: Gap })[] = []
        const start = fromNow ? undefined : 1_000
        const follow = new Follow(
          {
            read: (after) => stream.read(after),
            clock,
            failed: (error) => {
              throw error
            },
            gap() {},
          },
          {
            entry: ({ position }) => told.push({ entry: position }),
            gap: (gap) => told.push({ gap }),
          },
          start,
          () => {},
        )
        follow.lookAgain()
        /** Whether the last thing that happened was heard, so that nobody has to look any more. */
        let wasHeard = true
        for (const one of steps) {
          if (one.kind === 'append') {
            const entry = stream.append()
            if (one.heard) follow.heard(entry)
            wasHeard = one.heard
          } else if (one.kind === 'again') follow.lookAgain()
          else if (one.kind === 'trim') stream.floor = Math.max(stream.floor, stream.last - one.keep)
          else if (one.kind === 'answer') stream.answer(one.how)
          else if (one.kind === 'lost') {
            stream.lose()
            follow.lookAgain()
          } else {
            await nextTurn()
            clock.advance(1_000)
          }
        }
        // In the end everything is answered.
        if (!wasHeard) follow.lookAgain()
        for (let i = 0; i < 300 && (i < 3 || stream.questions.length > 0 || clock.pending > 0); i++) {
          stream.answer('now')
          await nextTurn()
          clock.advance(1_000)
        }
        expect(follow.position).toBe(stream.last)

        let position = start
        const missing: Gap[] = []
        for (const one of told) {
          if ('gap' in one) {
            expect(one.gap.after).toBe(position ?? one.gap.after)
            missing.push(one.gap)
            position = one.gap.position
          } else {
            // It follows what it had, or what it was told to be missing.
            if (position !== undefined) expect(one.entry).toBe(position + 1)
            position = one.entry
          }
        }
        const had = new Set(told.flatMap((one) => ('entry' in one ? [one.entry] : [])))
        const begin = start ?? Math.min(...had, ...missing.map(({ after }) => after + 1), stream.last + 1) - 1
        for (const one of stream.appended) {
          const isMissing = missing.some(({ after, position }) => one > after && one <= position)
          if (one > begin) expect([one, had.has(one) !== isMissing]).toEqual([one, true])
        }
      },
    ),
    { numRuns: 1_000 },
  )
}, 30_000)
