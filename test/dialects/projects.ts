import { spawn } from 'node:child_process'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import ts from 'typescript'
import { BUN } from '../setup/engines.mjs'

/** One of the two ways in which compilers understand decorators. */
export type Dialect = 'legacy' | 'standard'

/** What compiles a project and runs it. `node` runs what tsc has made of it. */
export type Runner = 'bun' | 'deno' | 'node'

/** A project: who runs it, and in which dialect its own files are, and those that they extend. */
export interface Project {
  runner: Runner
  /** Of the classes that are put into the app. */
  own: Dialect
  /** Of those that they extend and ask for; in another dialect they come as a package does, compiled by tsc. */
  bases: Dialect
  /** Whether legacy decorators come without the types of parameters. */
  untyped?: boolean
  /** What somebody else puts in `Symbol.metadata`'s place before. */
  symbol?: string
}

const root = join(import.meta.dir, '../..')
const sources = join(import.meta.dir, 'fixtures')

/** As `fixtures` has them; they are what others extend. */
const BASES = 'bases'
/** Is in the legacy dialect and has its types, whatever the rest has. */
const TYPED = 'typed'

/** What is started: it alone knows how an app is made without a network. */
const MAIN = `
import './first.js'
import { App, MemoryRuntime } from 'partyline'
import { observe } from './observe.js'
const quiet = { error() {}, warn() {}, info() {}, debug() {} }
const put = (root) => new App(root, { logger: quiet }, (host) => new MemoryRuntime(host))
console.log(JSON.stringify(await observe(put)))
`

/** Projects in a folder that holds the library as an installed package. */
export class Projects {
  readonly #folder = mkdtempSync(join(tmpdir(), 'partyline-dialects-'))
  #count = 0

  /** Installs the library: one file of plain JavaScript, with what it has no public name for. */
  async install(): Promise<void> {
    const modules = join(this.#folder, 'node_modules')
    const installed = join(modules, 'partyline')
    mkdirSync(installed, { recursive: true })
    for (const name of ['reflect-metadata', 'tsyringe', 'tslib', 'regexparam', '@standard-schema'])
      symlinkSync(join(root, 'node_modules', name), join(modules, name))
    const entry = join(installed, 'entry.ts')
    const files = ['mod.ts', 'core/app.ts', 'runtime/memory.ts'].map((file) => join(root, 'lib', file))
    writeFileSync(entry, files.map((file) => `export * from ${JSON.stringify(file)}`).join('\n'))
    const { success, logs } = await Bun.build({
      entrypoints: [entry],
      outdir: installed,
      naming: 'mod.js',
      target: 'node',
      packages: 'external',
    })
    if (!success) throw new Error(logs.join('\n'))
    write(installed, 'package.json', { name: 'partyline', type: 'module', exports: './mod.js' })
  }

  /** What a project prints; throws where it fails. */
  async run(project: Project): Promise<unknown> {
    const folder = join(this.#folder, String(++this.#count))
    mkdirSync(folder)
    write(folder, 'package.json', { type: 'module' })
    write(folder, 'tsconfig.json', { compilerOptions: { ...optionsOf(project.own, project.untyped) } })
    for (const file of readdirSync(sources)) this.#add(folder, file.replace(/\.ts$/, ''), project)
    const main = isCompiled(project, 'observe') ? MAIN : MAIN.replace('observe.js', 'observe.ts')
    writeFileSync(join(folder, 'main.js'), main)
    const { symbol } = project
    writeFileSync(join(folder, 'first.js'), symbol === undefined ? '' : `Symbol.metadata ??= ${symbol}`)
    return JSON.parse(await output(project.runner, folder))
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true })
  }

  /** Puts a file of `fixtures` into a project: as it is, or compiled where the project is not to do that by itself. */
  #add(folder: string, name: string, project: Project): void {
    const others = /'\.\/(\w+)\.ts'/g
    const text = readFileSync(join(sources, `${name}.ts`), 'utf8').replace(others, (_, other) =>
      isCompiled(project, other) ? `'./${other}.js'` : `'./${other}.ts'`,
    )
    if (!isCompiled(project, name)) return writeFileSync(join(folder, `${name}.ts`), text)
    const dialect = dialectOf(project, name)
    const untyped = name !== TYPED && project.untyped
    const compilerOptions: ts.CompilerOptions = {
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.ESNext,
      verbatimModuleSyntax: true,
      ...optionsOf(dialect, untyped),
    }
    const { outputText } = ts.transpileModule(text, { compilerOptions, fileName: `${name}.ts` })
    writeFileSync(join(folder, `${name}.js`), outputText)
  }
}

function dialectOf(project: Project, name: string): Dialect {
  if (name === TYPED) return 'legacy'
  return name === BASES ? project.bases : project.own
}

/** Whether tsc compiles a file: where its dialect is not that of the project, and for Node. */
function isCompiled(project: Project, name: string): boolean {
  const isOther = dialectOf(project, name) !== project.own || (name === TYPED && project.untyped === true)
  return project.runner === 'node' || isOther
}

function optionsOf(dialect: Dialect, untyped = false) {
  if (dialect === 'standard') return {}
  return { experimentalDecorators: true, emitDecoratorMetadata: !untyped }
}

function write(folder: string, name: string, json: unknown): void {
  writeFileSync(join(folder, name), JSON.stringify(json))
}

const COMMANDS: Record<Runner, readonly [string, ...string[]]> = {
  bun: [BUN, 'run'],
  deno: [join(root, 'node_modules/deno/bin.cjs'), 'run', '--no-check', '--allow-all'],
  node: ['node'],
}

/** What a project's program prints. Bun and Deno go by the tsconfig.json of the folder in which they are started. */
function output(runner: Runner, cwd: string): Promise<string> {
  const [command, ...options] = COMMANDS[runner]
  const child = spawn(command, [...options, 'main.js'], { cwd, env: { ...process.env, NO_COLOR: '1' } })
  let [printed, complaints] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => (printed += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaints += text))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => {
      if (code === 0) resolve(printed)
      else reject(new Error(`${runner} ended with ${code}:\n${complaints}`))
    })
  })
}
