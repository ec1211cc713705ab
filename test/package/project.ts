import {
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, sep } from 'node:path'
import { Program } from '../hosts/program.ts'
import { BUN } from '../setup/engines.mjs'
import { run } from './tarball.ts'

export const platforms = ['bun', 'deno', 'node'] as const
export type Platform = (typeof platforms)[number]

/** A package as package-lock.json has it. */
export interface Locked {
  version: string
  /** From where; npm knows by itself what its registry has. */
  resolved?: string
  integrity?: string
  dependencies?: Record<string, string>
}

const root = join(import.meta.dir, '../..')
const read = (name: string) => JSON.parse(readFileSync(join(root, name), 'utf8'))
const { version, dependencies, peerDependencies, peerDependenciesMeta } = read('package.json')
const { packages: lock }: { packages: Record<string, Locked> } = read('package-lock.json')

// Not the script that npm puts in its place, which would keep signals to itself.
const DENO = join(root, 'node_modules/deno', process.platform === 'win32' ? 'deno.exe' : 'deno')

/** How each starts a file, with no more rights than docs/runtimes.md asks for. */
const COMMANDS: Record<Platform, [string, ...string[]]> = {
  bun: [BUN, 'run'],
  deno: [DENO, 'run', '--no-prompt', '--allow-net'],
  node: ['node'],
}

/** A project in a folder of its own, into which npm installed the packed library. */
export class Project {
  readonly folder: string = realpathSync(mkdtempSync(join(tmpdir(), 'partyline-installed-')))

  /**
   * Has npm install the tarball, all that it depends on, and what else is named, in the versions that this repository has: what
   * `npm ci` brought here npm has in its cache, and asks no registry for. `copy` is a reflect-metadata of the project's own,
   * beside which the library gets another.
   */
  constructor(tarball: string, names: readonly string[] = [], copy?: Locked) {
    const file = `file:${basename(tarball)}`
    copyFileSync(tarball, join(this.folder, basename(tarball)))
    const library = { version, resolved: file, dependencies, peerDependencies, peerDependenciesMeta }
    const packages: Record<string, Locked> = {
      'node_modules/partyline': library,
      ...locked([...Object.keys(dependencies), ...names]),
    }
    const own = names.map((name) => [name, versionOf(packages, name)])
    if (copy !== undefined) {
      const theirs = packages['node_modules/reflect-metadata'] as Locked
      Object.assign(packages, {
        'node_modules/reflect-metadata': copy,
        'node_modules/partyline/node_modules/reflect-metadata': theirs,
      })
      own.push(['reflect-metadata', copy.version])
    }
    const app = {
      name: 'app',
      version: '1.0.0',
      private: true,
      type: 'module',
      dependencies: { partyline: file, ...Object.fromEntries(own) },
    }
    this.write('package.json', JSON.stringify(app))
    const { name } = app
    this.write(
      'package-lock.json',
      JSON.stringify({ name, lockfileVersion: 3, requires: true, packages: { '': app, ...packages } }),
    )
    run('npm', ['ci', '--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund'], this.folder)
  }

  write(name: string, text: string): void {
    writeFileSync(join(this.folder, name), text)
  }

  /** Starts a file of it. */
  start(platform: Platform, file: string, ...args: string[]): Program {
    return new Program([...COMMANDS[platform], file, ...args], this.folder)
  }

  /** Runs a file of it to its end. */
  async ran(platform: Platform, file: string, ...args: string[]): Promise<Ran> {
    const program = this.start(platform, file, ...args)
    const code = await program.ended()
    return { code, stdout: program.stdout, stderr: program.stderr }
  }

  /** What in it is a link to somewhere else. */
  links(): string[] {
    const entries = readdirSync(this.folder, { recursive: true, encoding: 'utf8' })
    return entries.filter((path) => !realpathSync(join(this.folder, path)).startsWith(this.folder + sep))
  }

  remove(): void {
    rmSync(this.folder, { recursive: true })
  }
}

/** How a program ended, and what it wrote. */
export interface Ran {
  code: number | null
  stdout: string
  stderr: string
}

/** These packages, and all that they depend on, by their places as npm has them here. */
function locked(names: readonly string[]): Record<string, Locked> {
  const found: Record<string, Locked> = {}
  const add = (name: string, above: string): void => {
    const nested = `${above}/node_modules/${name}`
    const place = nested in lock ? nested : `node_modules/${name}`
    if (place in found) return
    const one = lockedAt(place)
    found[place] = one
    for (const needed of Object.keys(one.dependencies ?? {})) add(needed, place)
  }
  for (const name of names) add(name, '')
  return found
}

/** What this repository's own lock file has in a place, without what matters here only, such as who may do without it. */
export function lockedAt(place: string): Locked {
  const one = lock[place]
  if (one === undefined) throw new Error(`package-lock.json has no ${place}`)
  return { version: one.version, integrity: one.integrity, dependencies: one.dependencies }
}

function versionOf(packages: Record<string, Locked>, name: string): string {
  return (packages[`node_modules/${name}`] as Locked).version
}
