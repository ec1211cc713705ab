import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readPage } from '../docs/markdown.ts'

/** A program of a page of docs/guide, by the name that the page gives it: what is documented is what is tested. */
export function programOf(page: string, file: string): string {
  const path = `docs/guide/${page}.md`
  const { blocks } = readPage(path, readFileSync(join(import.meta.dir, '../..', path), 'utf8'))
  const block = blocks.find(({ info }) => info.split(' ').includes(`file=${file}`))
  if (block === undefined) throw new Error(`${path} has no program called ${file}`)
  return block.text
}
