import {
  existsSync,
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
import ts from 'typescript'
import { BUN } from '../setup/engines.mjs'
import { Program } from './program.ts'

/** What runs a program. */
export type Platform = 'bun' | 'deno' | 'node' | 'node with CommonJS'

const root = join(import.meta.dir, '../..')
const decorators = { experimentalDecorators: true, emitDecoratorMetadata: true }

// Not the script that npm puts in its place, which would keep signals to itself.
const DENO = join(root, 'node_modules/deno', process.platform === 'win32' ? 'deno.exe' : 'deno')

/** How each starts a program, by its name without an ending. Node is given what tsc makes of it. */
const COMMANDS: Record<Platform, (name: string) => [string, ...string[]]> = {
  bun: (name) => [BUN, 'run', `${name}.ts`],
  deno: (name) => [DENO, 'run', '--no-check', '--no-prompt', '--allow-net', `${name}.ts`],
  node: (name) => ['node', `${name}.js`],
  'node with CommonJS': (name) => ['node', `${name}.cjs`],
}

/** A project of somebody who installed the library, in a folder far from this repository. */
export class Project {
  readonly #folder = mkdtempSync(join(tmpdir(), 'partyline-hosts-'))

  /**
   * Installs the library, and beside it what npm has installed here. `workspace` is a folder of test/hosts: what npm has
   * installed there comes first.
   */
  static async install(workspace = ''): Promise<Project> {
    const project = new Project()
    const modules = join(project.#folder, 'node_modules')
    mkdirSync(modules)
    // npm puts one version of a package into the root, and another where it is asked for.
    for (const folder of [join(import.meta.dir, workspace), root]) link(join(folder, 'node_modules'), modules)
    await installLibrary(join(modules, 'partyline'))
    project.#write('package.json', JSON.stringify({ type: 'module' }))
    // Bun and Deno read it where they are started.
    project.#write('tsconfig.json', JSON.stringify({ compilerOptions: decorators }))
    return project
  }

  /** Puts a file of TypeScript into it, and what tsc makes of it: an ES module, and a CommonJS one. */
  add(name: string, text: string): void {
    this.#write(`${name}.ts`, text)
    this.#write(`${name}.js`, compiled(text, ts.ModuleKind.ESNext))
    this.#write(`${name}.cjs`, compiled(text, ts.ModuleKind.CommonJS))
  }

  /** Puts all the TypeScript of a folder of this repository into it, in the same place. */
  addFolder(folder: string): void {
    for (const name of readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })) {
      if (!name.endsWith('.ts')) continue
      this.add(join(folder, name.replace(/\.ts$/, '')), readFileSync(join(root, folder, name), 'utf8'))
    }
  }

  /** Starts a program that was put into it. */
  start(platform: Platform, name: string, ...args: string[]): Program {
    return new Program([...COMMANDS[platform](name), ...args], this.#folder)
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true })
  }

  #write(name: string, text: string): void {
    const path = join(this.#folder, name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
  }
}

function compiled(text: string, module: ts.ModuleKind): string {
  const target = ts.ScriptTarget.ES2022
  const compilerOptions = { ...decorators, target, module, rewriteRelativeImportExtensions: true }
  return ts.transpileModule(text, { compilerOptions }).outputText
}

/** Has the packages of one node_modules in another too, unless it has them already. */
function link(from: string, to: string): void {
  if (!existsSync(from)) return
  for (const name of readdirSync(from)) {
    const place = join(to, name)
    if (!name.startsWith('.') && name !== 'partyline' && !existsSync(place))
      symlinkSync(join(from, name), place, 'junction')
  }
}

/** Puts the library into a folder as a package: plain JavaScript, as the build makes it, of the entries that hosts use. */
async function installLibrary(folder: string): Promise<void> {
  const lib = join(root, 'lib')
  const entries = ['nestjs', 'redis', 'socketio']
  const { success, logs } = await Bun.build({
    entrypoints: [join(lib, 'mod.ts'), ...entries.map((entry) => join(lib, entry, 'mod.ts'))],
    root: lib,
    outdir: folder,
    target: 'node',
    packages: 'external',
    splitting: true,
  })
  if (!success) throw new Error(logs.join('\n'))
  const own = entries.map((entry) => [`./${entry}`, `./${entry}/mod.js`])
  const exports = { '.': './mod.js', ...Object.fromEntries(own) }
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'partyline', type: 'module', exports }))
}
