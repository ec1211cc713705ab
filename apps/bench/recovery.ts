import type { Client } from 'partyline/client'
import { onOneProcessor } from './processor.ts'
import { Child } from './recovery/child.ts'
import { crowd, cutAll } from './recovery/crowd.ts'
import { MISSED } from './recovery/server.ts'
import { spread } from './statistic.ts'

/**
 * What recovery costs, with the package's own client: the server's CPU for an echo with and without it, the memory of a suspended
 * session, and a crowd that comes back at once. See README.md.
 */
const SENDERS = 50
const OUTSTANDING = 8
const TURN = 500
const TURNS = 16
const CROWD = Number(process.argv[2] ?? 10_000)

await onOneProcessor(echo)
await comeback()
process.exit()

async function echo(): Promise<void> {
  const child = await Child.start()
  const lanes = await Promise.all(
    ['off', 'on', 'off'].map((path) => crowd(`ws://127.0.0.1:${child.port}/${path}`, SENDERS)),
  )
  for (const lane of lanes) await drive(lane, 2 * TURN)
  const costs: number[][] = lanes.map(() => [])
  for (let turn = 0; turn < TURNS; turn++) {
    for (const [i, lane] of lanes.entries()) {
      const before = await child.ask('cpu')
      const replies = await drive(lane, TURN)
      costs[i]?.push(((await child.ask('cpu')) - before) / replies)
    }
  }
  const [off = [], on = [], again = []] = costs
  const ratio = (of: number[]): string => spread(of.map((cost, i) => cost / (off[i] ?? 1))).median.toFixed(2)
  console.log(
    `echo: ${spread(off).median.toFixed(3)} µs off, ${spread(on).median.toFixed(3)} µs on: ${ratio(on)}x (goal 1.30x); off again: ${ratio(again)}x`,
  )
  for (const client of lanes.flat()) client.close()
  await child.stop()
}

/** Keeps eight messages of each client on their way for so long; gives how many came back. */
async function drive(clients: readonly Client[], milliseconds: number): Promise<number> {
  let replies = 0
  let isOver = false
  setTimeout(() => {
    isOver = true
  }, milliseconds)
  await Promise.all(
    clients.map(
      (client) =>
        new Promise<void>((resolve) => {
          let left = 0
          const window = (): void => {
            if (isOver) {
              client.off('echo')
              return resolve()
            }
            left = OUTSTANDING
            for (let n = 0; n < OUTSTANDING; n++) client.emit('echo', { text: 'abcdefghijklmnopqrstuvwxyz' })
          }
          client.on('echo', () => {
            replies++
            if (--left === 0) window()
          })
          window()
        }),
    ),
  )
  return replies
}

async function comeback(): Promise<void> {
  const child = await Child.start()
  const url = `ws://127.0.0.1:${child.port}/on`
  // Slow to come back, so that all are gone at once; woken by hand.
  const clients = await crowd(url, CROWD, { min: 20_000, max: 20_000 })
  let news = 0
  let recovered = 0
  for (const client of clients) {
    client.on('news', () => news++)
    client.when('open', (beginning) => {
      if (beginning.recovered) recovered++
    })
  }
  const connected = await child.ask('memory')
  cutAll()
  while ((await child.ask('suspended')) < CROWD) await Bun.sleep(50)
  const suspended = await child.ask('memory')
  await child.ask('publish')
  const before = await child.ask('cpu')
  const began = performance.now()
  let peak = 0
  // As a browser says it to every page when the network is back.
  globalThis.dispatchEvent(new Event('online'))
  while (news < CROWD * MISSED) {
    peak = Math.max(peak, await child.ask('rss'))
    await Bun.sleep(20)
  }
  const seconds = (performance.now() - began) / 1000
  const cpu = ((await child.ask('cpu')) - before) / 1e6
  console.log(
    `suspended: ${((suspended - connected) / CROWD).toFixed(0)} B more than connected, for each of ${CROWD} sessions`,
  )
  console.log(
    `resumed: ${recovered} of ${CROWD} clients, each with ${MISSED} events that it missed, in ${seconds.toFixed(1)} s ` +
      `(${cpu.toFixed(1)} s of the server's CPU); RSS ${mib(suspended)} before, ${mib(peak)} at most`,
  )
  await child.stop()
}

function mib(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(0)} MiB`
}
