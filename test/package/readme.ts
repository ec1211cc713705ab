import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Block, readPage } from '../docs/markdown.ts'

function blocksOf(path: string): Block[] {
  return readPage(path, readFileSync(join(import.meta.dir, '../..', path), 'utf8')).blocks
}

function first(path: string, info: RegExp): Block {
  const block = blocksOf(path).find((one) => info.test(one.info))
  if (block === undefined) throw new Error(`${path} has no block of ${info}`)
  return block
}

/** What the README begins with: a program, and what goes over the wire. */
export function quickStart(): { program: string; path: string; sent: string[]; received: string[] } {
  const frames = first('README.md', /^frames /)
  const lines = frames.text.split('\n')
  const after = (sign: string): string[] =>
    lines.filter((line) => line.startsWith(`${sign} `)).map((line) => line.slice(2))
  return {
    program: first('README.md', /^ts$/).text,
    path: frames.info.replace('frames ', ''),
    sent: after('>'),
    received: after('<'),
  }
}

/** The options of the compiler that a project needs in which constructors are injected by type. */
export function compilerOptions(): object {
  return JSON.parse(first('docs/guide/decorators.md', /^json$/).text).compilerOptions
}
