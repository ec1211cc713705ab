import { describe, expect, test } from 'bun:test'
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import manifest from '../package.json'

const root = join(import.meta.dir, '..')
const read = (path: string): string => readFileSync(join(root, path), 'utf8')
/** The file of lib that tsconfig.build.json turns into a file of dist. */
const source = (path: string): string => path.replace(/^\.\/dist\/(.*?)(\.d\.ts|\.js)$/, './lib/$1.ts')

describe('package.json', () => {
  const entries = Object.entries<string | Record<string, string>>(manifest.exports)
  const targets = entries.flatMap(([, target]) =>
    typeof target === 'string' ? [target] : Object.values(target),
  )

  test.each(targets)('exports %s, which the build makes or the checkout holds', (target) => {
    expect(existsSync(join(root, source(target)))).toBe(true)
  })

  // As tsconfig.json has it, by which everything in the repository imports them.
  test.each(entries.filter(([, target]) => typeof target === 'object'))(
    'exports under %s the module of that name, and its types',
    (name, target) => {
      const module = `./lib${name.slice(1)}/mod.ts`
      expect(Object.values(target).map(source)).toEqual([module, module])
    },
  )

  test('puts the types first, since the first condition that matches wins', () => {
    for (const [, target] of entries) {
      if (typeof target === 'object') expect(Object.keys(target)[0]).toBe('types')
    }
  })

  // A bundler drops a module whose exports nobody uses, unless it is listed here: a bare import in it would go too.
  test('lists under sideEffects the modules of lib that import something for its effect alone', () => {
    const modules = readdirSync(join(root, 'lib'), { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ts') && /^import ['"]/m.test(read(join('lib', path))))
      .map((path) => `./lib/${path.replaceAll('\\', '/')}`)
    expect(manifest.sideEffects.map(source)).toEqual(expect.arrayContaining(modules))
  })

  test.each(manifest.sideEffects)('lists %s under sideEffects, which the build makes', (path) => {
    expect(existsSync(join(root, source(path)))).toBe(true)
  })
})

test('package-lock.json names no registry', () => {
  // Mend it with: npm install --omit-lockfile-registry-resolved
  const addresses = [...read('package-lock.json').matchAll(/"resolved": "(.*)"/g)].map(
    ([, address]) => address,
  )
  // The workspaces are folders of the project's own.
  expect(addresses.filter((address) => !address?.startsWith('test/hosts/'))).toEqual([])
})

const listed = spawnSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  cwd: root,
  encoding: 'utf8',
})

test.skipIf(listed.status !== 0)("no file names a folder of its author's machine", () => {
  const personal = /\/home\/|\/root\/|\/Users\//
  const files = listed.stdout.split('\n').filter((path) => path && existsSync(join(root, path)))
  expect(files).toContain('test/package.test.ts')
  const lines = files.flatMap((path) =>
    read(path)
      .split('\n')
      .map((line, index) => `${path}:${index + 1}: ${line}`)
      .filter((line) => personal.test(line)),
  )
  expect(lines).toEqual([])
})
