// @ts-check
// The test command, started by plain Node, which is all that a new checkout is sure to have.
//
//   npm test                            every test/**/*.test.ts
//   npm test -- test/protocol rooms     the files whose path contains one of these
//   npm test -- rooms -t 'leaves'       from the first dash on: options of `bun test`
//
// Its last line is `N passed, N failed`, counted from what `bun test` recorded. `bun test` alone is content with a file
// that holds no test, and with one that ends the process with code 0; here each is a failure, so that no green is empty.
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { BUN, checkEngines } from './engines.mjs'
import { readBlackBox, readResults, total } from './results.mjs'
import { provideTools } from './tools.mjs'

// Processes and servers take their time where others use the same processors: what hangs is worth waiting for.
const MILLISECONDS = 30_000

// Only code that never yields, which no test's timeout can end, runs for so long.
const MINUTES = 15

process.chdir(fileURLToPath(new URL('../..', import.meta.url)))
const given = process.argv.slice(2)
const dash = given.findIndex((argument) => argument.startsWith('-'))
const names = dash < 0 ? given : given.slice(0, dash)
const options = dash < 0 ? [] : given.slice(dash)

checkEngines()
const files = testFiles(names)
const { environment, missing } = provideTools(files)
for (const line of missing) say(line)

const folder = mkdtempSync(join(tmpdir(), 'partyline-test-'))
const outfile = join(folder, 'results.xml')
const ending = await bunTest()
const recorded = existsSync(outfile) ? readFileSync(outfile, 'utf8') : ''
rmSync(folder, { recursive: true })
const results = readResults(recorded)
const boxes = [...readBlackBox(recorded)].sort()

const { passed, failed, skipped } = total(results)
const faults = findFaults()
for (const line of [...missing, ...faults]) say(line)
const failures = failed + faults.length + (process.env.CI === 'true' ? missing.length : 0)
if (boxes.length > 0) console.log(`\nThe black-box suite: ${boxes.map(tellBox).join('; ')}.`)
console.log(`\n${passed} passed, ${failures} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`)
process.exitCode = failures > 0 ? 1 : 0

/**
 * @param {string[]} names
 * @returns {string[]} paths from the root, with forward slashes
 */
function testFiles(names) {
  const all = readdirSync('test', { recursive: true, encoding: 'utf8' })
    .map((path) => `test/${path.replaceAll('\\', '/')}`)
    .filter((path) => path.endsWith('.test.ts'))
    .sort()
  const chosen = names.length === 0 ? all : all.filter((path) => names.some((name) => path.includes(name)))
  if (chosen.length > 0) return chosen
  say(`No test file matches: ${names.join(' ') || 'test/**/*.test.ts'}`)
  process.exit(1)
}

/** @returns {Promise<string>} how it ended: an exit code or a signal */
async function bunTest() {
  // Two workers take half the time on two cores, and a file that crashes its worker loses no other file's results.
  // Without orphans: no server or browser that a suite forgot, or a crash left behind, outlives the run.
  const flags = [
    '--parallel=2',
    `--timeout=${MILLISECONDS}`,
    '--no-orphans',
    '--reporter=junit',
    `--reporter-outfile=${outfile}`,
  ]
  const child = spawn(BUN, ['test', ...flags, ...options, ...files.map((file) => `./${file}`)], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, ...environment },
  })
  const watchdog = setTimeout(() => {
    say(`bun test is still running after ${MINUTES} minutes: ending it.`)
    child.kill('SIGTERM')
    setTimeout(() => child.kill('SIGKILL'), 5_000).unref()
  }, MINUTES * 60_000)
  // Interrupted, Bun says which files were still running: let it, and count afterwards.
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill('SIGTERM'))
  /** @type {string} */
  const ending = await new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => resolve(signal ?? `code ${code}`))
  })
  clearTimeout(watchdog)
  return ending
}

/** @returns {string[]} what went wrong and no test case shows; each counts as one failure */
function findFaults() {
  if (results.size === 0) return [`No test ran: bun test ended with ${ending} and recorded none.`]
  const faults = files
    .filter((file) => !results.has(file))
    .map((file) => `${file} contributed no test: it has none, or did not load (see above).`)
  if (new Set(boxes.map(([, { cases }]) => cases)).size > 1)
    faults.push('The black-box suite has not the same number of cases on each runtime.')
  if (passed + failed === 0) faults.push('No test ran: all were skipped.')
  if (ending !== 'code 0' && failed + faults.length === 0) {
    faults.push(`bun test ended with ${ending}, though no test failed (see above).`)
  }
  return faults
}

/** @param {[runtime: string, box: { cases: number, exceptions: number }]} box */
function tellBox([runtime, { cases, exceptions }]) {
  return `${cases} cases on ${runtime}${exceptions > 0 ? `, of which ${exceptions} as docs/runtimes.md says` : ''}`
}

/** @param {string} line */
function say(line) {
  console.error(`\n✗ ${line}`)
}
