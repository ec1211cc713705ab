import type { Scenario } from './scenario.ts'
import { broadcast } from './scenarios/broadcast.ts'
import { cold } from './scenarios/cold.ts'
import { echo } from './scenarios/echo.ts'
import { flood } from './scenarios/flood.ts'
import { guarded } from './scenarios/guarded.ts'
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
  guarded,
  flood('flood50', 0.5),
  flood('flood99', 0.99),
  idle,
  cold,
]
