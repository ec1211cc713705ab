/**
 * Many connections to a real server for a while, a tenth of them hostile: those that behave must lose nothing, each hostile
 * one must be cut off by a limit that app.stats() names, and the server's memory must return to where it was.
 *
 *   bun run apps/bench/soak.ts [--seconds 60] [--connections 2000]
 */
import { parseArgs } from 'node:util'
import type { AppStats } from 'partyline'
import { SoakClient } from './soak/client.ts'
import { GoodClient } from './soak/good.ts'
import { type Hostility, hostilities } from './soak/hostile.ts'
import type { SoakQuestion } from './soak/server.ts'

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '60' }, connections: { type: 'string', default: '2000' } },
})
const seconds = bounded('--seconds', values.seconds, 20, 3_600)
const connections = bounded('--connections', values.connections, 50, 9_000)

/** The server's memory may end so much above its start. */
const GROWTH = 24 * 1024 * 1024

/** How long to wait for the last answers, and for the server to notice who has gone, in milliseconds. */
const PATIENCE = 20_000

const MIB = 1024 * 1024

function bounded(option: string, value: string, least: number, most: number): number {
  const number = Number(value)
  if (Number.isInteger(number) && number >= least && number <= most) return number
  throw new Error(`${option} takes a whole number from ${least} to ${most}, not ${value}`)
}

/** The server in a process of its own. */
class SoakServer {
  readonly #waiting: ((answer: unknown) => void)[] = []
  readonly #process = Bun.spawn([process.execPath, `${import.meta.dir}/soak/server.ts`], {
    cwd: `${import.meta.dir}/../..`,
    env: { ...process.env, NODE_ENV: 'production' },
    stdio: ['ignore', 'ignore', 'inherit'],
    ipc: (answer) => this.#waiting.shift()?.(answer),
  })

  port(): Promise<number> {
    return new Promise((resolve) => this.#waiting.push(resolve as (answer: unknown) => void))
  }

  ask<T>(question: SoakQuestion): Promise<T> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve as (answer: unknown) => void)
      this.#process.send(question)
    })
  }

  stop(): void {
    this.#process.kill('SIGKILL')
  }
}

/** Waits for something; gives whether it came true in time. */
async function until(condition: () => boolean | Promise<boolean>): Promise<boolean> {
  for (const end = performance.now() + PATIENCE; performance.now() < end; await Bun.sleep(50))
    if (await condition()) return true
  return false
}

async function many<T>(count: number, open: (n: number) => Promise<T>): Promise<T[]> {
  const all: T[] = []
  while (all.length < count) {
    const some = Math.min(100, count - all.length)
    all.push(...(await Promise.all(Array.from({ length: some }, (_, n) => open(all.length + n)))))
  }
  return all
}

interface Verdict {
  what: string
  figure: string
  fine: boolean
}

async function soak(server: SoakServer): Promise<Verdict[]> {
  const port = await server.port()
  const perKind = Math.max(1, Math.round(connections / 10 / hostilities.length))
  const goodOnes = connections - perKind * hostilities.length
  const open = (n: number) => GoodClient.open(port, n % 2 === 0)
  const nobody = async () => (await server.ask<AppStats>('stats')).sockets === 0

  // What a server takes once, with its first connections, is not what a soak looks for.
  for (const client of await many(connections, open)) client.leave()
  await until(nobody)
  const atStart = await server.ask<number>('memory')

  const good = await many(goodOnes, open)
  await server.ask('begin')
  for (const client of good) client.begin()
  const bad: [Hostility, SoakClient][] = []
  for (const kind of hostilities) {
    const clients = await many(perKind, () => SoakClient.open(port, kind.greeted ?? false))
    for (const client of clients) {
      bad.push([kind, client])
      kind.begin(client)
    }
  }
  console.error(`${goodOnes} that behave, ${bad.length} hostile, for ${seconds} s`)
  await Bun.sleep(seconds * 1_000)

  for (const client of good) client.rest()
  const lastTick = await server.ask<number>('finish')
  await until(() => good.every((client) => client.hasAll(lastTick)))
  const lost = good.reduce((sum, client) => sum + client.lost(lastTick), 0)
  const stats = await server.ask<AppStats>('stats')
  for (const client of good) client.leave()
  for (const [, client] of bad) client.vanish()
  const isEmpty = await until(nobody)
  const atEnd = await server.ask<number>('memory')

  const sum = (of: (client: GoodClient) => number) => good.reduce((total, client) => total + of(client), 0)
  const heard = sum((client) => client.heard)
  const answered = sum((client) => client.answered)
  return [
    {
      what: 'broadcasts heard',
      figure: `${heard} of ${lastTick * goodOnes}`,
      fine: heard === lastTick * goodOnes,
    },
    {
      what: 'requests answered',
      figure: `${answered} of ${sum((client) => client.asked)}`,
      fine: lost === 0,
    },
    ...hostilities.map(({ name, counter }): Verdict => {
      if (counter === undefined) {
        const here = stats.sockets - goodOnes
        return {
          what: `hostile: ${name}`,
          figure: `sockets left of all hostile ones: ${here}`,
          fine: here === 0,
        }
      }
      const cut = stats[counter]
      return { what: `hostile: ${name}`, figure: `${counter} ${cut} of ${perKind}`, fine: cut === perKind }
    }),
    { what: 'sockets after all have left', figure: isEmpty ? '0' : 'some', fine: isEmpty },
    {
      what: 'RSS of the server',
      figure: `${(atStart / MIB).toFixed(1)} MiB at start, ${(atEnd / MIB).toFixed(1)} MiB at end`,
      fine: atEnd - atStart <= GROWTH,
    },
  ]
}

const server = new SoakServer()
try {
  const verdicts = await soak(server)
  const widths = [verdicts.map(({ what }) => what.length), verdicts.map(({ figure }) => figure.length)]
  const [first, second] = widths.map((lengths) => Math.max(...lengths)) as [number, number]
  for (const { what, figure, fine } of verdicts)
    console.log(`${what.padEnd(first)}  ${figure.padEnd(second)}  ${fine ? 'ok' : 'NO'}`)
  process.exitCode = verdicts.every(({ fine }) => fine) ? 0 : 1
} catch (reason) {
  console.error(reason)
  process.exitCode = 1
} finally {
  server.stop()
}
process.exit()
