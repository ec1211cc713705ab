import { id, type Traffic, text, windowsOf } from '../load/traffic.ts'
import { cpu } from '../measure/cpu.ts'
import type { Scenario } from '../scenario.ts'

const traffic: Traffic = {
  senders: 50,
  listeners: 0,
  windows: windowsOf(8, (n) => {
    const data = { text: text(1024, n) }
    return { message: { event: 'request', data, id: id(n) }, reply: { ack: id(n), data } }
  }),
}

/** The handler returns what it got, 1 KiB of text, and that becomes the ack. */
export const request: Scenario = {
  name: 'request',
  unit: 'µs/message',
  decimals: 3,
  goal: { compare: 'ratio', limit: 1.1, elsewhere: 1.15 },
  measure: cpu(traffic),
}
