import { expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const page = readFileSync(join(import.meta.dir, '../../docs/guide/socketio-protocol.md'), 'utf8')
const section = page.split(/^## /m).find((one) => one.startsWith('Socket.IO 5')) ?? ''

/** The statements of the protocol that concern a server: section, what it says, file and title of a test. */
const statements = section
  .split('\n')
  .filter((line) => /^\| (?!section)/.test(line))
  .map((line) => line.slice(2, -2).split(' | '))
  .filter((row) => row.length === 4)

test('the statements of Socket.IO were found', () => {
  expect(statements.length).toBeGreaterThanOrEqual(30)
})

test.each(statements)('%s: %s', (_section, _statement, file, name) => {
  const source = readFileSync(join(import.meta.dir, `${file}.test.ts`), 'utf8')
  // As the title of a test, in whichever quotes.
  const titles = ["'", '"', '`'].map((quote) => `${quote}${name}${quote},`)
  expect(titles.some((title) => source.includes(title))).toBe(true)
})
