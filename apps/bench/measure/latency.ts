import { type Contender, fileOf } from '../contender.ts'
import { Connection } from '../load/connection.ts'
import { clientFrame } from '../load/frames.ts'
import type { Reading, Scenario } from '../scenario.ts'
import { Server } from '../server.ts'

/** Milliseconds of each turn; turns with the flood elsewhere and with the flood here follow one another. */
const turn = 250

/** Milliseconds between a reply and the next request: a socket that behaves stays far below `limits.rate`. */
const pause = 8

/**
 * Measures how long a socket waits for the answer to its request while another socket floods its server, and while that one
 * floods another server of the same kind: a reading is the quotient of that quantile of the two. The flood comes from a
 * process of its own and takes a processor either way, which on a machine with few of them would hide what is asked here.
 */
export function latency(quantile: number): Scenario['measure'] {
  return async (contenders, { seconds }) => {
    const readings: Reading[] = []
    for (const contender of contenders) readings.push({ value: await quotient(contender, quantile, seconds) })
    return readings
  }
}

async function quotient(contender: Contender, quantile: number, seconds: number): Promise<number> {
  const server = await Server.start(fileOf(contender, 'limited'))
  const elsewhere = await Server.start(fileOf(contender, 'limited'))
  const flooder = new Flooder()
  try {
    const connection = await Connection.open(server.port, contender.wire)
    const there: number[] = []
    const here: number[] = []
    await turns(connection, contender, turn)
    for (let spent = 0; spent < seconds * 1000; spent += turn) {
      for (const [port, latencies] of [
        [elsewhere.port, there],
        [server.port, here],
      ] as const) {
        await flooder.begin(port)
        latencies.push(...(await turns(connection, contender, turn)))
        await flooder.stop()
      }
    }
    connection.close()
    return at(here, quantile) / at(there, quantile)
  } finally {
    flooder.end()
    await Promise.all([server.stop(), elsewhere.stop()])
  }
}

/** One request after another for so many milliseconds; gives how long each waited. */
async function turns(connection: Connection, { wire }: Contender, milliseconds: number): Promise<number[]> {
  const frame = clientFrame(wire.encode({ event: 'request', data: { text: 'x'.repeat(64) }, id: 200 }))
  const latencies: number[] = []
  const end = performance.now() + milliseconds
  while (performance.now() < end) {
    const began = performance.now()
    await new Promise<void>((resolve, reject) => {
      connection.receive = () => resolve()
      connection.lost = reject
      connection.send(frame)
    })
    latencies.push(performance.now() - began)
    await Bun.sleep(pause)
  }
  return latencies
}

function at(figures: readonly number[], quantile: number): number {
  const sorted = figures.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * quantile))]!
}

/** The process that floods. */
class Flooder {
  private told: (what: string) => void = () => {}
  private readonly process = Bun.spawn([process.execPath, `${import.meta.dir}/../load/flooder.ts`], {
    stdio: ['ignore', 'ignore', 'inherit'],
    ipc: (what: string) => this.told(what),
  })

  /** Resolves when it floods. */
  begin(port: number): Promise<void> {
    return this.tell(port, 'flooding')
  }

  stop(): Promise<void> {
    return this.tell(0, 'stopped')
  }

  end(): void {
    this.process.kill('SIGKILL')
  }

  private tell(port: number, awaited: string): Promise<void> {
    return new Promise((resolve) => {
      this.told = (what) => {
        if (what === awaited) resolve()
      }
      this.process.send(port)
    })
  }
}
