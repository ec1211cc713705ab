// @ts-check
// The versions of Node and Bun that package.json asks for. Bun comes from npm, as the package `bun`.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

// The binary on every platform, whatever its name says; on Windows what npm puts in .bin is a script.
export const BUN = fileURLToPath(new URL('../../node_modules/bun/bin/bun.exe', import.meta.url))

/** Ends the process with one line on what to type, where Node or Bun is missing or too old. */
export function checkEngines() {
  const problem = findProblem()
  if (problem === undefined) return
  console.error(`✗ ${problem}`)
  process.exit(1)
}

function findProblem() {
  const { engines } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  if (!satisfies(process.versions.node, engines.node)) {
    return `The tests need Node ${engines.node}; this is ${process.versions.node}.`
  }
  if (!existsSync(BUN)) return 'Bun is not installed here. Type: npm ci'
  const bun = spawnSync(BUN, ['--version'], { encoding: 'utf8' })
  // Until its install script has run, the file in the binary's place is a text that only fails.
  if (bun.status !== 0) {
    return 'Bun did not start: npm was told to run no install scripts. Type: node node_modules/bun/install.js'
  }
  if (!satisfies(bun.stdout, engines.bun)) {
    return `The tests need Bun ${engines.bun}; this is ${bun.stdout.trim()}. Type: npm ci`
  }
}

/**
 * @param {string} version such as 1.4.5
 * @param {string} range such as >=1.4
 */
function satisfies(version, range) {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const [leastMajor = 0, leastMinor = 0] = range.replace('>=', '').split('.').map(Number)
  return major > leastMajor || (major === leastMajor && minor >= leastMinor)
}
