import { type Contender, contenders as everybody, on } from './contender.ts'
import { type Options, options, usage } from './options.ts'
import { type Section, setting, table } from './report.ts'
import { results } from './result.ts'
import type { Scenario } from './scenario.ts'

/** Runs one scenario. The raw server comes first and its control last, with the contenders between the two. */
async function section(asked: Scenario, { contenders, platform, ...effort }: Options): Promise<Section> {
  const { raw, control, contenders: all } = on(platform)
  const chosen = all.filter((_, i) => contenders.includes(everybody[i] as Contender))
  const { limit, elsewhere = limit } = asked.goal
  const scenario = { ...asked, goal: { ...asked.goal, limit: platform === 'bun' ? limit : elsewhere } }
  const progress = (done: number, of: number) => console.error(`${scenario.name}: round ${done} of ${of}`)
  const shown = await results(scenario, [raw, ...chosen, control], effort, progress)
  return { scenario, raw: shown[0]!, control: shown.at(-1)!, contenders: shown.slice(1, -1) }
}

async function main(): Promise<void> {
  const asked = options(process.argv.slice(2))
  if (asked === null) return console.log(usage)
  const sections: Section[] = []
  for (const scenario of asked.scenarios) sections.push(await section(scenario, asked))
  if (asked.json) {
    const shown = sections.map(({ scenario, ...results }) => ({ scenario: scenario.name, ...results }))
    console.log(JSON.stringify({ setting: setting(asked), sections: shown }, null, 2))
  } else {
    console.log(`${setting(asked)}\n\n${table(sections)}`)
  }
}

try {
  await main()
} catch (reason) {
  console.error(reason instanceof Error ? reason.message : reason)
  process.exitCode = 1
}
// Servers of a round that failed would keep the process alive.
process.exit()
