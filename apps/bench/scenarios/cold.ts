import { start } from '../measure/start.ts'
import type { Scenario } from '../scenario.ts'

/** From spawning the process to the first accepted WebSocket. */
export const cold: Scenario = {
  name: 'cold',
  unit: 'ms',
  decimals: 1,
  goal: { compare: 'difference', limit: 40 },
  minimumRounds: 40,
  measure: start,
}
