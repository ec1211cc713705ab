import type { Host, Runtime } from '../core/connection.ts'
import { PartylineError, withoutTrace } from '../protocol/error.ts'
import { BunRuntime } from './bun.ts'
import { DenoRuntime } from './deno.ts'
import { NodeRuntime } from './node.ts'

/** A runtime, as the class that fills the port. */
export type RuntimeClass<R extends Runtime = Runtime> = new (host: Host) => R

interface Kind {
  /** Its key in `process.versions`, and its command. */
  name: string
  title: string
  /** The oldest version that will do. */
  least: string
  /** How to get a newer one. */
  update: string
  Runtime: RuntimeClass
}

/** What apps run on. The first that is here is taken: Bun and Deno say that they are Node, too. */
const kinds: readonly Kind[] = [
  { name: 'bun', title: 'Bun', least: '1.4', update: 'bun upgrade', Runtime: BunRuntime },
  { name: 'deno', title: 'Deno', least: '2.8', update: 'deno upgrade', Runtime: DenoRuntime },
  { name: 'node', title: 'Node', least: '20.19', update: 'nvm install --lts', Runtime: NodeRuntime },
]

/** What says that it is Node too, by its name for browsers, and has no sockets to listen on. */
const pretenders: readonly string[] = ['Cloudflare-Workers']

interface Platform {
  process?: { versions?: Record<string, string> }
  navigator?: { userAgent?: string }
}

/**
 * What an app runs on: the runtime that was said, or else the one that this is.
 *
 * @throws PartylineError UNSUPPORTED_RUNTIME where this is too old, or where none was said and this is none of those that are
 *   known.
 */
export function runtimeHere(said?: RuntimeClass): RuntimeClass {
  const { process, navigator } = globalThis as Platform
  const { versions = {} } = process ?? {}
  const pretender = pretenders.find((name) => name === navigator?.userAgent)
  const kind = kinds.find(({ name }) => versions[name] !== undefined)
  if (kind === undefined || pretender !== undefined) {
    if (said !== undefined) return said
    const titles = kinds.map(({ title, least }) => `${title} ${least}`).join(', ')
    const commands = kinds.map(({ name }) => name).join(', ')
    const found = pretender === undefined ? '' : `: it is ${pretender}`
    const line = `Partyline runs on ${titles} and later, and this is none of them${found}. Start it with one of: ${commands}`
    throw unsupported(line)
  }
  const version = versions[kind.name] as string
  if (!isOlder(version, kind.least)) return said ?? kind.Runtime
  const { title, least, update } = kind
  throw unsupported(`Partyline needs ${title} ${least} or later, and this is ${version}: ${update}`)
}

function isOlder(version: string, least: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const [leastMajor = 0, leastMinor = 0] = least.split('.').map(Number)
  return major < leastMajor || (major === leastMajor && minor < leastMinor)
}

function unsupported(reason: string): PartylineError {
  return withoutTrace(() => new PartylineError('UNSUPPORTED_RUNTIME', reason))
}
