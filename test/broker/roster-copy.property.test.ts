import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { RosterCopy, type RosterEvent, type RosterList } from '../../lib/broker/roster-copy.ts'
import type { RosterEntry } from '../../lib/broker/rosters.ts'
import { HandClock } from '../support/clock.ts'
import { nextTurn } from '../support/until.ts'

const OWN = 'own'

/** What may happen to a roster and to who watches it. */
type Step =
  | { kind: 'change'; node: string; member: string; state: number; heard: boolean }
  | { kind: 'fill'; node: string; heard: boolean }
  | { kind: 'again' | 'turn' | 'lost' }
  | { kind: 'dead'; node: string }
  | { kind: 'answer'; how: 'now' | 'then' | 'failed' }

const node = fc.constantFrom(OWN, 'ann', 'bob')
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('change' as const),
      node,
      member: fc.constantFrom('a', 'b', 'c d'),
      // None leaves.
      state: fc.nat(2),
      heard: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('fill' as const), node, heard: fc.boolean() }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constantFrom('again' as const, 'turn' as const) }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'lost' as const }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('dead' as const), node: fc.constantFrom('ann', 'bob') }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('answer' as const),
      how: fc.constantFrom('now' as const, 'then' as const, 'failed' as const),
    }),
  },
)

/** A roster that is listed slowly. */
class SlowRoster {
  version = 100
  readonly members = new Map<string, RosterEntry>()
  readonly dead = new Set<string>()
  readonly questions: { asked: RosterList; settle: (list?: RosterList) => void }[] = []

  change(node: string, member: string, state: number): RosterEvent {
    const bytes = state === 0 ? undefined : Uint8Array.of(state)
    if (bytes === undefined) this.members.delete(`${node} ${member}`)
    else this.members.set(`${node} ${member}`, { node, member, bytes })
    return { version: ++this.version, node, member, bytes }
  }

  list(): Promise<RosterList> {
    return new Promise((resolve, reject) => {
      const settle = (list?: RosterList): void =>
        list === undefined ? reject(new Error('away')) : resolve(list)
      this.questions.push({ asked: this.now, settle })
    })
  }

  get now(): RosterList {
    return { version: this.version, entries: [...this.members.values()] }
  }

  answer(how: 'now' | 'then' | 'failed'): void {
    const question = this.questions.shift()
    question?.settle(how === 'failed' ? undefined : how === 'then' ? question.asked : this.now)
  }
}

const words = (entries: readonly RosterEntry[]): string[] =>
  entries.map(({ node, member, bytes }) => `${node} ${member} ${bytes}`).sort()

test('who watches a roster sees what is there, and was told of every step of it', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60, size: 'max' }), async (steps) => {
      const roster = new SlowRoster()
      const clock = new HandClock()
      const own = new Map<string, Uint8Array>()
      const told = new Map<string, RosterEntry>()
      const copy = new RosterCopy(
        {
          node: OWN,
          clock,
          own: () => own,
          list: () => roster.list(),
          isLive: (node) => !roster.dead.has(node),
          lookWhoLives: async () => {},
          failed: (error) => {
            throw error
          },
        },
        {
          changed({ entered, left }) {
            for (const one of left) {
              expect(told.delete(`${one.node} ${one.member}`)).toBe(true)
            }
            for (const one of entered) {
              const before = told.get(`${one.node} ${one.member}`)
              expect(before === undefined || before.bytes[0] !== one.bytes[0]).toBe(true)
              told.set(`${one.node} ${one.member}`, one)
            }
          },
        },
        () => {},
      )
      copy.lookAgain()
      /** A broker hears of a node that it is alive. */
      const revive = (node: string): void => {
        if (roster.dead.delete(node)) copy.nodesChanged({ joined: [node], left: [] })
      }
      /** Whether the last change was heard, so that nobody has to look any more. */
      let wasHeard = true
      for (const one of steps) {
        if (one.kind === 'change' || one.kind === 'fill') wasHeard = one.heard
        if (one.kind === 'change') {
          if (one.node === OWN) {
            if (one.state === 0) own.delete(one.member)
            else own.set(one.member, Uint8Array.of(one.state))
            copy.changed(one.member, own.get(one.member))
          }
          const event = roster.change(one.node, one.member, one.state)
          // Of who was taken for dead a broker hears first that it lives.
          if (one.heard) {
            revive(one.node)
            copy.heard(event)
          }
        } else if (one.kind === 'fill') {
          const event = { version: ++roster.version, node: one.node, member: undefined, bytes: undefined }
          if (one.heard) {
            revive(one.node)
            copy.heard(event)
          }
        } else if (one.kind === 'lost') {
          roster.members.clear()
          for (const [member, bytes] of own)
            roster.members.set(`${OWN} ${member}`, { node: OWN, member, bytes })
          roster.version += 1_000
          copy.lookAgain()
        } else if (one.kind === 'dead') {
          roster.dead.add(one.node)
          copy.nodesChanged({ joined: [], left: [one.node] })
        } else if (one.kind === 'again') copy.lookAgain()
        else if (one.kind === 'answer') roster.answer(one.how)
        else {
          await nextTurn()
          clock.advance(1_000)
        }
      }
      // Who was taken for dead and is not comes back with all it has, and need not say more than that it is there.
      for (const node of [...roster.dead]) revive(node)
      const { version } = roster
      if (!wasHeard) copy.lookAgain()
      for (let i = 0; i < 300 && (i < 3 || roster.questions.length > 0 || clock.pending > 0); i++) {
        roster.answer('now')
        await nextTurn()
        clock.advance(1_000)
      }
      expect(copy.version).toBe(version)
      expect(words(copy.entries)).toEqual(words(roster.now.entries))
      expect(words([...told.values()])).toEqual(words(copy.entries))
    }),
    { numRuns: 1_000 },
  )
}, 30_000)
