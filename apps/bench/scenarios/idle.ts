import { memory } from '../measure/memory.ts'
import type { Scenario } from '../scenario.ts'

/** RSS of a connection that does nothing, at ten thousand of them. */
export const idle: Scenario = {
  name: 'idle',
  unit: 'B/connection',
  decimals: 0,
  goal: { compare: 'absolute', limit: 4096 },
  measure: memory(10_000),
}
