import { afterAll, expect, test } from 'bun:test'
import { spawnSync } from 'node:child_process'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { tools } from './tools.mjs'

const root = join(import.meta.dir, '../..')
const folders: string[] = []
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true })
})

/** Runs the test command in a project that holds these test files only. */
function run(files: Record<string, string>, args: string[] = [], environment: Record<string, string> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'partyline-run-'))
  folders.push(folder)
  cpSync(join(root, 'package.json'), join(folder, 'package.json'))
  cpSync(join(root, 'test/setup'), join(folder, 'test/setup'), {
    recursive: true,
    filter: (path) => !path.endsWith('.test.ts'),
  })
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'), 'junction')
  for (const [path, body] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), `import { expect, test } from 'bun:test'\n${body}`)
  }
  const { status, stdout, stderr } = spawnSync('node', ['test/setup/run.mjs', ...args], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, CI: 'true', ...environment },
  })
  return { status, last: stdout.trimEnd().split('\n').at(-1), stdout, stderr }
}

const passes = 'test(\'a <passing> "test"\', () => expect(1).toBe(1))'
const exception = "test('case [docs/runtimes.md: a row]', () => {})"
const fails = 'test("a failing test", () => expect(1).toBe(2))'

test('the last line counts what ran, and failures make the exit code', () => {
  const skips = 'test.skip("one", () => {}); test.todo("two")'
  expect(run({ 'test/a.test.ts': passes, 'test/b/b.test.ts': passes })).toMatchObject({
    status: 0,
    last: '2 passed, 0 failed',
  })
  expect(run({ 'test/a.test.ts': passes, 'test/b.test.ts': `${fails}; ${passes}; ${skips}` })).toMatchObject({
    status: 1,
    last: '2 passed, 1 failed, 2 skipped',
  })
})

test('names choose files, and options go to bun test', () => {
  const files = { 'test/a.test.ts': passes, 'test/b/b.test.ts': fails }
  expect(run(files, ['test/a'])).toMatchObject({ status: 0, last: '1 passed, 0 failed' })
  expect(run(files, ['b.test', '-t', 'failing'])).toMatchObject({ status: 1, last: '0 passed, 1 failed' })
  expect(run(files, ['nowhere']).status).toBe(1)
})

test.each([
  ['has no test', ''],
  ['does not parse', 'const = 1'],
  ['throws while it loads', 'throw new Error("on purpose")'],
  ['skips all it has', 'test.skip("skipped", () => {})'],
  ['ends the process with code 0', `${passes}; test("ends", () => process.exit(0))`],
])('a file that %s fails the run', (_, body) => {
  const alone = run({ 'test/odd.test.ts': body })
  expect(alone.status).toBe(1)
  expect(alone.last).toStartWith('0 passed, 1 failed')
  expect(alone.stderr).toContain('No test ran')
})

test('a file without a test fails the run, though others pass', () => {
  const { status, last, stderr } = run({ 'test/a.test.ts': passes, 'test/empty.test.ts': '' })
  expect({ status, last }).toEqual({ status: 1, last: '1 passed, 1 failed' })
  expect(stderr).toContain('test/empty.test.ts contributed no test')
})

test('the black-box suite is counted for each runtime, and fails the run where the counts differ', () => {
  const box = (cases: number) =>
    Array.from({ length: cases }, (_, i) => `test('case ${i}', () => {})`).join('\n')
  const files = {
    'test/blackbox/bun.test.ts': box(2),
    'test/blackbox/deno.test.ts': `${box(1)}\n${exception}`,
  }
  const even = run(files)
  expect(even).toMatchObject({ status: 0, last: '4 passed, 0 failed' })
  expect(even.stdout).toContain(
    'The black-box suite: 2 cases on bun; 2 cases on deno, of which 1 as docs/runtimes.md says.\n',
  )
  const odd = run({ ...files, 'test/blackbox/node.test.ts': box(3) })
  expect(odd).toMatchObject({ status: 1, last: '7 passed, 1 failed' })
  expect(odd.stderr).toContain('The black-box suite has not the same number of cases on each runtime.')
})

test('a tool that is not to be had is said aloud, and fails the run under CI', () => {
  for (const tool of tools) {
    const asks = `test.skipIf(!process.env.${tool.variable})('needs it', () => {})`
    const files = { 'test/a.test.ts': passes, 'test/asks.test.ts': asks }
    const absent = { [tool.override]: join(root, 'not-there') }

    const local = run(files, [], { ...absent, CI: '' })
    expect(local).toMatchObject({ status: 0, last: '1 passed, 0 failed, 1 skipped' })
    expect(local.stderr).toContain(`NOT RUN, for want of ${tool.name}: test/asks.test.ts`)
    expect(run(files, [], absent)).toMatchObject({ status: 1, last: '1 passed, 1 failed, 1 skipped' })
    expect(run(files, ['test/a.'], absent)).toMatchObject({ status: 0, last: '1 passed, 0 failed' })
  }
})

test('a tool that is there reaches the suites through its variable', () => {
  for (const tool of tools) {
    const asks = `test('path', () => expect(process.env.${tool.variable}).toBe(${JSON.stringify(process.execPath)}))`
    const { last } = run({ 'test/asks.test.ts': asks }, [], { [tool.override]: process.execPath })
    expect(last).toBe('1 passed, 0 failed')
  }
})

test('suites read the variables of tools themselves, since that is how they ask', () => {
  const helpers = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && !path.endsWith('.test.ts'))
    .filter((path) =>
      tools.some(({ variable }) => readFileSync(join(root, 'test', path), 'utf8').includes(variable)),
    )
  expect(helpers).toEqual([])
})
