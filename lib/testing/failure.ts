import type { Entry } from './log.ts'
import { show } from './show.ts'
import type { Transcript } from './transcript.ts'

/** What is known where an expectation fails. */
export interface Circumstances {
  readonly name: string
  readonly transcript: Transcript
  /** What the app has logged, and no test has taken. */
  logged(): readonly Entry[]
}

/** How many entries of the log are shown. */
const SHOWN = 10

/** Makes the error of a failed expectation, with what passed before. It points to whoever called `method`. */
export function failureOf(
  method: (...args: never[]) => unknown,
  { name, transcript, logged }: Circumstances,
): (what: string, untaken?: readonly string[]) => Error {
  const here: { stack?: string } = {}
  Error.captureStackTrace?.(here, method)
  return (what, untaken = []) => {
    const frames = transcript.latest
    const entries = logged().slice(-SHOWN)
    const error = new Error(
      [
        what,
        ...section('what no expectation took', untaken),
        ...section(`what passed on the line of ${name} (> sent, < received)`, frames),
        ...section('what the app logged', entries.map(entryText)),
      ].join('\n'),
    )
    if (here.stack !== undefined)
      error.stack = `Error: ${error.message}\n${here.stack.split('\n').slice(1).join('\n')}`
    return error
  }
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', `${title}:`, ...lines.map((line) => `  ${line}`)]
}

function entryText({ level, message, fields }: Entry): string {
  const { error, ...others } = fields as { error?: unknown }
  const rest = Object.keys(others).length === 0 ? '' : ` ${show(others)}`
  return `${level}: ${message}${rest}${error === undefined ? '' : `\n    ${show(error)}`}`
}
