// The short version of apps/bench/cuts.ts, which anybody can run for longer.
import { describe, expect, test } from 'bun:test'
import { type Kind, kinds } from '../../apps/bench/cuts/kinds.ts'
import { runCuts } from '../../apps/bench/cuts/run.ts'
import { isWhole, judge } from '../../apps/bench/cuts/sequence.ts'

const executablePath = process.env.PARTYLINE_CHROMIUM

describe.skipIf(!executablePath)('a real browser whose line is cut again and again', () => {
  test('loses nothing either way, gets nothing twice, and has every request answered', async () => {
    const all = Object.keys(kinds) as Kind[]
    const often = { cuts: 10, milliseconds: 200, rate: 50, backoff: 100 }
    const result = await runCuts({ executablePath, kinds: all, seed: 2, ...often })
    // Each way to cut a line was tried, and much was on its way.
    expect(Object.keys(result.cuts).sort()).toEqual(all.sort())
    expect(Math.min(result.resumed, result.toServer.sent, result.toPage.sent, result.calls)).toBeGreaterThan(
      4,
    )
    expect(result).toMatchObject({ isGood: true, anew: 0, lost: 0, wrong: [], errors: [] })
    for (const { toServer, toPage } of [result]) {
      expect(toServer).toMatchObject({ arrived: toServer.sent, lost: 0, twice: 0, disordered: 0 })
      expect(toPage).toMatchObject({ arrived: toPage.sent, lost: 0, twice: 0, disordered: 0 })
    }
  }, 60_000)
})

describe('of what was heard it is told', () => {
  const nothing = { lost: 0, twice: 0, disordered: 0 }

  test.each([
    ['that it is whole', [1, 2, 3, 4], nothing],
    ['what was lost', [1, 4], { ...nothing, lost: 2 }],
    ['what was lost at the end', [1, 2, 3], { ...nothing, lost: 1 }],
    ['what came twice', [1, 2, 2, 3, 1, 4], { ...nothing, twice: 2 }],
    ['what came too late', [1, 3, 2, 4], { ...nothing, disordered: 1 }],
    ['what was never sent', [1, 2, 3, 4, 5], nothing],
  ])('%s', (_, heard, expected) => {
    const verdict = judge(4, heard)
    expect(verdict).toEqual({ sent: 4, arrived: heard.length, ...expected })
    expect(isWhole(verdict)).toBe(_ === 'that it is whole')
  })
})
