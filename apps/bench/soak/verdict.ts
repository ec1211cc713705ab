import type { AppStats, Counters } from 'partyline'
import type { Ending } from './ends.ts'
import { type Hostility, hostilities } from './hostile.ts'
import type { Beginning, Unfinished } from './unfinished.ts'

/** One line of the soak's table, and whether it is as it should be. */
export interface Verdict {
  what: string
  /** How many of how many. */
  figure: string
  /** How a connection was ended. */
  how?: string
  /** When, since its beginning. */
  after?: string
  /** What says so. */
  named?: string
  fine: boolean
}

/** What the server saw of the end of one hostile kind. */
export function verdictOn(
  { name, code, counter }: Hostility,
  ending: Ending | undefined,
  due: number,
): Verdict {
  const codes = Object.entries(ending?.codes ?? {})
  const cut = ending?.codes[code] ?? 0
  return {
    what: `hostile: ${name}`,
    figure: `${cut} of ${due}`,
    how: codes.map(([seen, count]) => (codes.length > 1 ? `${seen} (${count})` : seen)).join(', '),
    after: ending && span(ending.least, ending.most),
    named: counter,
    fine: cut === due && codes.length === 1,
  }
}

/** The same of those who never finish their handshake, which only they see: the app has no part in it. */
export function verdictOnUnfinished({ name }: Beginning, all: readonly Unfinished[]): Verdict {
  const ended = all.flatMap(({ lasted, how }) => (lasted === undefined ? [] : { lasted, how }))
  const times = ended.map(({ lasted }) => lasted)
  return {
    what: `hostile: ${name}`,
    figure: `${ended.length} of ${all.length}`,
    how: [...new Set(ended.map(({ how }) => how))].join(', '),
    after: ended.length > 0 ? span(Math.min(...times), Math.max(...times)) : '',
    named: "Bun's 10 s for a request's head",
    fine: ended.length === all.length,
  }
}

/** Whether the app has counted each of them once, and nobody else. */
export function verdictsOnCounters(before: AppStats, after: AppStats, perKind: number): Verdict[] {
  const names = new Set<keyof Counters>(hostilities.map(({ counter }) => counter))
  return [...names].map((name) => {
    const due = perKind * hostilities.filter(({ counter }) => counter === name).length
    const counted = after[name] - before[name]
    return { what: `stats().${name}`, figure: `${counted} of ${due}`, fine: counted === due }
  })
}

const heading = ['', '', 'cut with', 'after', 'by', '']

/** The table in plain text. */
export function table(verdicts: readonly Verdict[]): string {
  const lines = [
    heading,
    ...verdicts.map(({ what, figure, how = '', after = '', named = '', fine }) => [
      what,
      figure,
      how,
      after,
      named,
      fine ? 'ok' : 'NO',
    ]),
  ]
  const widths = heading.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)))
  return lines.map((line) => line.map((cell, column) => cell.padEnd(widths[column]!)).join('  ')).join('\n')
}

/** `1.2 s`, or `1.2..3.4 s`, of milliseconds. */
function span(least: number, most: number): string {
  const [first, last] = [least, most].map((time) => (time / 1_000).toFixed(1))
  return first === last ? `${first} s` : `${first}..${last} s`
}
