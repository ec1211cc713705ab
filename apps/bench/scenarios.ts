import type { Scenario } from './scenario.ts'
import { broadcast } from './scenarios/broadcast.ts'
import { cold } from './scenarios/cold.ts'
import { echo } from './scenarios/echo.ts'
import { idle } from './scenarios/idle.ts'
import { macrotask } from './scenarios/macrotask.ts'
import { request } from './scenarios/request.ts'

/** Every scenario, in the order in which they run. */
export const scenarios: readonly Scenario[] = [
  echo,
  request,
  broadcast('broadcast1', 1),
  broadcast('broadcast8', 8),
  macrotask,
  idle,
  cold,
]
