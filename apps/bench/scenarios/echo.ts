import { type Traffic, text, windowsOf } from '../load/traffic.ts'
import { cpu } from '../measure/cpu.ts'
import type { Scenario } from '../scenario.ts'

const payload = 64
const letters = payload - JSON.stringify({ event: 'echo', data: { text: '' } }).length

const traffic: Traffic = {
  senders: 50,
  listeners: 0,
  windows: windowsOf(8, (n) => {
    const echo = { event: 'echo', data: { text: text(letters, n) } }
    return { message: echo, reply: echo }
  }),
}

/** The handler emits to the sender what it got: an event of 64 bytes in, one of 64 bytes out. */
export const echo: Scenario = {
  name: 'echo',
  unit: 'µs/message',
  decimals: 3,
  goal: { compare: 'ratio', limit: 1.1, elsewhere: 1.15 },
  measure: cpu(traffic),
}
