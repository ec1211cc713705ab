import { type Contender, fileOf, type Variant } from '../contender.ts'
import { Load } from '../load/load.ts'
import type { Traffic } from '../load/traffic.ts'
import { onOneProcessor } from '../processor.ts'
import type { Reading, Scenario } from '../scenario.ts'
import { Server } from '../server.ts'

/** Milliseconds for each server before a round counts: enough for the hot functions to reach the last compiler. */
const warmUp = 1000

/**
 * Milliseconds in which each server has its turn once. No server may rest for 200 ms, the retransmission timeout: Linux
 * then acknowledges its first segments at once instead of later, and that makes a broadcast dearer by a third.
 */
const cycle = 150

/**
 * Measures the server's CPU time for each reply. All servers of a round live at the same time and are driven in
 * short turns: what else the machine does in these seconds then falls on all of them alike. They take turns in a circle,
 * so that each rests equally long between two of its own.
 */
export function cpu(traffic: Traffic, variant?: Variant): Scenario['measure'] {
  return (contenders, { seconds }) => onOneProcessor(() => round(contenders, traffic, variant, seconds))
}

async function round(
  contenders: readonly Contender[],
  traffic: Traffic,
  variant: Variant | undefined,
  seconds: number,
): Promise<Reading[]> {
  const lanes: Lane[] = []
  try {
    for (const contender of contenders) lanes.push(await Lane.open(contender, traffic, variant))
    const turn = cycle / lanes.length
    for (let spent = 0; spent < warmUp; spent += turn) for (const lane of lanes) await lane.run(turn)
    for (const lane of lanes) lane.forget()
    for (let spent = 0; spent < seconds * 1000; spent += turn) for (const lane of lanes) await lane.run(turn)
    return lanes.map((lane) => lane.reading())
  } finally {
    await Promise.all(lanes.map((lane) => lane.close()))
  }
}

/** A server with its load and what was measured of it so far. */
class Lane {
  private cpu = 0
  private wall = 0
  private replies = 0

  private constructor(
    private readonly server: Server,
    private readonly load: Load,
  ) {}

  static async open(contender: Contender, traffic: Traffic, variant?: Variant): Promise<Lane> {
    const server = await Server.start(fileOf(contender, variant), contender.platform)
    return new Lane(server, await Load.open(traffic, contender.wire, server.port))
  }

  /** One turn of so many milliseconds. */
  async run(turn: number): Promise<void> {
    const cpu = await this.server.ask('cpu')
    const began = performance.now()
    this.replies += await this.load.run(turn)
    this.wall += performance.now() - began
    this.cpu += (await this.server.ask('cpu')) - cpu
  }

  /** Begins to count anew. */
  forget(): void {
    this.cpu = 0
    this.wall = 0
    this.replies = 0
  }

  reading(): Reading {
    return { value: this.cpu / this.replies, busy: this.cpu / 1000 / this.wall }
  }

  async close(): Promise<void> {
    this.load.close()
    await this.server.stop()
  }
}
