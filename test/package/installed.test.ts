import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import ts from 'typescript'
import { Served } from '../hosts/served.ts'
import { BUN } from '../setup/engines.mjs'
import { type Locked, lockedAt, type Platform, Project, platforms } from './project.ts'
import { compilerOptions, quickStart } from './readme.ts'
import { pack, run } from './tarball.ts'

// The package as npm publishes it, in projects that hold nothing else: no file of this repository is in their reach.

// In milliseconds: a compiler and npm run, and many may share the machine.
setDefaultTimeout(60_000)

const { program, path, sent, received } = quickStart()
const folder = mkdtempSync(join(tmpdir(), 'partyline-packed-'))
const projects: Project[] = []
let tarball: string
/** With all that the README's quick start needs on each runtime. */
let full: Project
/** With none of the optional peers. */
let bare: Project

beforeAll(() => {
  tarball = pack(folder)
  full = install(['typescript', 'ws'])
  const options = { ...compilerOptions(), target: 'ES2022', module: 'NodeNext', strict: true, types: [] }
  full.write('tsconfig.json', JSON.stringify({ compilerOptions: options, files: ['main.ts', 'page.ts'] }))
  full.write('main.ts', program)
  full.write('page.ts', PAGE)
  // As a user has it made into JavaScript, and the compiler reads the package's declarations.
  run('node', ['node_modules/typescript/bin/tsc'], full.folder)
  bare = install([])
  bare.write('main.js', readFileSync(join(full.folder, 'main.js'), 'utf8'))
  // Two compilers run here, and npm three times.
}, 180_000)

afterAll(() => {
  for (const project of projects) project.remove()
  rmSync(folder, { recursive: true })
})

function install(names: readonly string[], copy?: Locked): Project {
  const project = new Project(tarball, names, copy)
  projects.push(project)
  return project
}

const PAGE = `
import { connect } from 'partyline/client'

const party = connect(address)
party.on('user_joined', (data) => seen.push(data))
answer(await party.call('join', { user: 'Cid' }))
party.close()
declare const address: string, seen: unknown[], answer: (data: unknown) => void
`

describe('the quick start of the README', () => {
  test.each<[Platform, string]>([
    ['bun', 'main.ts'],
    ['bun', 'main.js'],
    ['deno', 'main.ts'],
    ['deno', 'main.js'],
    ['node', 'main.js'],
  ])('on %s, as %s', async (platform, file) => {
    const started = full.start(platform, file, '--port', '0')
    try {
      const served = new Served(started, await started.port())
      const ann = await served.connect(path)
      ann.send(...sent)
      expect(await ann.take(received.length)).toEqual(received)
      const bob = await served.connect(path)
      expect(await bob.ask('{"event":"join","data":{"user":"Bob"},"id":7}')).toBe(BOB_JOINED)
      expect(await bob.next()).toBe('{"ack":7,"data":{"guests":2}}')
      expect(await ann.next()).toBe(BOB_JOINED)
      started.kill('SIGTERM')
      for (const client of [ann, bob]) expect((await client.closed()).code).toBe(1001)
      expect(await started.ended()).toBe(0)
      expect(started.stderr).toBe('')
    } finally {
      started.kill('SIGKILL')
    }
  })

  test('nothing but what npm put there is in reach', async () => {
    for (const project of [full, bare]) {
      expect(project.links()).toEqual([])
      const own = pathToFileURL(join(project.folder, 'node_modules/partyline/dist/mod.js')).href
      // The repository has it, and the package does not ask for it.
      project.write('reach.js', "console.log(import.meta.resolve('partyline')); await import('fast-check')")
      for (const platform of platforms) {
        const { code, stdout, stderr } = await project.ran(platform, 'reach.js')
        expect({ platform, code, stdout }).toEqual({ platform, code: 1, stdout: `${own}\n` })
        expect(stderr).toContain('fast-check')
      }
    }
  })
})

const BOB_JOINED = '{"event":"user_joined","data":{"message":"Hey guys, Bob just joined the party!"}}'

/** What stands in a browser's bundle of page.ts, each with how much of it. */
function bundle(): { modules: string[]; text: string } {
  const args = ['build', '--target=browser', '--outfile=page.bundle.js', '--metafile=page.json', 'page.ts']
  run(BUN, args, full.folder)
  const { outputs } = JSON.parse(readFileSync(join(full.folder, 'page.json'), 'utf8')) as Metafile
  const inputs = Object.values(outputs).flatMap((one) => Object.entries(one.inputs))
  const modules = inputs.filter(([, { bytesInOutput }]) => bytesInOutput > 0).map(([name]) => name)
  return { modules, text: readFileSync(join(full.folder, 'page.bundle.js'), 'utf8') }
}

interface Metafile {
  outputs: Record<string, { inputs: Record<string, { bytesInOutput: number }> }>
}

describe('a page that imports { connect } from partyline/client', () => {
  test('gets nothing of the server, and nothing of other packages', () => {
    const { modules, text } = bundle()
    const client = /^node_modules\/partyline\/dist\/(client|protocol)\/[\w-]+\.js$/
    expect(modules).toContain('node_modules/partyline/dist/client/client.js')
    expect(modules.filter((name) => !client.test(name))).toEqual(['page.ts'])
    expect(text).not.toMatch(/^import|import\(|tsyringe|paramtypes|node:/m)
  })

  test('speaks to the quick start', async () => {
    const started = full.start('bun', 'main.ts', '--port', '0')
    try {
      const address = `ws://localhost:${await started.port()}${path}`
      const seen: unknown[] = []
      const answered = Promise.withResolvers<unknown>()
      const body = `return (async () => {${bundle().text}})()`
      await new Function('address', 'seen', 'answer', body)(address, seen, answered.resolve)
      expect(await answered.promise).toEqual({ guests: 1 })
      expect(seen).toEqual([{ message: 'Hey guys, Cid just joined the party!' }])
    } finally {
      started.kill('SIGKILL')
    }
  })
})

describe('where an optional peer is missing', () => {
  test.each([
    ['redis', 'redis', 'redis'],
    ['msgpack', 'msgpack', '@msgpack/msgpack'],
  ])('partyline/%s says what to install, when it is called and not before', async (entry, name, peer) => {
    const call = `import { ${name} } from 'partyline/${entry}'; console.log('imported'); ${name}()`
    bare.write(`${entry}.js`, call)
    for (const platform of platforms) {
      const { code, stdout, stderr } = await bare.ran(platform, `${entry}.js`)
      expect({ platform, code, stdout }).toEqual({ platform, code: 1, stdout: 'imported\n' })
      // Each runtime has some words of its own around it.
      expect(stderr).toContain(`${name}() needs the package ${peer}, which is not there: npm install ${peer}`)
      expect(stderr).not.toMatch(/^ +at /m)
    }
  })

  test('an app on Node says that it needs ws', async () => {
    expect(await bare.ran('node', 'main.js', '--port', '0')).toEqual({
      code: 1,
      stdout: '',
      stderr: 'cannot listen: WebSockets on Node need the package ws, which is not there: npm install ws\n',
    })
  })

  // Nest's tools load it by require(), which waits for nothing, so that its packages cannot be looked for first.
  test("partyline/nestjs cannot be imported, and the runtime names Nest's package", async () => {
    bare.write('nest.js', "import 'partyline/nestjs'")
    for (const platform of platforms) {
      const { code, stderr } = await bare.ran(platform, 'nest.js')
      expect({ platform, code }).toEqual({ platform, code: 1 })
      expect(stderr).toMatch(/@nestjs\/(common|core)/)
    }
  })
})

/** Of the copies before 0.1.12, which share nothing with others, the last. */
const OLD: Locked = {
  version: '0.1.10',
  integrity:
    'sha512-oYJQNaTL+aECnOmLtlsD+eyeNXfXm8VSg1MOENAUnYsRKNCkk4uq5zohyZsUwG2CDHa4dZ/qExt5Xzw+9pGpww==',
}

const SERVICES = `
import { Gateway, GatewayContext, Inject, Injectable } from 'partyline'

@Injectable()
export class GuestList {
  constructor(@Inject('motto') readonly motto: string) {}
}

@Gateway('/party')
export class Party {
  constructor(readonly party: GatewayContext, readonly guests: GuestList) {}
}

/** Without its types it would take its default, and nobody would notice. */
@Gateway('/quiet')
export class Quiet {
  constructor(readonly guests: GuestList = new GuestList('none')) {}
}

@Gateway('/listed')
export class Listed {
  static readonly inject = [GatewayContext]
  constructor(readonly listed: GatewayContext) {}
}
`

const START = `
import { createApp, Module } from 'partyline'

@Module({ gateways: [Party, Quiet, Listed], providers: [GuestList, { provide: 'motto', useValue: 'Dance!' }] })
class AppModule {}

try {
  const app = createApp(AppModule)
  await app.ready()
  await app.stop()
  console.log('it is fine')
} catch (error) {
  console.log(error.message)
}
`

/** Programs in which the app's own copy of reflect-metadata is imported before the library, and after the classes. */
function addPrograms(project: Project): void {
  const services = "import { GuestList, Listed, Party, Quiet } from './services.js'"
  const copy = "import 'reflect-metadata'"
  add('services', SERVICES)
  add('first', [copy, services, START].join('\n'))
  add('last', [services, copy, START].join('\n'))

  function add(name: string, text: string): void {
    const target = ts.ScriptTarget.ES2022
    const options = { ...compilerOptions(), target, module: ts.ModuleKind.ESNext }
    project.write(`${name}.js`, ts.transpileModule(text, { compilerOptions: options }).outputText)
  }
}

describe('two copies of reflect-metadata', () => {
  test('of which one is too old to know of the other are a mistake, unless it comes first', async () => {
    const project = install([], OLD)
    addPrograms(project)
    const because =
      'another copy of reflect-metadata, older than 0.1.12, was loaded after the class. Have only one that is ' +
      'newer: npm install reflect-metadata@0.2 (npm ls reflect-metadata tells who brings the old one); or import the old one first.'
    const lines = ['Party', 'Quiet', 'GuestList'].map(
      (name, i) =>
        `${i + 1}. nobody can read any more what to inject into ${name}'s constructor: ${because}\n`,
    )
    // The old one reads a variable of the environment, for which Deno was given no permission.
    for (const platform of ['bun', 'node'] as const) {
      const ran = await project.ran(platform, 'last.js')
      expect({ platform, ...ran }).toEqual({ platform, code: 0, stdout: lines.join(''), stderr: '' })
      expect(await project.ran(platform, 'first.js')).toEqual({
        code: 0,
        stdout: 'it is fine\n',
        stderr: '',
      })
    }
  })

  test('that know of each other are none, in whatever order', async () => {
    const project = install([], lockedAt('node_modules/reflect-metadata'))
    addPrograms(project)
    for (const platform of platforms)
      for (const file of ['first.js', 'last.js'])
        expect(await project.ran(platform, file)).toEqual({ code: 0, stdout: 'it is fine\n', stderr: '' })
  })
})
