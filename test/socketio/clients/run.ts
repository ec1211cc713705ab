import { type CaseName, cases } from './cases.ts'
import { type Mode, modes, type Platform, World } from './world.ts'

/** What came of a case. */
export interface Outcome {
  readonly mode: Mode
  readonly name: CaseName
  /** Absent where all was as it should be. */
  readonly error?: string
}

/** Runs all cases by all ways: those of one way at the same time, where that can be. */
export async function runCases(platform: Platform): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  for (const mode of modes) {
    const names = Object.keys(cases) as CaseName[]
    if (platform.isNarrow) for (const name of names) outcomes.push(await runCase(platform, mode, name))
    else outcomes.push(...(await Promise.all(names.map((name) => runCase(platform, mode, name)))))
  }
  return outcomes
}

async function runCase(platform: Platform, mode: Mode, name: CaseName): Promise<Outcome> {
  const world = new World(platform, mode)
  try {
    await cases[name](world)
    return { mode, name }
  } catch (error) {
    const words = error instanceof Error ? `${error.stack ?? error}` : String(error)
    return { mode, name, error: [words, ...world.story].join('\n') }
  } finally {
    await world.end()
  }
}
