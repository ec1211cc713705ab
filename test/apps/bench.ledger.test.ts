// The account that apps/bench/faults.ts keeps: that it says "lost 0" is worth something only where it can say anything else.
import { expect, test } from 'bun:test'
import { Ledger } from '../../apps/bench/faults/ledger.ts'

/** What was lost, doubled and out of order for one who heard these of ann's first so many, and was told at `told` of a gap. */
function account(said: number, heard: readonly (number | 'told')[], isExcused = false): object {
  const ledger = new Ledger()
  for (let n = 1; n <= said; n++) ledger.said('ann', n)
  if (isExcused) ledger.excuse('ann')
  const listener = ledger.listener()
  for (const n of heard) {
    if (n === 'told') listener.told()
    else listener.heard('ann', n)
  }
  listener.finish()
  const { sent, delivered, lost, doubled, disordered } = ledger.tally
  expect([sent, delivered]).toEqual([said, heard.filter((n) => n !== 'told').length])
  return { lost, doubled, disordered }
}

const fine = { lost: 0, doubled: 0, disordered: 0 }

test.each<[what: string, said: number, heard: (number | 'told')[], expected: object]>([
  ['all of it', 4, [1, 2, 3, 4], fine],
  ['all since it came', 4, [3, 4], fine],
  ['nothing of one in the middle', 4, [1, 2, 4], { ...fine, lost: 1 }],
  ['nothing of the last two', 4, [1, 2], { ...fine, lost: 2 }],
  ['one twice', 4, [1, 2, 2, 3, 4], { ...fine, doubled: 1 }],
  ['one twice, much later', 4, [1, 2, 3, 4, 1], { ...fine, doubled: 1 }],
  ['one too late', 4, [1, 3, 2, 4], { ...fine, disordered: 1 }],
  ['one less, and was told so', 4, [1, 2, 'told', 4], fine],
  ['one less after it was told of another', 6, [1, 'told', 3, 4, 6], { ...fine, lost: 1 }],
])('who heard %s', (_, said, heard, expected) => {
  expect(account(said, heard)).toEqual(expected)
})

test('of a speaker whose own session was lost nothing is missed, and what comes twice still counts', () => {
  expect(account(4, [1, 2, 2], true)).toEqual({ ...fine, doubled: 1 })
})

test('speakers are told apart, and so are listeners', () => {
  const ledger = new Ledger()
  for (const speaker of ['ann', 'bob']) for (const n of [1, 2]) ledger.said(speaker, n)
  const [one, other] = [ledger.listener(), ledger.listener()]
  for (const n of [1, 2]) for (const speaker of ['ann', 'bob']) one.heard(speaker, n)
  other.heard('bob', 1)
  for (const listener of [one, other]) listener.finish()
  expect(ledger.tally).toMatchObject({ sent: 4, delivered: 5, lost: 1, doubled: 0, disordered: 0 })
})
