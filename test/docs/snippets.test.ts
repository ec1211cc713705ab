import { afterAll, describe, expect, test } from 'bun:test'
import { relative } from 'node:path'
import type { Block } from './markdown.ts'
import { comments, pages } from './pages.ts'
import { play } from './play.ts'
import { PATIENCE, Program } from './program.ts'
import { readScript } from './script.ts'
import { isProgram, isTest, type Snippet, Snippets } from './snippets.ts'

const snippets = new Snippets([...pages, ...comments])
afterAll(() => snippets.remove())

const written = snippets.all.filter(({ page }) => pages.includes(page))
const examples = snippets.all.filter(({ page }) => comments.includes(page))
const programs = written.filter(isProgram)

const row = (snippet: Snippet, { line, headings } = snippet.block) =>
  [`${snippet.page.path}:${line} ${headings.at(-1)}`, snippet] as const
const claims = (language: string) =>
  programs.flatMap((snippet) =>
    snippet.claims
      .filter(({ info }) => info.split(' ')[0] === language)
      .map((block): [...ReturnType<typeof row>, Block] => [...row(snippet, block), block]),
  )

test('the extraction finds what is written', () => {
  expect(pages.length).toBeGreaterThanOrEqual(14)
  expect(programs.length).toBeGreaterThanOrEqual(45)
  expect(claims('frames').length).toBeGreaterThanOrEqual(50)
  expect(claims('stderr').length).toBeGreaterThanOrEqual(3)
  expect(examples.length).toBeGreaterThanOrEqual(20)
  expect(examples).toHaveLength(comments.flatMap(({ text }) => text.match(/@example/g) ?? []).length)
})

test('every program on a page has what it does below it', () => {
  const silent = programs.filter(({ claims, block }) => claims.length === 0 && !block.info.includes('no-run'))
  expect(silent.map((snippet) => row(snippet)[0])).toEqual([])
})

test('every snippet of the README, of docs and of doc-comments passes the compiler', () => {
  expect(snippets.check()).toEqual([])
  // One compiler that never yields, for all of it: no timeout could end it, but only fail it when it is done.
}, 180_000)

describe('what a snippet is said to receive and to send is what happens', () => {
  test.each(claims('frames'))(
    '%s',
    async (_, { path }, { info, text, line }) => {
      const program = new Program(path, ['run'], ['--port', '0'])
      try {
        await play(readScript(text, info.split(' ')[1] ?? '/', line), program)
      } finally {
        await program.kill()
      }
    },
    4 * PATIENCE,
  )
})

describe('a snippet that is said to fail does so, in these words', () => {
  test.each(claims('stderr'))(
    '%s',
    async (_, { path }, { text }) => {
      const program = new Program(path, ['run'], ['--port', '0'])
      expect(await program.ended).toBe(1)
      expect(program.complaints).toContain(text)
    },
    4 * PATIENCE,
  )
})

describe('a test that the docs show passes', () => {
  test.each(written.filter(isTest).map((snippet) => row(snippet)))(
    '%s',
    async (_, { path }) => {
      const run = new Program(path, ['test'])
      expect(await run.ended).toBe(0)
      expect(run.complaints).toMatch(/[1-9]\d* pass\n/)
    },
    4 * PATIENCE,
  )
})

test(
  'the examples of doc-comments run, and their gateways pass the checks of boot',
  async () => {
    const modules = examples
      .filter(({ block }) => !block.info.includes('no-run'))
      .map(({ path, block: { text } }) => {
        const gateways = [...text.matchAll(/^@Gateway\(.*\n(?:export )?class (\w+)/gm)].map(
          ([, name]) => name,
        )
        const boot = gateways.length > 0 ? `\n;(await import('partyline')).createApp([${gateways}])` : ''
        return snippets.write(relative(snippets.folder, path).replace(/\.ts$/, '.boot.ts'), text + boot)
      })
    const lines = modules.map((path) => `await import(${JSON.stringify(path)})`)
    const program = new Program(
      snippets.write('examples/all.ts', [...lines, "console.log('done')", 'process.exit()'].join('\n')),
    )
    expect(await program.ended).toBe(0)
    expect(program.complaints).toBe('')
    expect(program.unread.at(-1)).toBe('done')
  },
  4 * PATIENCE,
)
