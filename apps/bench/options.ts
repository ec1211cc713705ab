import { parseArgs } from 'node:util'
import { type Contender, contenders } from './contender.ts'
import { type Platform, platforms } from './platform.ts'
import type { Effort, Scenario } from './scenario.ts'
import { scenarios } from './scenarios.ts'

export const usage = `bun run apps/bench/main.ts [options]

  --rounds N           rounds of each scenario (5; some take more, see the README)
  --seconds N          measured seconds for each server in a round of a CPU scenario (2)
  --only A,B           these scenarios only: ${scenarios.map(({ name }) => name).join(', ')}
  --contenders A,B     these contenders only, or none for the control alone: ${contenders.map(({ name }) => name).join(', ')}
  --platform P         what the servers run on: ${platforms.join(', ')} (bun); the others do echo, request and broadcast
  --json               results as JSON instead of a table`

export interface Options extends Effort {
  scenarios: readonly Scenario[]
  contenders: readonly Contender[]
  platform: Platform
  json: boolean
}

/** Reads the command line. Throws an Error that says what is wrong with it; gives null if only help is wanted. */
export function options(args: readonly string[]): Options | null {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '2' },
      only: { type: 'string' },
      contenders: { type: 'string' },
      platform: { type: 'string', default: 'bun' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return null
  const platform = platforms.find((one) => one === values.platform)
  if (platform === undefined) throw new Error(`--platform is one of ${platforms.join(', ')}`)
  const there = platform === 'bun' ? scenarios : scenarios.filter(({ goal }) => goal.elsewhere !== undefined)
  return {
    rounds: Math.ceil(positive('--rounds', values.rounds)),
    seconds: positive('--seconds', values.seconds),
    platform,
    scenarios: named(there, values.only),
    contenders: values.contenders === 'none' ? [] : named(contenders, values.contenders),
    json: values.json,
  }
}

function positive(option: string, value: string): number {
  const number = Number(value)
  if (number > 0 && Number.isFinite(number)) return number
  throw new Error(`${option} takes a number over 0, not ${value}`)
}

/** Those of `all` that a comma-separated list names, in their own order, or all where there is no list. */
function named<T extends { name: string }>(all: readonly T[], list: string | undefined): readonly T[] {
  if (list === undefined) return all
  const names = list.split(',')
  const unknown = names.filter((name) => !all.some((one) => one.name === name))
  if (unknown.length > 0) {
    throw new Error(`unknown: ${unknown.join(', ')}; there are ${all.map(({ name }) => name).join(', ')}`)
  }
  return all.filter(({ name }) => names.includes(name))
}
