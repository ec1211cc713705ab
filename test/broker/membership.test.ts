import { expect, test } from 'bun:test'
import { type Beat, Membership } from '../../lib/broker/membership.ts'
import { HandClock } from '../support/clock.ts'
import { nextTurn } from '../support/until.ts'

/** A membership whose beats a test answers. */
function open() {
  const clock = new HandClock()
  const questions: { resolve(beat: Beat): void; reject(error: Error): void }[] = []
  const told: string[] = []
  const members = new Membership({
    node: 'own',
    lease: 4_000,
    clock,
    beat: () => new Promise((resolve, reject) => questions.push({ resolve, reject })),
    failed: (error) => {
      throw error
    },
  })
  members.onChange(({ joined, left, lapsed }) => {
    told.push(
      ...joined.map((one) => `+${one}`),
      ...left.map((one) => `-${one}`),
      ...(lapsed ? ['lapsed'] : []),
    )
  })
  const answer = async (live: string[], since = 1, isComplete = true) => {
    questions.shift()?.resolve({ since, live: ['own', ...live], isComplete })
    await nextTurn()
  }
  return { answer, clock, members, questions, told }
}

test('who comes while a lease is being renewed has not left because the answer is older', async () => {
  const { answer, clock, members, told } = open()
  void members.refresh()
  members.seen('ann')
  await answer([])
  expect(members.live).toEqual(['own', 'ann'])
  clock.advance(1_000)
  await answer(['ann'])
  expect(told).toEqual(['+ann'])
  clock.advance(1_000)
  await answer([])
  expect(told).toEqual(['+ann', '-ann'])
})

test('who says goodbye meanwhile has not come again, for an older answer or a late message', async () => {
  const { answer, clock, members, told } = open()
  void members.refresh()
  await answer(['ann'])
  clock.advance(1_000)
  members.gone('ann')
  members.seen('ann')
  await answer(['ann'])
  expect(members.live).toEqual(['own'])
  clock.advance(1_000)
  await answer([])
  expect(told).toEqual(['+ann', '-ann'])
})

test('as long as leases may be missing nobody leaves', async () => {
  const { answer, clock, members, told } = open()
  void members.refresh()
  await answer(['ann'])
  clock.advance(1_000)
  await answer([], 2, false)
  expect(told).toEqual(['+ann', 'lapsed'])
  clock.advance(1_000)
  await answer([], 2, true)
  expect(told).toEqual(['+ann', 'lapsed', '-ann'])
})

test('a lease is renewed four times while it lasts, on after what failed, once at a time, and not after the end', async () => {
  const { answer, clock, members, questions } = open()
  const first = [members.refresh(), members.refresh()]
  expect(questions).toHaveLength(1)
  questions.shift()?.reject(new Error('away'))
  await Promise.all(first)
  clock.advance(999)
  expect(questions).toHaveLength(0)
  clock.advance(1)
  expect(questions).toHaveLength(1)
  clock.advance(10_000)
  expect(questions).toHaveLength(1)
  members.stop()
  await answer(['ann'])
  expect(members.live).toEqual(['own'])
  expect(clock.pending).toBe(0)
})
