import { describe, expect, test } from 'bun:test'
import { check, checkEnd } from './recovery/check.ts'
import { end, type History, happen } from './recovery/history.ts'

/** How many histories are tried; a longer search is `PARTYLINE_HISTORIES=1000000 npm test -- test/property/recovery`. */
const HISTORIES = Number(process.env.PARTYLINE_HISTORIES ?? 20_000)

/** The seed of one history to be told in full. */
const SEED = process.env.PARTYLINE_SEED

const PARTS = 4

/** How often something happened without which a search would be empty. */
type Seen = Record<string, number>

async function tryOne(seed: number, trace?: (line: string) => void): Promise<Seen> {
  try {
    const history = await happen(seed, trace)
    check(history)
    const seen = seenIn(history)
    checkEnd(history, await end(history))
    return seen
  } catch (cause) {
    const how = `PARTYLINE_SEED=${seed} npm test -- test/property/recovery`
    throw new Error(`history ${seed}: ${(cause as Error).message}\nsee it happen: ${how}`, { cause })
  }
}

function seenIn({ app, ledger, guests, thieves }: History): Seen {
  const { sessionsResumed, resumesRefused, sessionsExpired, keptEvicted, heartbeatsLost } = app.stats()
  const openings = guests.flatMap((guest) => guest.openings.slice(1))
  return {
    sessionsResumed,
    resumesRefused,
    sessionsExpired,
    keptEvicted,
    heartbeatsLost,
    recovered: openings.filter(({ recovered }) => recovered).length,
    notRecovered: openings.filter(({ recovered }) => !recovered).length,
    lost: openings.filter(({ lost }) => lost > 0).length,
    heard: sum(guests.flatMap(({ heard }) => [...heard.values()].map((list) => list.length))),
    handled: sum([...ledger.handled.values()].map((list) => list.length)),
    answered: guests.flatMap(({ sent }) => sent).filter(({ answer }) => answer !== undefined).length,
    unanswered: guests.flatMap(({ sent }) => sent).filter(({ error }) => error !== undefined).length,
    asked: ledger.asked.filter(({ answer }) => answer !== undefined).length,
    restarts: ledger.life,
    stolen: thieves.filter(({ recovered }) => recovered).length,
    takenOver: guests.filter(({ client }) => client.closed?.code === 4_409).length,
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((one, other) => one + other, 0)
}

function search(): void {
  test.each(Array.from({ length: PARTS }, (_, part) => part))(
    'each side sees what the other sent, once and in order, or was told that it could not: part %d',
    async (part) => {
      const total: Seen = {}
      for (let seed = part + 1; seed <= HISTORIES; seed += PARTS) {
        const seen = await tryOne(seed)
        for (const [what, times] of Object.entries(seen)) total[what] = (total[what] ?? 0) + times
      }
      for (const [what, times] of Object.entries(total)) expect([what, times > 0]).toEqual([what, true])
    },
    // Far above what it takes; a thousandth of it is the time of one.
    60_000 + HISTORIES * 20,
  )

  test('a seed is always the same history', async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const [one, other] = [await told(seed), await told(seed)]
      expect(other).toEqual(one)
    }
  })
}

/** Everything that happens in a history, but for what is never the same: ids and tokens. */
async function told(seed: number): Promise<string[]> {
  const lines: string[] = []
  await tryOne(seed, (line) => lines.push(line.replace(/("sid"|"token"):"[^"]*"|<92 03.*/g, '$1')))
  return lines
}

if (SEED === undefined) describe('whatever becomes of lines, clients and the server', search)
else test('the history of PARTYLINE_SEED, in full', () => tryOne(Number(SEED), console.log))
