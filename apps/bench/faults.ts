/**
 * Three nodes over a Redis, clients that talk to each other through them, and what goes wrong in production: how much of what was
 * sent arrived, and what those were told to whom something is missing. Prints the table of docs/reliability.md. Ends with code 1
 * where something was lost or doubled for somebody who was not told, or anything is left behind.
 *
 *   bun run apps/bench/faults.ts [--only "Redis restarted"] [--clients 60] [--rate 5] [--json]
 *
 * Needs redis-server on the PATH. VERBOSE=1 shows what the nodes log.
 */
import { parseArgs } from 'node:util'
import { Crowd } from './faults/crowd.ts'
import { type Fault, faults, type Place } from './faults/faults.ts'
import { Ledger, type Tally } from './faults/ledger.ts'
import { Node, Redis } from './faults/network.ts'

/** How long all goes well before and after, in milliseconds. */
const CALM = 3_000
const AFTER = 8_000

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    clients: { type: 'string', default: '60' },
    rate: { type: 'string', default: '5' },
    json: { type: 'boolean', default: false },
  },
})

const chosen = (values.only ?? Object.keys(faults)) as Fault[]
for (const name of chosen)
  if (!(name in faults))
    throw new Error(`there is no fault "${name}": there are ${Object.keys(faults).join(', ')}`)

/** What is left at Redis when all nodes have stopped. */
interface Left {
  /** Keys that never expire. */
  keys: string[]
  channels: string[]
}

async function trial(name: Fault): Promise<{ tally: Tally; left: Left }> {
  const redis = await Redis.start()
  const nodes: Place['nodes'] = [await Node.start(redis), await Node.start(redis), await Node.start(redis)]
  try {
    const ledger = new Ledger()
    const url = (): string => `ws://127.0.0.1:${nodes[Math.floor(Math.random() * 3)]?.port}`
    const crowd = new Crowd(ledger, { size: Number(values.clients), rate: Number(values.rate), url })
    await crowd.untilOpen()
    crowd.begin()
    await Bun.sleep(CALM)
    await faults[name]({ redis, nodes })
    await Bun.sleep(AFTER)
    await crowd.finish()
    await Promise.all(nodes.map((node) => node.stop()))
    return { tally: ledger.tally, left: await leftAt(redis) }
  } finally {
    await Promise.all(nodes.map((node) => node.stop()))
    await redis.stop()
  }
}

async function leftAt(redis: Redis): Promise<Left> {
  const names = (await redis.ask('KEYS', '*')) as string[]
  const keys: string[] = []
  for (const name of names) if (Number(await redis.ask('TTL', name)) === -1) keys.push(name)
  const channels = [
    ...((await redis.ask('PUBSUB', 'CHANNELS')) as string[]),
    ...((await redis.ask('PUBSUB', 'SHARDCHANNELS')) as string[]),
  ]
  return { keys, channels }
}

const columns: [string, (tally: Tally) => string | number][] = [
  ['sent', ({ sent }) => sent],
  ['delivered', ({ delivered }) => delivered],
  ['lost', ({ lost }) => lost],
  ['doubled', ({ doubled }) => doubled],
  ['out of order', ({ disordered }) => disordered],
  ['recovered', ({ recovered }) => recovered],
  ['told `recovered: false`', ({ told }) => told],
  ['calls', ({ calls }) => calls],
  ['calls not answered', ({ unanswered }) => unanswered],
  ['longest silence', ({ silence }) => `${(silence / 1_000).toFixed(1)} s`],
]

const row = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`
const results: Record<string, Tally & Left> = {}
let isGood = true
if (!values.json) {
  console.log(row(['fault', ...columns.map(([name]) => name)]))
  console.log(row(['---', ...columns.map(() => '---')]))
}
for (const name of chosen) {
  const { tally, left } = await trial(name)
  results[name] = { ...tally, ...left }
  if (!values.json) console.log(row([name, ...columns.map(([, cell]) => cell(tally))]))
  if (left.keys.length > 0) console.error(`keys without expiry: ${left.keys.join(', ')}`)
  if (left.channels.length > 0) console.error(`channels still subscribed to: ${left.channels.join(', ')}`)
  isGood &&= tally.lost + tally.doubled + tally.disordered + left.keys.length + left.channels.length === 0
}
if (values.json) console.log(JSON.stringify(results, undefined, 2))
process.exit(isGood ? 0 : 1)
