import { readFileSync } from 'node:fs'
import type { RuntimeName } from './server.ts'

const page = readFileSync(new URL('../../docs/runtimes.md', import.meta.url), 'utf8')

/** The table of what a runtime can and cannot do: for each thing, what stands under each runtime. */
export const abilities: ReadonlyMap<string, Readonly<Record<RuntimeName, string>>> = new Map(
  [...page.matchAll(/^\| ([^|]+) \| ((?:yes|no)[^|]*) \| ((?:yes|no)[^|]*) \| ((?:yes|no)[^|]*) \|$/gm)].map(
    ([, what = '', Bun = '', Deno = '', Node = '']) => [what.trim(), { Bun, Deno, Node }],
  ),
)

/** Whether a runtime can do that, as the table says. */
export function can(runtime: RuntimeName, what: string): boolean {
  const row = abilities.get(what)
  if (row === undefined) throw new Error(`docs/runtimes.md has no row "${what}"`)
  return row[runtime].startsWith('yes')
}
