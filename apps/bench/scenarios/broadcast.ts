import { type Traffic, text } from '../load/traffic.ts'
import { cpu } from '../measure/cpu.ts'
import type { Scenario } from '../scenario.ts'

/** One message makes the handler emit so many events in one turn to a room of a thousand; counted is each delivery. */
export function broadcast(name: string, times: number): Scenario {
  const traffic: Traffic = {
    senders: 1,
    listeners: 1000,
    join: { event: 'join', id: 1 },
    windows: Array.from({ length: 4 }, (_, seed) => {
      const data = { times, text: text(32, seed) }
      return {
        messages: [{ event: 'broadcast', data }],
        replies: Array.from({ length: times }, (_, n) => ({ event: 'tick', data: { n, text: data.text } })),
      }
    }),
  }
  return {
    name,
    unit: 'µs/delivery',
    decimals: 3,
    // Eight by hand are eight writes for each member; ours are one.
    goal: { compare: 'ratio', limit: 1.05, elsewhere: times === 1 ? 1.05 : 0.5 },
    measure: cpu(traffic),
  }
}
