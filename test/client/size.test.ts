import { expect, test } from 'bun:test'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const root = join(import.meta.dir, '../..')

/** What `bun build` makes of a module for a browser. */
function bundled(entry: string, ...flags: string[]): string {
  const args = ['build', '--minify', '--target=browser', ...flags, entry]
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr)
  return stdout
}

/** The same, of a project's own module. */
function bundledText(text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'partyline-bundle-'))
  try {
    const entry = join(folder, 'entry.ts')
    writeFileSync(entry, text.replaceAll('LIB', join(root, 'lib')))
    return bundled(entry)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const gzipped = (text: string): number => Bun.gzipSync(text, { level: 9 }).length

test('the client with JSON is at most 6,000 bytes, minified and gzipped', () => {
  const size = gzipped(bundledText("export { connect } from 'LIB/client/mod.ts'"))
  expect(size).toBeLessThanOrEqual(6_000)
  // Had the bundler thrown the client away, it would be small indeed.
  expect(size).toBeGreaterThan(4_000)
})

test('channels and presence are added where they are used, and only there', () => {
  const sizeOf = (names: string) => gzipped(bundledText(`export { ${names} } from 'LIB/client/mod.ts'`))
  const alone = sizeOf('connect')
  expect(sizeOf('connect, channels') - alone).toBeLessThanOrEqual(1_550)
  expect(sizeOf('connect, presence') - alone).toBeLessThanOrEqual(1_250)
  expect(sizeOf('connect, channels, presence') - alone).toBeLessThanOrEqual(2_000)
  expect(sizeOf('channels')).toBeGreaterThan(1_000)
})

test('who takes only a part of the entry does not get the rest', () => {
  const errors = bundledText("export { PartylineError } from 'LIB/client/mod.ts'")
  expect(gzipped(errors)).toBeLessThan(600)
  const events = bundledText("export { event } from 'LIB/client/mod.ts'")
  expect(gzipped(events)).toBeLessThan(600)
  expect(bundledText("import 'LIB/client/mod.ts'").trim()).toBe('')
})

test('a page without a bundler gets one script, that leaves one name behind', () => {
  const script = bundled('lib/client/script.ts', '--format=iife')
  expect(gzipped(script)).toBeLessThanOrEqual(8_100)
  const page: Record<string, unknown> = {}
  new Function('globalThis', script)(page)
  expect(Object.keys(page)).toEqual(['partyline'])
  expect(page.partyline).toEqual({
    connect: expect.any(Function),
    channels: expect.any(Function),
    presence: expect.any(Function),
    PartylineError: expect.any(Function),
    closeCodes: expect.any(Object),
  })
})
