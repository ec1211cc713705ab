import { expect, test } from 'bun:test'
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import ts from 'typescript'

// The fixtures are part of the project, so `npm run typecheck` checks them too. There `@ts-expect-error` is content with
// any error; here each has to be the one that stands behind it. Those in `registered` say things of the whole program that
// they are in, and are one of their own.

const root = join(import.meta.dir, '../..')
const programs = ['fixtures', 'registered'].map((name) => {
  const folder = join(import.meta.dir, name)
  return readdirSync(folder).map((file) => join(folder, file))
})
const fixtures = programs.flat()

const MARK = '// @ts-expect-error '
/** As long as the mark, so that positions stay, and nothing to the compiler. */
const UNMARKED = '// _ts_expect_error '

/** Everything that the compiler says of fixtures, when nothing is expected. */
function compile(fixtures: readonly string[]): readonly ts.Diagnostic[] {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile)
  const { options } = ts.parseJsonConfigFileContent(
    { ...config, include: [], files: [...fixtures] },
    ts.sys,
    root,
  )
  const host = ts.createCompilerHost(options)
  const { readFile } = host
  host.readFile = (path) => {
    const text = readFile(path)
    return fixtures.includes(path) ? text?.replaceAll(MARK, UNMARKED) : text
  }
  return ts.getPreEmitDiagnostics(ts.createProgram(fixtures, options, host))
}

/** A line of a fixture, and an error there. */
type Found = [line: number, message: string]

/** What a fixture expects: for the line after each mark, a part of the message. */
function expectedIn(text: string): Found[] {
  const lines = text.split('\n').map((line) => line.trim())
  return lines.flatMap((line, i): Found[] =>
    line.startsWith(MARK) ? [[i + 2, line.slice(MARK.length)]] : [],
  )
}

/** The errors of a fixture, each with all that the compiler says of it. */
function foundIn(path: string): Found[] {
  return diagnostics
    .filter(({ file }) => file?.fileName === path)
    .map(({ file, start = 0, messageText }) => [
      (file?.getLineAndCharacterOfPosition(start).line ?? -1) + 1,
      ts.flattenDiagnosticMessageText(messageText, '\n'),
    ])
}

const diagnostics = programs.flatMap(compile)

test('nothing but the fixtures is at fault', () => {
  const elsewhere = diagnostics.filter(({ file }) => !fixtures.includes(file?.fileName ?? ''))
  expect(elsewhere.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))).toEqual([])
})

test.each(fixtures.map((path) => [relative(import.meta.dir, path), path]))(
  '%s has the errors that it expects, and no other',
  (_, path) => {
    const expected = expectedIn(readFileSync(path, 'utf8'))
    expect(expected.length).toBeGreaterThan(0)
    const parts = new Map(expected)
    const found = foundIn(path).map(([line, message]): Found => {
      const part = parts.get(line)
      return [line, part !== undefined && message.includes(part) ? part : message]
    })
    expect(found).toEqual(expected)
  },
)
