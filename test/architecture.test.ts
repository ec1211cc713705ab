import { describe, expect, test } from 'bun:test'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import manifest from '../package.json'
import { findBreaches, layers } from './architecture/rules.ts'
import { readSource } from './architecture/source.ts'

const root = join(import.meta.dir, '..')

/** The code in lib and apps, by path from the root. */
function readCode(): Map<string, string> {
  const files = new Map<string, string>()
  for (const folder of ['lib', 'apps']) {
    for (const name of readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })) {
      const path = `${folder}/${name.replaceAll('\\', '/')}`
      if (/\.[cm]?[jt]sx?$/.test(path)) files.set(path, readFileSync(join(root, path), 'utf8'))
    }
  }
  return files
}

/** The names under which package.json exports something: `partyline`, `partyline/client`. */
const publicNames = Object.keys(manifest.exports).map((key) => key.replace(/^\./, manifest.name))

describe('lib and apps', () => {
  const code = readCode()

  test('keep the rules', () => {
    expect(findBreaches(code, publicNames)).toEqual([])
  })

  test('were all read', () => {
    expect(code.get('lib/core/app.ts')).toContain('export class App')
    expect([...code.keys()].filter((path) => path.startsWith('apps/party/')).length).toBeGreaterThan(2)
    for (const folder of Object.keys(layers)) {
      expect([...code.keys()].some((path) => path.startsWith(`lib/${folder}/`))).toBe(true)
    }
  })

  test('would not keep them if core imported a runtime', () => {
    const app = code.get('lib/core/app.ts')
    const changed = new Map(code).set('lib/core/app.ts', `import '../runtime/bun.ts'\n${app}`)
    expect(findBreaches(changed, publicNames)).toContain(
      'lib/core/app.ts imports lib/runtime/bun.ts, and core may import only core, protocol, container/mod.ts, decorators, assets, broker, nodes, channels, presence',
    )
  })
})

test('docs/architecture.md tells the same arrows', () => {
  const rows = readFileSync(join(root, 'docs/architecture.md'), 'utf8').matchAll(/^\| `(\w+)` \| (.*) \|$/gm)
  const told = [...rows].map(([, folder, text = '']) => [folder, namesIn(text)])
  expect(Object.fromEntries(told)).toEqual(
    Object.fromEntries(
      Object.entries(layers).map(([folder, { lib }]) => [folder, lib.map((one) => one.replace(/\/.*/, ''))]),
    ),
  )
})

/** The folders of lib that a sentence names, in its order. */
function namesIn(text: string): string[] {
  return [...text.matchAll(/`(\w+)`/g)].flatMap(([, name = '']) => (name in layers ? [name] : []))
}

/** The breaches of a made-up project. */
function breachesOf(files: Record<string, string>): string[] {
  return findBreaches(new Map(Object.entries(files)), ['partyline', 'partyline/client'])
}

describe('the rules find', () => {
  const targets = [
    ...['protocol/codec.ts', 'container/mod.ts', 'container/class.ts', 'decorators/on.ts', 'core/app.ts'],
    ...['runtime/bun.ts', 'runtime/memory.ts', 'auth/jwt.ts', 'msgpack/msgpack.ts', 'client/client.ts'],
    ...['broker/broker.ts', 'redis/redis.ts', 'nestjs/app.ts', 'testing/app.ts', 'mod.ts'],
  ]
  const away = Object.fromEntries(targets.map((target) => [`lib/${target}`, '']))

  describe.each([
    ['protocol', []],
    ['container', []],
    ['decorators', ['protocol/codec.ts', 'container/mod.ts', 'container/class.ts']],
    ['core', ['protocol/codec.ts', 'container/mod.ts', 'decorators/on.ts', 'broker/broker.ts']],
    ['runtime', ['protocol/codec.ts', 'core/app.ts']],
    ['auth', ['protocol/codec.ts']],
    ['msgpack', ['protocol/codec.ts']],
    ['broker', ['protocol/codec.ts']],
    ['redis', ['protocol/codec.ts', 'broker/broker.ts']],
    ['nodes', ['protocol/codec.ts', 'broker/broker.ts']],
    ['channels', ['protocol/codec.ts', 'broker/broker.ts']],
    ['presence', ['protocol/codec.ts', 'broker/broker.ts']],
    [
      'nestjs',
      [
        ...['protocol/codec.ts', 'container/mod.ts', 'decorators/on.ts', 'core/app.ts'],
        ...['runtime/bun.ts', 'runtime/memory.ts'],
      ],
    ],
    ['client', ['protocol/codec.ts']],
    [
      'testing',
      ['protocol/codec.ts', 'container/mod.ts', 'core/app.ts', 'runtime/memory.ts', 'client/client.ts'],
    ],
  ])('an arrow from %s', (folder, allowed) => {
    test.each(targets.filter((target) => !target.startsWith(`${folder}/`)))(
      'to %s, unless it may',
      (target) => {
        const breaches = breachesOf({ ...away, [`lib/${folder}/x.ts`]: `import { a } from '../${target}'` })
        const found = `lib/${folder}/x.ts imports lib/${target}, and ${folder} may import only ${folder}`
        expect(breaches).toEqual(allowed.includes(target) ? [] : [expect.stringContaining(found)])
      },
    )
  })

  test.each([
    "import '../core/app.ts'",
    "import type { App } from '../core/app.ts'",
    "import { type App } from '../core/app.ts'",
    "import * as app from '../core/app.ts'",
    "export * from '../core/app.ts'",
    "export type { App } from '../core/app.ts'",
    "const app = await import('../core/app.ts')",
    "type App = import('../core/app.ts').App",
    "import app = require('../core/app.ts')",
    "function f() {\n  return import(\n    '../core/app.ts',\n  )\n}",
  ])('it in the form %p', (text) => {
    expect(breachesOf({ ...away, 'lib/protocol/x.ts': text })).toEqual([
      'lib/protocol/x.ts imports lib/core/app.ts, and protocol may import only protocol',
    ])
  })

  test('it in a require, also in runtime, which may use that name', () => {
    expect(breachesOf({ ...away, 'lib/runtime/x.ts': "require('../container/mod.ts')" })).toEqual([
      'lib/runtime/x.ts imports lib/container/mod.ts, and runtime may import only runtime, core, protocol',
    ])
  })

  test('nothing in comments, in strings, and in arrows that are allowed', () => {
    const text = `
      // import '../runtime/bun.ts'
      /** @example import { App } from '../runtime/bun.ts'; Bun.serve({}) */
      export const text = "import '../runtime/bun.ts' on Bun, Deno and node:fs"
      import { Container } from '../container/mod.ts'
      import './app.ts'
    `
    expect(breachesOf({ ...away, 'lib/core/x.ts': text })).toEqual([])
  })

  test('packages where they do not belong', () => {
    const files = {
      'lib/core/x.ts': "import { container } from 'tsyringe'\nimport { readFile } from 'node:fs/promises'",
      'lib/protocol/x.ts': "import { parse } from 'regexparam'",
      'lib/runtime/x.ts': "import { parseArgs } from 'node:util'\nimport { App } from 'partyline'",
    }
    expect(breachesOf(files)).toEqual([
      'lib/core/x.ts imports tsyringe, and core may import only regexparam',
      'lib/core/x.ts imports node:fs/promises, and core may import only regexparam',
      'lib/protocol/x.ts imports regexparam, and protocol may import only @standard-schema/spec',
      'lib/runtime/x.ts imports partyline, and runtime may import only node:fs, node:http, node:net, node:path, node:util, ws',
    ])
  })

  test.each([
    'Bun.serve({})',
    'new Deno.Command("x")',
    'process.exit(1)',
    'globalThis.Bun',
    'Buffer.from("")',
  ])('a name of a runtime outside of runtime: %p', (text) => {
    const name = /Bun|Deno|process|Buffer/.exec(text)?.[0]
    expect(breachesOf({ 'lib/core/x.ts': text, 'lib/runtime/x.ts': text })).toEqual([
      `lib/core/x.ts names ${name}, which only runtime may`,
    ])
  })

  test('but for the Buffer that node-redis takes and gives', () => {
    const text = "import { Buffer } from 'node:buffer'\nBuffer.from('')\nprocess.exit(1)"
    expect(breachesOf({ 'lib/redis/x.ts': text })).toEqual([
      'lib/redis/x.ts names process, which only runtime may',
    ])
  })

  test('a file that is too long', () => {
    const lines = (count: number) => '// a line\n'.repeat(count)
    expect(breachesOf({ 'lib/core/long.ts': lines(400), 'lib/core/longer.ts': lines(401) })).toEqual([
      'lib/core/longer.ts has 401 lines, and 400 is the most',
    ])
  })

  test('a folder without a rule, and a file in no folder', () => {
    expect(breachesOf({ 'lib/utils/x.ts': '', 'lib/index.ts': '' })).toEqual([
      'lib/utils/x.ts is in lib/utils, for which there is no rule',
      'lib/index.ts is in no folder of lib',
    ])
  })

  test('an import of what is an entry of its own by the main one', () => {
    expect(breachesOf({ ...away, 'lib/mod.ts': "export { jwt } from './auth/jwt.ts'" })).toEqual([
      'lib/mod.ts imports lib/auth/jwt.ts, which is of an entry of its own',
    ])
  })

  test('circles at run time, and none that only types close', () => {
    const files = {
      'lib/core/a.ts': "import { b } from './b.ts'",
      'lib/core/b.ts': "import { c } from './c.ts'\nimport type { A } from './a.ts'",
      'lib/core/c.ts': "export { b } from './b.ts'",
      'lib/core/d.ts': "import { type A } from './d.ts'",
    }
    expect(breachesOf(files)).toEqual([
      'lib/core/b.ts → lib/core/c.ts → lib/core/b.ts is a circle of imports',
      'lib/core/d.ts → lib/core/d.ts is a circle of imports',
    ])
  })

  test('an import of a file that is not there', () => {
    expect(breachesOf({ 'lib/core/a.ts': "import './gone.ts'" })).toEqual([
      'lib/core/a.ts imports lib/core/gone.ts, which is not there',
    ])
  })

  test('apps that reach into lib, into each other, or past the public names', () => {
    const files = {
      ...away,
      'apps/party/main.ts': [
        "import { createApp } from 'partyline'",
        "import { connect } from 'partyline/client'",
        "import { z } from 'zod'",
        "import { readFileSync } from 'node:fs'",
        "import { page } from './page.ts'",
        "import { servePage } from '../shared/serve.ts'",
        "import { App } from '../../lib/core/app.ts'",
        "import { chat } from '../chat/main.ts'",
        "import { MemoryRuntime } from 'partyline/runtime/memory.ts'",
      ].join('\n'),
      'apps/party/page.ts': 'Bun.file("")',
      'apps/chat/main.ts': '',
      'apps/shared/serve.ts': "import '../chat/main.ts'",
    }
    expect(breachesOf(files)).toEqual([
      'apps/party/main.ts imports lib/core/app.ts, which is outside of apps/party',
      'apps/party/main.ts imports apps/chat/main.ts, which is outside of apps/party',
      'apps/party/main.ts imports partyline/runtime/memory.ts, which package.json does not export',
      'apps/shared/serve.ts imports apps/chat/main.ts, which is outside of apps/shared',
    ])
  })
})

test('what a type import alone brings is gone at run time, and what a mixed one brings is not', () => {
  const { imports } = readSource('x.ts', "import type { A } from 'a'\nimport { type B } from 'b'\nimport 'c'")
  expect(imports).toEqual([
    { specifier: 'a', isTypeOnly: true },
    { specifier: 'b', isTypeOnly: false },
    { specifier: 'c', isTypeOnly: false },
  ])
})
