import type { Contender } from './contender.ts'

/** How long and how often to measure, as asked on the command line. */
export interface Effort {
  rounds: number
  /** Measured seconds for each server in each round of a scenario that measures CPU. */
  seconds: number
}

/** What one server showed in one round. */
export interface Reading {
  /** In the unit of the scenario. */
  value: number
  /**
   * CPU time over wall time while it was measured, where that is known. The generator and other programs have the rest.
   * It should be alike for servers that cost alike: where it is not, they were not measured under the same conditions.
   */
  busy?: number
}

/**
 * What a contender is held to. `ratio` and `difference` compare it with the raw server of the same round;
 * `absolute` takes its own value.
 */
export interface Goal {
  compare: 'ratio' | 'difference' | 'absolute'
  /** The result may be at most this. */
  limit: number
  /** The same on Node and Deno, where that is another. */
  elsewhere?: number
}

/** One kind of work that every contender does. */
export interface Scenario {
  name: string
  unit: string
  /** Decimals with which values, differences and absolute results are printed. */
  decimals: number
  goal: Goal
  /** For a scenario whose single readings are short and rough: it gets at least so many rounds. */
  minimumRounds?: number
  /** One round. Gives one reading for each contender, in the order in which they were given. */
  measure(contenders: readonly Contender[], effort: Effort): Promise<Reading[]>
}
