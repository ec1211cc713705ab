import { expect, test } from 'bun:test'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const page = readFileSync(join(import.meta.dir, '../../docs/guide/socketio-protocol.md'), 'utf8')

/** The rows of a table under a heading. */
function rowsOf(heading: string): string[][] {
  const section = page.split(/^## /m).find((one) => one.startsWith(heading)) ?? ''
  const [table = ''] = section.split(/\n\n(?=[^|])/).filter((one) => one.includes('|---'))
  const lines = (table || section).split('\n').filter((line) => line.startsWith('| '))
  return lines.slice(1).map((line) => line.slice(2, -2).split(' | '))
}

const statements = rowsOf('Engine.IO 4').filter((row) => row.length === 4)

test('the statements of Engine.IO were found', () => {
  expect(statements.length).toBeGreaterThanOrEqual(35)
})

test.each(statements)('%s: %s', (_section, _statement, file, name) => {
  const path = join(import.meta.dir, `engine-${file}.test.ts`)
  expect(existsSync(path)).toBe(true)
  // As the title of a test, in whichever quotes.
  const source = readFileSync(path, 'utf8')
  expect(['"', "'", '`'].some((quote) => source.includes(`${quote}${name}${quote},`))).toBe(true)
})
