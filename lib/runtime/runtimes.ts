import type { Host, Runtime } from '../core/connection.ts'
import { PartylineError, withoutTrace } from '../protocol/error.ts'
import { BunRuntime } from './bun.ts'
import { DenoRuntime } from './deno.ts'
import { NodeRuntime } from './node.ts'

/** A runtime, as the class that fills the port. */
export type RuntimeClass<R extends Runtime = Runtime> = new (host: Host) => R

interface Kind {
  /** Its key in `process.versions`. */
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

/**
 * The runtime that this runs on.
 *
 * @throws PartylineError UNSUPPORTED_RUNTIME where it is none of those that are known, or too old.
 */
export function runtimeHere(): RuntimeClass {
  const { versions = {} } = (globalThis as { process?: { versions?: Record<string, string> } }).process ?? {}
  const kind = kinds.find(({ name }) => versions[name] !== undefined)
  if (kind === undefined) {
    const titles = kinds.map(({ title, least }) => `${title} ${least}`).join(', ')
    throw unsupported(`Partyline runs on ${titles} and later, and this is none of them`)
  }
  const version = versions[kind.name] as string
  if (!isOlder(version, kind.least)) return kind.Runtime
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
