import { expect, test } from 'bun:test'
import { check, checkEnd } from './nodes/check.ts'
import { History } from './nodes/history.ts'

/** How many histories are tried; a longer search is `PARTYLINE_HISTORIES=100000 npm test -- test/property/nodes-recovery`. */
const HISTORIES = Number(process.env.PARTYLINE_HISTORIES ?? 400)

/** The seed of one history to be told in full. */
const SEED = process.env.PARTYLINE_SEED

async function tryOne(seed: number, trace?: (line: string) => void): Promise<History> {
  const history = new History(seed, trace)
  try {
    await history.happen()
    check(history)
    await history.end()
    checkEnd(history)
    return history
  } catch (cause) {
    const how = `PARTYLINE_SEED=${seed} npm test -- test/property/nodes-recovery`
    throw new Error(`history ${seed}: ${(cause as Error).message}\nsee it happen: ${how}`, { cause })
  }
}

if (SEED !== undefined)
  test('the history of PARTYLINE_SEED, in full', () => tryOne(Number(SEED), console.log))
else
  test(
    'whatever becomes of lines, nodes and the broker: what a recovered session was sent came once and in order',
    async () => {
      const total: Record<string, number> = {}
      for (let seed = 1; seed <= HISTORIES; seed++) {
        const { figures, guests } = await tryOne(seed)
        const moved = guests.flatMap(({ openings }) => openings.filter(({ recovered }) => recovered)).length
        for (const [what, times] of Object.entries({ ...figures, moved }))
          total[what] = (total[what] ?? 0) + times
      }
      for (const [what, times] of Object.entries(total)) expect([what, times > 0]).toEqual([what, true])
    },
    60_000 + HISTORIES * 100,
  )
