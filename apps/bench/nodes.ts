/**
 * What an event costs that goes to a room on three nodes, over a Redis: server CPU of all nodes together, against Socket.IO with
 * its adapters for Redis, in turns. See README.md.
 *
 *   bun run apps/bench/nodes.ts [--platform bun,node] [--members 1,10,100] [--window 1,32] [--rounds 8]
 *
 * Needs redis-server on the PATH.
 */
import { parseArgs } from 'node:util'
import { Redis } from './faults/network.ts'
import { Crowd, type Wire, wires } from './nodes/crowd.ts'
import { Server } from './server.ts'
import { spread } from './statistic.ts'

const NODES = 3
const GOAL = 0.5

/** How long a turn is at least, in milliseconds. */
const TURN = 150

const { values } = parseArgs({
  options: {
    platform: { type: 'string', default: 'bun,node' },
    members: { type: 'string', default: '1,10,100' },
    window: { type: 'string', default: '1,32' },
    rounds: { type: 'string', default: '8' },
  },
})
const rounds = Number(values.rounds)

interface Contender {
  name: string
  wire: Wire
  file: string
  adapter?: string
}

const contendersOn = (platform: string): Contender[] => [
  { name: 'partyline', wire: wires.partyline, file: 'partyline-rooms.ts' },
  { name: 'socket.io', wire: wires.socketio, file: `socketio-${platform}.ts`, adapter: 'plain' },
  { name: 'socket.io, sharded', wire: wires.socketio, file: `socketio-${platform}.ts`, adapter: 'sharded' },
]

/** A contender's nodes, and who is connected to them. */
class Lane {
  readonly name: string
  readonly #nodes: Server[]
  readonly #crowd: Crowd
  readonly #window: number
  #events = 1

  private constructor(name: string, nodes: Server[], crowd: Crowd, window: number) {
    this.name = name
    this.#nodes = nodes
    this.#crowd = crowd
    this.#window = window
  }

  static async open(
    { name, wire, file, adapter }: Contender,
    platform: 'bun' | 'node',
    members: number,
    window: number,
  ): Promise<Lane> {
    if (adapter !== undefined) process.env.ADAPTER = adapter
    const nodes: Server[] = []
    for (let n = 0; n < NODES; n++)
      nodes.push(await Server.start(`${import.meta.dir}/nodes/${file}`, platform))
    const crowd = new Crowd(wire, { text: 'abcdefghijklmnopqrstuvwxyz', n: 12_345, at: [1, 2, 3] })
    for (const { port } of nodes) await crowd.enter(port, members)
    await crowd.settled()
    const lane = new Lane(name, nodes, crowd, window)
    await lane.#warm()
    return lane
  }

  /** Microseconds for each event: of the node on which it is emitted, and of the others. */
  async turn(): Promise<[here: number, there: number]> {
    const before = await this.#cpu()
    await this.#crowd.drive(this.#events, this.#window)
    const after = await this.#cpu()
    const [here = 0, ...there] = after.map((cpu, i) => (cpu - (before[i] as number)) / this.#events)
    return [here, there.reduce((sum, one) => sum + one, 0)]
  }

  async close(): Promise<void> {
    this.#crowd.close()
    await Promise.all(this.#nodes.map((node) => node.stop()))
  }

  /** Drives it for a while, and finds how many events make a turn. */
  async #warm(): Promise<void> {
    for (const end = performance.now() + 1_500; performance.now() < end; ) {
      const begin = performance.now()
      await this.#crowd.drive(this.#events, this.#window)
      const took = performance.now() - begin
      this.#events = Math.max(this.#window, Math.ceil((this.#events * TURN) / Math.max(took, TURN / 8)))
    }
  }

  #cpu(): Promise<number[]> {
    return Promise.all(this.#nodes.map((node) => node.ask('cpu')))
  }
}

const redis = await Redis.start()
process.env.REDIS_URL = `redis://127.0.0.1:${redis.port}`
try {
  for (const platform of values.platform.split(',') as ('bun' | 'node')[])
    for (const members of values.members.split(',').map(Number))
      for (const window of values.window.split(',').map(Number)) await measure(platform, members, window)
} finally {
  await redis.stop()
}
process.exit()

async function measure(platform: 'bun' | 'node', members: number, window: number): Promise<void> {
  const lanes: Lane[] = []
  for (const contender of contendersOn(platform))
    lanes.push(await Lane.open(contender, platform, members, window))
  const costs = lanes.map((): [number, number][] => [])
  for (let round = 0; round < rounds; round++)
    for (const i of round % 2 === 0 ? lanes.keys() : [...lanes.keys()].reverse())
      costs[i]?.push(await (lanes[i] as Lane).turn())
  await Promise.all(lanes.map((lane) => lane.close()))

  console.log(`\n${platform}, ${members} of the room on each of ${NODES} nodes, ${window} outstanding`)
  const sums = costs.map((turns) => turns.map(([here, there]) => here + there))
  const best = Math.min(...sums.slice(1).map((turns) => spread(turns).median))
  for (const [i, lane] of lanes.entries()) {
    const turns = costs[i] as [number, number][]
    const { median, least, most } = spread(sums[i] as number[])
    const [here, there] = [0, 1].map((side) => spread(turns.map((turn) => turn[side] as number)).median)
    const each = median / (members * NODES)
    console.log(
      `  ${lane.name.padEnd(19)} ${show(median)} µs an event (${show(least)}..${show(most)}): ${show(here)} here, ${show(there)} on the others; ${each.toFixed(2)} µs a delivery`,
    )
  }
  const ratio = spread(sums[0] as number[]).median / best
  console.log(`  ratio to the better of theirs: ${ratio.toFixed(2)} (goal ${GOAL.toFixed(2)})`)
}

function show(figure: number | undefined): string {
  return (figure ?? 0).toFixed(1)
}
