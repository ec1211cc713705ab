import { posix } from 'node:path'
import { type Import, readSource, type Source } from './source.ts'

/** What a folder of lib may import. */
interface Layer {
  /** Other folders of lib, or single files of them. */
  lib: readonly string[]
  /** Packages, `node:` modules among them. */
  packages: readonly string[]
  /** What of a runtime it may name, because the package that it is there for takes and gives it. */
  names?: readonly string[]
}

/**
 * The arrows of docs/architecture.md. A new folder gets its line here. Only lib/mod.ts, which is in no folder, imports
 * them all but those that are entries of their own.
 */
export const layers: Readonly<Record<string, Layer>> = {
  // Types alone: that package has no code.
  protocol: { lib: [], packages: ['@standard-schema/spec'] },
  container: { lib: [], packages: ['reflect-metadata', 'tsyringe'] },
  // What a channel can be for is part of what is declared.
  decorators: { lib: ['protocol', 'container', 'channels/names.ts'], packages: [] },
  core: {
    lib: ['protocol', 'container/mod.ts', 'decorators', 'assets', 'broker', 'nodes', 'channels', 'presence'],
    packages: ['regexparam'],
  },
  nodes: { lib: ['protocol', 'broker'], packages: [] },
  channels: { lib: ['protocol', 'broker'], packages: [] },
  presence: { lib: ['protocol', 'broker'], packages: [] },
  // ws is an optional peer, and loaded where an app listens on Node.
  runtime: {
    lib: ['core', 'protocol'],
    packages: ['node:fs', 'node:http', 'node:net', 'node:path', 'node:util', 'ws'],
  },
  // jose is an optional peer, and loaded when the first token comes.
  auth: { lib: ['protocol'], packages: ['jose'] },
  // @msgpack/msgpack is an optional peer too. Clients in browsers speak it as well.
  msgpack: { lib: ['protocol'], packages: ['@msgpack/msgpack'] },
  // Both are optional peers, and there where somebody writes an application of Nest's.
  nestjs: {
    lib: ['protocol', 'container/mod.ts', 'decorators', 'core', 'runtime'],
    packages: ['@nestjs/common', '@nestjs/core'],
  },
  broker: { lib: ['protocol'], packages: [] },
  // redis is an optional peer, which takes and gives bytes as Buffers.
  redis: { lib: ['broker', 'protocol'], packages: ['redis', 'node:buffer'], names: ['Buffer'] },
  assets: { lib: [], packages: [] },
  // Another wire for the same gateways.
  socketio: { lib: ['protocol', 'core'], packages: [] },
  // Its size is counted in bytes, so it depends on nothing.
  client: { lib: ['protocol'], packages: [] },
  // It runs any app, and speaks to it as clients do.
  testing: { lib: ['protocol', 'container/mod.ts', 'core', 'runtime/memory.ts', 'client'], packages: [] },
}

/** Folders that package.json exports by themselves. Who does not ask for them does not load them. */
const entries = ['auth', 'msgpack', 'nestjs', 'redis', 'socketio', 'client', 'testing']

/** Names by which code asks for a runtime of its own: only runtime/ may. */
const platformNames = ['Bun', 'Deno', 'process', 'Buffer', 'require', '__dirname', '__filename']

/** What every app may import, beside its own files. */
const SHARED = 'apps/shared/'

const LONGEST = 400

/**
 * All breaches of the rules, in words.
 *
 * @param files text by path from the root, of everything in lib and apps
 * @param publicNames what package.json exports, such as `partyline`
 */
export function findBreaches(files: ReadonlyMap<string, string>, publicNames: readonly string[]): string[] {
  const sources = new Map([...files].map(([path, text]) => [path, readSource(path, text)]))
  const breaches: string[] = []
  for (const [path, source] of sources) {
    if (path.startsWith('lib/')) breaches.push(...inLib(path, source))
    if (path.startsWith('apps/')) breaches.push(...inApps(path, source, publicNames))
    for (const { specifier } of source.imports.filter(isRelative)) {
      const target = targetOf(path, specifier)
      if (/\.[jt]s$/.test(target) && !sources.has(target))
        breaches.push(`${path} imports ${target}, which is not there`)
    }
  }
  return [...breaches, ...findCycles(sources)]
}

function inLib(path: string, { imports, identifiers, lines }: Source): string[] {
  const breaches: string[] = []
  if (lines > LONGEST) breaches.push(`${path} has ${lines} lines, and ${LONGEST} is the most`)
  const folder = folderOf(path)
  if (folder === undefined) {
    if (path !== 'lib/mod.ts') breaches.push(`${path} is in no folder of lib`)
    const targets = imports.filter(isRelative).map(({ specifier }) => targetOf(path, specifier))
    const astray = targets.filter((target) => entries.includes(folderOf(target) ?? ''))
    return [
      ...breaches,
      ...astray.map((target) => `${path} imports ${target}, which is of an entry of its own`),
    ]
  }
  const layer = layers[folder]
  if (layer === undefined) return [...breaches, `${path} is in lib/${folder}, for which there is no rule`]

  for (const one of imports) {
    if (isRelative(one)) {
      const target = targetOf(path, one.specifier)
      const isAllowed = [folder, ...layer.lib].some((one) => `${target}/`.startsWith(`lib/${one}/`))
      if (!isAllowed)
        breaches.push(`${path} imports ${target}, and ${folder} may import ${listed([folder, ...layer.lib])}`)
    } else if (!layer.packages.includes(one.specifier)) {
      breaches.push(`${path} imports ${one.specifier}, and ${folder} may import ${listed(layer.packages)}`)
    }
  }
  if (folder !== 'runtime') {
    const names = platformNames.filter((name) => identifiers.has(name) && !layer.names?.includes(name))
    breaches.push(...names.map((name) => `${path} names ${name}, which only runtime may`))
  }
  return breaches
}

function inApps(path: string, { imports }: Source, publicNames: readonly string[]): string[] {
  const app = path.split('/').slice(0, 2).join('/')
  return imports.flatMap((one) => {
    const { specifier } = one
    if (isRelative(one)) {
      const target = targetOf(path, specifier)
      const isAllowed = target.startsWith(`${app}/`) || target.startsWith(SHARED)
      return isAllowed ? [] : [`${path} imports ${target}, which is outside of ${app}`]
    }
    const isOurs = specifier === 'partyline' || specifier.startsWith('partyline/')
    return isOurs && !publicNames.includes(specifier)
      ? [`${path} imports ${specifier}, which package.json does not export`]
      : []
  })
}

/** Circles of imports that are there at run time, each once. */
function findCycles(sources: ReadonlyMap<string, Source>): string[] {
  const cycles: string[] = []
  const done = new Set<string>()
  const way: string[] = []
  const visit = (path: string): void => {
    const start = way.indexOf(path)
    if (start >= 0) cycles.push(`${[...way.slice(start), path].join(' → ')} is a circle of imports`)
    if (start >= 0 || done.has(path)) return
    way.push(path)
    for (const one of sources.get(path)?.imports ?? [])
      if (isRelative(one) && !one.isTypeOnly) visit(targetOf(path, one.specifier))
    way.pop()
    done.add(path)
  }
  for (const path of sources.keys()) visit(path)
  return cycles
}

function listed(names: readonly string[]): string {
  return names.length === 0 ? 'no package' : `only ${names.join(', ')}`
}

function isRelative({ specifier }: Import): boolean {
  return specifier.startsWith('.')
}

/** Where a relative import leads, from the root. */
function targetOf(path: string, specifier: string): string {
  return posix.join(posix.dirname(path), specifier)
}

/** The folder of lib that a file is in; undefined where it is in none. */
function folderOf(path: string): string | undefined {
  return /^lib\/([^/]+)\//.exec(path)?.[1]
}
