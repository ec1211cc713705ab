/**
 * A real browser and a real server count both ways, over a line that is cut by chance again and again: everything must
 * arrive once and in order on both sides, and every request must be answered. Ends with code 1 where that is not so.
 *
 *   bun run apps/bench/cuts.ts [--cuts 100] [--kinds offline] [--milliseconds 2000] [--rate 50] [--seed N]
 */
import { parseArgs } from 'node:util'
import { type Kind, kinds } from './cuts/kinds.ts'
import { type CutsResult, runCuts } from './cuts/run.ts'

/** With 30 seconds, which is the default, more than 1,000 events could wait, which is what the gateway and the client keep. */
const BACKOFF = 5_000

const names = Object.keys(kinds) as Kind[]

const { values } = parseArgs({
  options: {
    cuts: { type: 'string', default: '100' },
    kinds: { type: 'string', default: names.join(',') },
    milliseconds: { type: 'string', default: '2000' },
    rate: { type: 'string', default: '50' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1e9)) },
  },
})

function whole(option: string, value: string): number {
  const number = Number(value)
  if (Number.isInteger(number) && number > 0) return number
  throw new Error(`${option} takes a whole number from 1 on, not ${value}`)
}

function kindsIn(list: string): Kind[] {
  return list.split(',').map((name) => {
    const kind = names.find((one) => one === name)
    if (kind === undefined) throw new Error(`--kinds: there is no ${name}; there are ${names.join(', ')}`)
    return kind
  })
}

function print({ toServer, toPage, ...result }: CutsResult): void {
  const row = (what: string, server: number | string, page: number | string): string =>
    `${what.padEnd(18)}${String(server).padStart(16)}${String(page).padStart(16)}`
  console.log(row('', 'page to server', 'server to page'))
  console.log(row('sent', toServer.sent, toPage.sent))
  console.log(row('arrived', toServer.arrived, toPage.arrived))
  console.log(row('lost', toServer.lost, toPage.lost))
  console.log(row('twice', toServer.twice, toPage.twice))
  console.log(row('out of order', toServer.disordered, toPage.disordered))
  console.log(row('longest silence', '', `${Math.round(result.silence)} ms`))
  console.log(`
cuts: ${Object.entries(result.cuts)
    .map(([kind, count]) => `${kind} ${count}`)
    .join(', ')}
lines after the first: ${result.resumed} resumed, ${result.anew} with recovered: false
requests: ${result.calls - result.wrong.length} of ${result.calls} answered
${result.isGood ? 'nothing lost, nothing twice' : 'NOT GOOD'}`)
  for (const line of [...result.wrong.slice(0, 10), ...result.errors.slice(0, 10)]) console.log(`  ${line}`)
}

const options = {
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  cuts: whole('--cuts', values.cuts),
  kinds: kindsIn(values.kinds),
  milliseconds: whole('--milliseconds', values.milliseconds),
  rate: whole('--rate', values.rate),
  seed: whole('--seed', values.seed),
  backoff: BACKOFF,
}
console.log(
  `${options.cuts} cuts of ${options.milliseconds} ms, ${options.rate} events a second each way, --seed ${options.seed}\n`,
)
const begin = performance.now()
const result = await runCuts({
  ...options,
  progress: (done) => {
    if (done % 10 === 0)
      console.error(`${done} cuts after ${Math.round((performance.now() - begin) / 1_000)} s`)
  },
})
print(result)
process.exit(result.isGood ? 0 : 1)
