import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Page, readPage } from './markdown.ts'

export const root: string = join(import.meta.dir, '../..')

/** The README and everything in docs/. */
export const pages: Page[] = ['README.md', ...filesIn('docs', '.md')].map((path) =>
  readPage(path, readFileSync(join(root, path), 'utf8')),
)

/** All that is written for people, the pages included. */
export const texts: Page[] = [
  ...pages,
  ...['CONTRIBUTING.md', 'CHANGELOG.md'].map((path) =>
    readPage(path, readFileSync(join(root, path), 'utf8')),
  ),
]

/** The files of lib, each with its doc-comments as Markdown; everything else in it is blank. */
export const comments: Page[] = filesIn('lib', '.ts').map((path) =>
  readPage(path, commentsOf(readFileSync(join(root, path), 'utf8'))),
)

function filesIn(folder: string, ending: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .map((path) => `${folder}/${path.replaceAll('\\', '/')}`)
    .filter((path) => path.endsWith(ending))
    .sort()
}

/** Line by line, so that a place in it is the same place in the file. */
function commentsOf(source: string): string {
  let inside = false
  return source
    .split('\n')
    .map((line) => {
      if (/^\s*\/\*\*/.test(line)) inside = true
      const text = inside ? line.replace(/^\s*\/?\*+\/? ?/, '') : ''
      if (line.includes('*/')) inside = false
      return text
    })
    .join('\n')
}
