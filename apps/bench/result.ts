import type { Contender } from './contender.ts'
import type { Effort, Goal, Reading, Scenario } from './scenario.ts'
import { type Spread, spread } from './statistic.ts'

/** What one contender showed in one scenario. */
export interface Result {
  scenario: string
  unit: string
  contender: string
  rounds: number
  /** The contender's own readings. */
  value: Spread
  /** What the goal is about: made from the readings of one round each, then put in order. */
  result: Spread
  goal: Goal
  met: boolean
  /** CPU time over wall time of the server, the median. */
  busy?: number
}

/**
 * Runs a scenario for all contenders, the first of which is the one to compare with. Their order turns from round to
 * round, so that whoever profits from being first or last does so half of the time.
 */
export async function results(
  scenario: Scenario,
  contenders: readonly Contender[],
  effort: Effort,
  progress: (done: number, of: number) => void,
): Promise<Result[]> {
  const rounds = Math.max(effort.rounds, scenario.minimumRounds ?? 0)
  const readings: Reading[][] = contenders.map(() => [])
  for (let round = 0; round < rounds; round++) {
    const there = round % 2 === 0
    const shown = await scenario.measure(there ? contenders : contenders.toReversed(), effort)
    const inOrder = there ? shown : shown.toReversed()
    for (const [index, reading] of inOrder.entries()) readings[index]!.push(reading)
    progress(round + 1, rounds)
  }
  return contenders.map(({ name }, index) => result(scenario, name, readings[index]!, readings[0]!))
}

function result({ name, unit, goal }: Scenario, contender: string, own: Reading[], base: Reading[]): Result {
  const outcome = spread(own.map(({ value }, round) => compared(goal, value, base[round]!.value)))
  const busy = own.flatMap((reading) => reading.busy ?? [])
  return {
    scenario: name,
    unit,
    contender,
    rounds: own.length,
    value: spread(own.map(({ value }) => value)),
    result: outcome,
    goal,
    met: outcome.median <= goal.limit,
    ...(busy.length > 0 && { busy: spread(busy).median }),
  }
}

function compared({ compare }: Goal, own: number, base: number): number {
  if (compare === 'ratio') return own / base
  return compare === 'difference' ? own - base : own
}
