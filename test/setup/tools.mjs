// @ts-check
// Programs that some suites need and npm does not bring. A suite asks for one by reading its variable, which holds the
// program's path, or nothing where it is not to be had:
//
//   const chromium = process.env.PARTYLINE_CHROMIUM
//   describe.skipIf(!chromium)('in a browser', …)
//
// It reads the variable itself and hands the path to its helpers: what is asked for is known by reading the chosen test
// files. Only that is looked for, and installed where we may: as root, with apt-get.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/**
 * @typedef {object} Tool
 * @property {string} name
 * @property {string} variable what the suites read
 * @property {string} override what a person sets to the path of their own
 * @property {string[]} commands its names on the PATH, the best first
 * @property {string} debian its package
 */

/** @type {Tool[]} */
export const tools = [
  {
    name: 'Chromium',
    variable: 'PARTYLINE_CHROMIUM',
    override: 'CHROMIUM',
    commands: ['chromium', 'chromium-browser', 'google-chrome'],
    debian: 'chromium',
  },
  {
    name: 'Redis',
    variable: 'PARTYLINE_REDIS',
    override: 'REDIS_SERVER',
    commands: ['redis-server'],
    debian: 'redis-server',
  },
]

/**
 * @param {string[]} files the test files that are to run
 * @returns {{ environment: Record<string, string>, missing: string[] }} the variables for the suites, and for each tool
 *   that is not to be had a text that names the suites left out and what to do about it
 */
export function provideTools(files) {
  /** @type {Record<string, string>} */
  const environment = {}
  const missing = []
  for (const tool of tools) {
    const suites = files.filter((file) => readFileSync(file, 'utf8').includes(tool.variable))
    if (suites.length === 0) continue
    const path = find(tool) ?? install(tool)
    environment[tool.variable] = path ?? ''
    if (path === undefined) {
      missing.push(`NOT RUN, for want of ${tool.name}: ${suites.join(', ')}\n  ${remedy(tool)}`)
    }
  }
  return { environment, missing }
}

/** @param {Tool} tool */
function find(tool) {
  const own = process.env[tool.override]
  const candidates = own ? [own] : tool.commands.map(onPath)
  // Started, and not only looked for: Ubuntu's chromium-browser is a text that points to another package.
  return candidates.find((path) => path && spawnSync(path, ['--version'], { timeout: 10_000 }).status === 0)
}

/** @param {string} command */
function onPath(command) {
  const folders = process.env.PATH?.split(delimiter) ?? []
  return folders.map((folder) => join(folder, command)).find((path) => existsSync(path))
}

/** @param {Tool} tool */
function install(tool) {
  if (process.env[tool.override] || process.getuid?.() !== 0 || !onPath('apt-get')) return
  console.error(`Installing ${tool.name} with apt-get, this once; it may take a minute.`)
  /** @param {string[]} args */
  const aptGet = (...args) =>
    spawnSync('apt-get', args, {
      encoding: 'utf8',
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    })
  // One source of several being out of reach fails the update, and need not stand in the way of the package.
  aptGet('update')
  const { status, stderr } = aptGet('install', '--yes', '--no-install-recommends', tool.debian)
  if (status !== 0) console.error(stderr.trim())
  return find(tool)
}

/** @param {Tool} tool */
function remedy({ name, override, debian }) {
  return process.env[override]
    ? `${override}=${process.env[override]} does not start. Set it to the path of ${name}, or unset it.`
    : `Type: sudo apt-get install ${debian}   (or set ${override} to the path of ${name})`
}
