/**
 * Many connections to a real server for a while, a tenth of them hostile: those that behave must lose nothing, each hostile
 * one must be cut off by a limit that app.stats() names, and the server's memory must return to where it was.
 *
 *   bun run apps/bench/soak.ts [--seconds 60] [--connections 2000]
 */
import { parseArgs } from 'node:util'
import type { AppStats } from 'partyline'
import { Bad, kinds } from './soak/bad.ts'
import { Child } from './soak/child.ts'
import type { Ending } from './soak/ends.ts'
import { GoodClient } from './soak/good.ts'
import { hostilities } from './soak/hostile.ts'
import { many } from './soak/many.ts'
import type { SoakQuestion } from './soak/server.ts'
import { beginnings } from './soak/unfinished.ts'
import { table, type Verdict, verdictOn, verdictOnUnfinished, verdictsOnCounters } from './soak/verdict.ts'

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

/** Waits for something; gives whether it came true in time. */
async function until(condition: () => boolean | Promise<boolean>): Promise<boolean> {
  for (const end = performance.now() + PATIENCE; performance.now() < end; await Bun.sleep(50))
    if (await condition()) return true
  return false
}

async function soak(server: Child<SoakQuestion>): Promise<Verdict[]> {
  const port = await server.ready<number>()
  const perKind = Math.max(1, Math.round(connections / 10 / kinds))
  const goodOnes = connections - perKind * kinds
  const open = (n: number) => GoodClient.open(port, n % 2 === 0)
  const nobody = async () => (await server.ask<AppStats>('stats')).sockets === 0

  // What a server takes once, with its first connections, is not what a soak looks for.
  for (const client of await many(connections, open)) client.leave()
  await until(nobody)
  const memoryBefore = await server.ask<number>('memory')
  const filesBefore = await server.ask<number | null>('files')
  const before = await server.ask<AppStats>('stats')

  const good = await many(goodOnes, open)
  await server.ask('begin')
  for (const client of good) client.begin()
  const bad = await Bad.open(port, perKind)
  console.error(`${goodOnes} that behave, ${perKind} of each of ${kinds} hostile kinds, for ${seconds} s`)
  await Bun.sleep(seconds * 1_000)

  for (const client of good) client.rest()
  const lastTick = await server.ask<number>('finish')
  await until(() => good.every((client) => client.hasAll(lastTick)))
  const lost = good.reduce((sum, client) => sum + client.lost(lastTick), 0)
  const after = await server.ask<AppStats>('stats')
  const ends = await server.ask<Record<string, Ending>>('ends')
  // Bun lets go of a connection some seconds after the close, if the other side says nothing to it.
  const held = async () => ((await server.ask<number | null>('files')) ?? 0) - (filesBefore ?? 0) - goodOnes
  const areFreed = await until(async () => (await held()) <= 0)
  for (const client of good) client.leave()
  bad.leave()
  const isEmpty = await until(nobody)
  const memoryAfter = await server.ask<number>('memory')

  const sum = (of: (client: GoodClient) => number) => good.reduce((total, client) => total + of(client), 0)
  const heard = sum((client) => client.heard)
  const answered = sum((client) => client.answered)
  return [
    {
      what: 'good: broadcasts heard',
      figure: `${heard} of ${lastTick * goodOnes}`,
      fine: heard === lastTick * goodOnes,
    },
    {
      what: 'good: requests answered',
      figure: `${answered} of ${sum((client) => client.asked)}`,
      fine: lost === 0,
    },
    ...hostilities.map((kind) => verdictOn(kind, ends[kind.name], perKind)),
    ...beginnings.map((kind) => verdictOnUnfinished(kind, bad.unfinished(kind))),
    ...verdictsOnCounters(before, after, perKind),
    { what: 'hostile sockets left', figure: `${after.sockets - goodOnes}`, fine: after.sockets === goodOnes },
    { what: 'hostile TCP connections left', figure: areFreed ? '0' : 'some', fine: areFreed },
    { what: 'sockets after all have left', figure: isEmpty ? '0' : 'some', fine: isEmpty },
    {
      what: "server's RSS before and after",
      figure: `${(memoryBefore / MIB).toFixed(1)} MiB, ${(memoryAfter / MIB).toFixed(1)} MiB`,
      fine: memoryAfter - memoryBefore <= GROWTH,
    },
  ]
}

const server = new Child<SoakQuestion>('server.ts')
try {
  const verdicts = await soak(server)
  console.log(table(verdicts))
  process.exitCode = verdicts.every(({ fine }) => fine) ? 0 : 1
} catch (reason) {
  console.error(reason)
  process.exitCode = 1
} finally {
  server.end()
}
process.exit()
