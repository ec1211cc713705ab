import { expect, test } from 'bun:test'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const lib = join(import.meta.dir, '../../lib')

/** Runs a program beside our code, where no package is installed. */
function run(program: string): { status: number | null; stdout: string; stderr: string } {
  const folder = mkdtempSync(join(tmpdir(), 'partyline-'))
  try {
    for (const one of ['broker', 'protocol', 'redis'])
      cpSync(join(lib, one), join(folder, one), { recursive: true })
    writeFileSync(join(folder, 'main.ts'), program)
    return spawnSync(process.execPath, ['--no-install', 'main.ts'], { cwd: folder, encoding: 'utf8' })
  } finally {
    rmSync(folder, { recursive: true })
  }
}

test('where the package is not installed, redis() says so in a line, with the command that mends it', () => {
  const { status, stderr } = run(`
    import { redis } from './redis/mod.ts'
    redis()
  `)
  expect(status).toBe(1)
  const lines = stderr.split('\n').filter((line) => line.startsWith('error:'))
  expect(lines).toEqual(['error: redis() needs the package redis, which is not there: npm install redis'])
  expect(stderr).not.toContain('    at ')
})

test('to import it is no mistake: only who calls it needs the package', () => {
  const { status, stdout } = run(`
    import { type RedisOptions, redis } from './redis/mod.ts'
    const options: RedisOptions = { prefix: 'chat' }
    console.log(typeof redis, options.prefix)
  `)
  expect([status, stdout]).toEqual([0, 'function chat\n'])
})
