import { cpus } from 'node:os'
import { oneProcessor } from './processor.ts'
import type { Result } from './result.ts'
import type { Effort, Goal, Scenario } from './scenario.ts'
import type { Spread } from './statistic.ts'

/** The results of one scenario: of the raw server, of the raw server again, and of each contender. */
export interface Section {
  scenario: Scenario
  raw: Result
  control: Result
  contenders: Result[]
}

const heading = [
  'scenario',
  'contender',
  'unit',
  'raw',
  'own',
  'result',
  'min..max',
  'goal',
  'met',
  'A/A',
  'min..max',
  'busy',
  'rounds',
]

/** The columns of words; the others hold figures and are aligned to the right. */
const words = new Set([0, 1, 2, 8])

/** What the figures were measured on. */
export function setting({ seconds }: Effort): string {
  const [processor] = cpus()
  const machine = `${process.platform} ${process.arch}, ${cpus().length} x ${processor?.model.trim() ?? 'unknown processor'}`
  const placing = oneProcessor ? 'server and generator on one processor' : 'processors as the system chooses'
  return `Bun ${Bun.version}, ${machine}; CPU for ${seconds} s a server and round, ${placing}`
}

/** A table in plain text. Where only the control ran, it has the control's lines. */
export function table(sections: readonly Section[]): string {
  const rows = sections.flatMap(({ scenario, raw, control, contenders }) =>
    (contenders.length > 0 ? contenders : [control]).map((own) => row(scenario, own, raw, control)),
  )
  const lines = [heading, ...rows]
  const widths = heading.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)))
  return lines.map((line) => aligned(line, widths)).join('\n')
}

function row({ name, unit, goal, decimals }: Scenario, own: Result, raw: Result, control: Result): string[] {
  return [
    name,
    own.contender,
    unit,
    raw.value.median.toFixed(decimals),
    own.value.median.toFixed(decimals),
    figure(goal, own.result.median, decimals),
    range(goal, own.result, decimals),
    own === control ? '' : `<=${figure(goal, goal.limit, decimals)}`,
    own === control ? '' : own.met ? 'yes' : 'NO',
    figure(goal, control.result.median, decimals),
    range(goal, control.result, decimals),
    busy(raw, own),
    String(own.rounds),
  ]
}

function figure({ compare }: Goal, value: number, decimals: number): string {
  if (compare === 'ratio') return `${value.toFixed(2)}x`
  const text = value.toFixed(decimals)
  return compare === 'difference' && value > 0 ? `+${text}` : text
}

function range(goal: Goal, { least, most }: Spread, decimals: number): string {
  return `${figure(goal, least, decimals)}..${figure(goal, most, decimals)}`
}

function busy(...results: Result[]): string {
  return results.flatMap(({ busy }) => (busy === undefined ? [] : `${Math.round(busy * 100)}%`)).join(' ')
}

function aligned(line: readonly string[], widths: readonly number[]): string {
  return line
    .map((cell, column) =>
      words.has(column) ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!),
    )
    .join('  ')
    .trimEnd()
}
