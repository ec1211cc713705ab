import { id, type Traffic, text, windowsOf } from '../load/traffic.ts'
import { cpu } from '../measure/cpu.ts'
import type { Scenario } from '../scenario.ts'

const traffic: Traffic = {
  senders: 50,
  listeners: 0,
  windows: windowsOf(8, (n) => {
    const data = { text: text(32, n) }
    return { message: { event: 'later', data, id: id(n) }, reply: { ack: id(n), data } }
  }),
}

/**
 * The handler awaits `setImmediate`, as it would a query, and then returns what it got. Bun no longer gathers such
 * replies, so the raw server, which sends each by itself, pays a system call for each.
 */
export const macrotask: Scenario = {
  name: 'macrotask',
  unit: 'µs/message',
  decimals: 3,
  goal: { compare: 'ratio', limit: 0.5 },
  measure: cpu(traffic),
}
