import { id, type Traffic, text, windowsOf } from '../load/traffic.ts'
import { cpu } from '../measure/cpu.ts'
import type { Scenario } from '../scenario.ts'

const traffic: Traffic = {
  senders: 50,
  listeners: 0,
  windows: windowsOf(8, (n) => {
    const data = { text: text(32, n), n: id(n) }
    return { message: { event: 'guarded', data, id: id(n) }, reply: { ack: id(n), data } }
  }),
}

/** A request that a guard, a middleware and a schema stand around; the raw server does the same three things by hand. */
export const guarded: Scenario = {
  name: 'guarded',
  unit: 'µs/message',
  decimals: 3,
  goal: { compare: 'ratio', limit: 1.25 },
  measure: cpu(traffic, 'guarded'),
}
