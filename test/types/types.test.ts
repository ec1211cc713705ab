import { expect, test } from 'bun:test'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import ts from 'typescript'

// The fixtures are part of the project, so `npm run typecheck` checks them too. There `@ts-expect-error` is content with
// any error; here each has to be the one that stands behind it. Both dialects of decorators get the same fixtures, and a
// few more each. Those in `registered` say things of the whole program that they are in, and are one of their own.

const MARK = '// @ts-expect-error '
/** As long as the mark, so that positions stay, and nothing to the compiler. */
const UNMARKED = '// _ts_expect_error '

const root = join(import.meta.dir, '../..')

/** Sources of other files, which all programs have. */
const sources = new Map<string, ts.SourceFile | undefined>()

/** What test/dialects runs in both dialects has no mistakes in either; of the legacy one `npm run typecheck` tells. */
const right = readdirSync(join(import.meta.dir, '../dialects/fixtures')).map((file) =>
  join(import.meta.dir, '../dialects/fixtures', file),
)

/** A program: which tsconfig.json, and the folders with its fixtures. */
const programs = [
  program('legacy', join(root, 'tsconfig.json'), ['fixtures', 'legacy']),
  program('standard', join(import.meta.dir, 'standard/tsconfig.json'), ['fixtures', 'standard'], right),
  program('registered', join(root, 'tsconfig.json'), ['registered']),
]

function program(name: string, tsconfig: string, folders: readonly string[], others: readonly string[] = []) {
  const fixtures = folders.flatMap((folder) => {
    const path = join(import.meta.dir, folder)
    const files = readdirSync(path).filter((file) => file.endsWith('.ts'))
    return files.map((file) => join(path, file))
  })
  return { name, fixtures, diagnostics: compile(tsconfig, fixtures, others) }
}

/** Everything that the compiler says of fixtures, when nothing is expected. */
function compile(
  tsconfig: string,
  fixtures: readonly string[],
  others: readonly string[],
): readonly ts.Diagnostic[] {
  const { config } = ts.readConfigFile(tsconfig, ts.sys.readFile)
  const { options } = ts.parseJsonConfigFileContent(
    { ...config, include: [], files: [...fixtures, ...others] },
    ts.sys,
    dirname(tsconfig),
  )
  const host = ts.createCompilerHost(options)
  const { readFile, getSourceFile } = host
  host.getSourceFile = (path, ...how) => {
    if (fixtures.includes(path)) return getSourceFile(path, ...how)
    if (!sources.has(path)) sources.set(path, getSourceFile(path, ...how))
    return sources.get(path)
  }
  host.readFile = (path) => {
    const text = readFile(path)
    return fixtures.includes(path) ? text?.replaceAll(MARK, UNMARKED) : text
  }
  return ts.getPreEmitDiagnostics(ts.createProgram([...fixtures, ...others], options, host))
}

/** A line of a fixture, and an error there. */
type Found = [line: number, message: string]

/** What a fixture expects: for the line after each mark, parts of the message, with `…` between them. */
function expectedIn(text: string): Found[] {
  const lines = text.split('\n').map((line) => line.trim())
  return lines.flatMap((line, i): Found[] =>
    line.startsWith(MARK) ? [[i + 2, line.slice(MARK.length)]] : [],
  )
}

/** The errors of a fixture, each with all that the compiler says of it. */
function foundIn(path: string, diagnostics: readonly ts.Diagnostic[]): Found[] {
  return diagnostics
    .filter(({ file }) => file?.fileName === path)
    .map(({ file, start = 0, messageText }) => [
      (file?.getLineAndCharacterOfPosition(start).line ?? -1) + 1,
      ts.flattenDiagnosticMessageText(messageText, '\n'),
    ])
}

test.each(programs)('nothing but the fixtures is at fault: $name', ({ fixtures, diagnostics }) => {
  const elsewhere = diagnostics.filter(({ file }) => !fixtures.includes(file?.fileName ?? ''))
  expect(elsewhere.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))).toEqual([])
})

const rows = programs.flatMap(({ name, fixtures, diagnostics }) =>
  fixtures.map((path) => [relative(import.meta.dir, path), name, path, diagnostics] as const),
)

test.each(rows)('%s, in the program %s, has the errors that it expects, and no other', (...row) => {
  const [, , path, diagnostics] = row
  const expected = expectedIn(readFileSync(path, 'utf8'))
  expect(expected.length).toBeGreaterThan(0)
  const parts = new Map(expected)
  const found = foundIn(path, diagnostics).map(([line, message]): Found => {
    const part = parts.get(line)
    return [line, part?.split(' … ').every((one) => message.includes(one)) ? part : message]
  })
  expect(found).toEqual(expected)
})
