/**
 * What presence costs: members of one room over three nodes, each a process that watches the room, and a Redis of the run's
 * own. A tenth of them leaves and is replaced, ten times as fast as in a minute; what the nodes cost without, woken as often, is taken off.
 *
 *   bun run apps/bench/presence.ts [--members 10000] [--rounds 3] [--json]
 *
 * Needs redis-server on the PATH.
 */
import { parseArgs } from 'node:util'
import { Redis } from './faults/network.ts'
import type { Churn, PresenceQuestion } from './presence/node.ts'
import { spread } from './statistic.ts'

const NODES = 3
/** How long a churn takes, in milliseconds: a tenth of the minute in which it is said to happen. */
const WITHIN = 6_000

const { values } = parseArgs({
  options: {
    members: { type: 'string', default: '10000' },
    rounds: { type: 'string', default: '3' },
    json: { type: 'boolean', default: false },
  },
})
const members = Number(values.members)
const rounds = Number(values.rounds)
/** Of each node. */
const pairs = Math.round(members / 10 / NODES)

/** A node in a process of its own. */
class Child {
  readonly #answers: ((answer: number) => void)[] = []
  readonly #process: Bun.Subprocess

  constructor(redis: Redis) {
    this.#process = Bun.spawn([process.execPath, `${import.meta.dir}/presence/node.ts`], {
      env: { ...process.env, NODE_ENV: 'production', REDIS_PORT: String(redis.port) },
      stdio: ['ignore', 'ignore', 'inherit'],
      ipc: (answer: number) => this.#answers.shift()?.(answer),
    })
  }

  /** The next answer; the first says that it is ready. */
  next(): Promise<number> {
    return new Promise((resolve) => this.#answers.push(resolve))
  }

  ask(question: PresenceQuestion): Promise<number> {
    const answer = this.next()
    this.#process.send(question)
    return answer
  }

  async stop(): Promise<void> {
    this.#process.kill('SIGKILL')
    await this.#process.exited
  }
}

/** What was used so far: microseconds of CPU, bytes between the nodes and Redis. */
interface Use {
  nodes: number
  redis: number
  toRedis: number
  fromRedis: number
}

interface Result extends Use {
  what: string
}

const redis = await Redis.start()
const children = Array.from({ length: NODES }, () => new Child(redis))
try {
  await Promise.all(children.map((child) => child.next()))
  const results: Result[] = []
  const empty = await memoryOf()
  for (const state of [false, true])
    for (const linger of [true, false]) {
      if (state && !linger) continue
      results.push(...(await measure(state, linger)))
    }
  const perMember = ((await memoryOf()) - empty) / members
  const lists = await Promise.all(children.map((child) => child.ask('list')))
  const report = {
    members,
    pairs: pairs * NODES,
    results,
    memory: Math.round(perMember),
    list: Math.round(spread(lists).median),
  }
  if (values.json) console.log(JSON.stringify(report))
  else print(report)
} finally {
  await Promise.all(children.map((child) => child.stop()))
  await redis.stop()
}

async function measure(state: boolean, linger: boolean): Promise<Result[]> {
  const what = `${linger ? 'lost, and back as another' : 'left on purpose, and another'}${state ? ', with a state' : ''}`
  const present = (await children[0]?.ask('members')) ?? 0
  const before = await use()
  if (present === 0) {
    await all({ enter: Math.ceil(members / NODES), state })
    await settled()
  }
  const entered = difference(await use(), before, Math.ceil(members / NODES) * NODES)
  const found: Use[] = []
  for (let round = 0; round < rounds; round++) {
    const [rest, busy] = [await turn('nobody'), await turn({ state, linger })]
    await settled()
    found.push(difference(busy, rest, pairs * NODES))
  }
  const middle = (name: keyof Use): number => spread(found.map((one) => one[name])).median
  const churned = {
    what,
    nodes: middle('nodes'),
    redis: middle('redis'),
    toRedis: middle('toRedis'),
    fromRedis: middle('fromRedis'),
  }
  return present === 0 ? [{ what: 'all enter at once: for each', ...entered }, churned] : [churned]
}

/** What it takes that so many come and go, until nobody lingers any more and all last words are taken back. */
async function turn(how: Churn): Promise<Use> {
  const begin = await use()
  await all({ churn: pairs, within: WITHIN, how })
  await Bun.sleep(2_500)
  return difference(await use(), begin, 1)
}

async function all(question: PresenceQuestion): Promise<void> {
  await Promise.all(children.map((child) => child.ask(question)))
}

/** Every node sees everybody. */
async function settled(): Promise<void> {
  const wanted = Math.ceil(members / NODES) * NODES
  for (let tries = 0; tries < 300; tries++) {
    const seen = await Promise.all(children.map((child) => child.ask('members')))
    if (seen.every((count) => count === wanted)) return
    await Bun.sleep(100)
  }
  throw new Error(`not every node sees the ${wanted} members`)
}

async function use(): Promise<Use> {
  const nodes = await Promise.all(children.map((child) => child.ask('cpu')))
  const cpu = String(await redis.ask('INFO', 'cpu'))
  const stats = String(await redis.ask('INFO', 'stats'))
  const figure = (text: string, name: string): number =>
    Number(new RegExp(`^${name}:(\\S+)`, 'm').exec(text)?.[1])
  return {
    nodes: nodes.reduce((sum, one) => sum + one),
    redis: 1e6 * (figure(cpu, 'used_cpu_user') + figure(cpu, 'used_cpu_sys')),
    toRedis: figure(stats, 'total_net_input_bytes'),
    fromRedis: figure(stats, 'total_net_output_bytes'),
  }
}

function difference(later: Use, earlier: Use, among: number): Use {
  return {
    nodes: (later.nodes - earlier.nodes) / among,
    redis: (later.redis - earlier.redis) / among,
    toRedis: (later.toRedis - earlier.toRedis) / among,
    fromRedis: (later.fromRedis - earlier.fromRedis) / among,
  }
}

async function memoryOf(): Promise<number> {
  return Number(/^used_memory_dataset:(\d+)/m.exec(String(await redis.ask('INFO', 'memory')))?.[1])
}

function print({
  results,
  memory,
  list,
  pairs,
}: {
  results: Result[]
  memory: number
  list: number
  pairs: number
}): void {
  console.log(
    `${members} members, ${NODES} nodes that watch them; ${pairs} leave, and after each another enters. For each pair:`,
  )
  console.table(
    results.map(({ what, nodes, redis, toRedis, fromRedis }) => ({
      what,
      'CPU of all nodes, µs': Math.round(nodes),
      'CPU of Redis, µs': Math.round(redis),
      'bytes to Redis': Math.round(toRedis),
      'bytes from Redis': Math.round(fromRedis),
    })),
  )
  console.log(`Redis keeps ${memory} bytes for each member; to list them all takes ${list} ms`)
}
