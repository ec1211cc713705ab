import { latency } from '../measure/latency.ts'
import type { Scenario } from '../scenario.ts'

/**
 * How much later one socket's requests are answered while another floods: the quotient of the latencies with the flood on
 * its own server and with the flood on another. Partyline has its default limits here; the raw server has none, and does all that the flood asks for.
 */
export function flood(name: string, quantile: number): Scenario {
  return {
    name,
    unit: 'here/there',
    decimals: 2,
    goal: { compare: 'absolute', limit: quantile > 0.9 ? 2 : 1.25 },
    measure: latency(quantile),
  }
}
