/**
 * What a message, a delivery and an idle connection cost a server of Socket.IO: ours on Bun against Socket.IO 4, on Bun with its own
 * engine and on Node. See README.md.
 *
 *   bun run apps/bench/socketio.ts [--only echo,broadcast1,broadcast8,idle] [--rounds 5] [--seconds 2] [--connections 5000]
 */
import { parseArgs } from 'node:util'
import type { Contender } from './contender.ts'
import { type Traffic, text, windowsOf } from './load/traffic.ts'
import { cpu } from './measure/cpu.ts'
import { memory } from './measure/memory.ts'
import type { Reading, Scenario } from './scenario.ts'
import { socketio as wire } from './socketio/wire.ts'
import { spread } from './statistic.ts'

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: 'echo,broadcast1,broadcast8,idle' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '2' },
    connections: { type: 'string', default: '5000' },
  },
})
const rounds = Number(values.rounds)
const effort = { rounds, seconds: Number(values.seconds) }

const file = (name: string): string => `${import.meta.dir}/socketio/${name}.ts`

const ours: Contender = { name: 'partyline', file: file('ours'), wire }

/** Ours a second time shows what the measurement is worth. */
const contenders: readonly Contender[] = [
  ours,
  { name: 'socket.io on bun', file: file('theirs-on-bun'), wire },
  { name: 'socket.io on node', file: file('theirs-on-node'), wire, platform: 'node' },
  { ...ours, name: 'partyline again' },
]

interface Section {
  name: string
  unit: string
  decimals: number
  /** The most that ours may be of theirs, on Bun and on Node. */
  goals: readonly (number | undefined)[]
  measure: Scenario['measure']
}

/** A packet of 64 bytes or so in, and the same back. */
const echo: Traffic = {
  senders: 50,
  listeners: 0,
  windows: windowsOf(8, (n) => {
    const message = { event: 'echo', data: { text: text(43, n) } }
    return { message, reply: message }
  }),
}

const broadcast = (times: number): Traffic => ({
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
})

const sections: readonly Section[] = [
  { name: 'echo', unit: 'µs/message', decimals: 2, goals: [0.6, 0.2], measure: cpu(echo) },
  {
    name: 'broadcast1',
    unit: 'µs/delivery',
    decimals: 3,
    goals: [undefined, undefined],
    measure: cpu(broadcast(1)),
  },
  { name: 'broadcast8', unit: 'µs/delivery', decimals: 3, goals: [0.2, 0.2], measure: cpu(broadcast(8)) },
  {
    name: 'idle',
    unit: 'B/connection',
    decimals: 0,
    goals: [0.5, 0.5],
    measure: memory(Number(values.connections)),
  },
]

for (const section of sections) if (values.only.split(',').includes(section.name)) await show(section)
process.exit()

async function show({ name, unit, decimals, goals, measure }: Section): Promise<void> {
  const readings = contenders.map((): Reading[] => [])
  for (let round = 0; round < rounds; round++) {
    const isThere = round % 2 === 0
    const shown = await measure(isThere ? contenders : contenders.toReversed(), effort)
    for (const [i, reading] of (isThere ? shown : shown.toReversed()).entries()) readings[i]?.push(reading)
    console.error(`${name}: round ${round + 1} of ${rounds}`)
  }
  const [own = [], ...others] = readings.map((all) => all.map(({ value }) => value))
  console.log(`\n${name}, ${unit}\n  ${'partyline'.padEnd(18)}${range(own, decimals)}`)
  for (const [i, theirs] of others.entries()) {
    const ratio = spread(own).median / spread(theirs).median
    const each = own.map((value, round) => value / (theirs[round] as number))
    const goal = goals[i]
    const verdict =
      goal === undefined ? '' : `, goal ${goal.toFixed(2)}x: ${ratio <= goal ? 'met' : 'MISSED'}`
    const title = contenders[i + 1]?.name as string
    console.log(
      `  ${title.padEnd(18)}${range(theirs, decimals)}; ours is ${ratio.toFixed(2)}x (${range(each, 2)})${verdict}`,
    )
  }
}

function range(figures: readonly number[], decimals: number): string {
  const { median, least, most } = spread(figures)
  return `${median.toFixed(decimals)} (${least.toFixed(decimals)}..${most.toFixed(decimals)})`
}
