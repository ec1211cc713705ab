import type { Handshake } from '../protocol/handshake.ts'
import type { Identity } from '../protocol/identity.ts'
import { admit } from './admission.ts'
import type { ConnectionHandler } from './connection.ts'
import { Link } from './link.ts'
import type { Restored } from './moving.ts'
import type { Pattern } from './path.ts'
import type { Resume } from './recovery.ts'
import { GOING_AWAY, type Refused } from './refusal.ts'
import type { Route } from './route.ts'
import { Session } from './session.ts'
import type { Shared } from './shared.ts'

/** A route and the paths that lead to it. */
export interface RoutedPath {
  pattern: Pattern
  route: Route
}

/** Who asks to be let in. */
export interface Caller {
  readonly handshake: Handshake
  /** Who it is, where that is known already. */
  readonly identity: Identity | undefined
  /** The index of the codec that it speaks. */
  readonly codec: number
  /** Whether it expects hello and pings, or what its dialect has in their place. */
  readonly greets: boolean
  /** The session that it asks for, where the handshake does not say so itself. */
  readonly resume?: Resume | undefined
}

/** Leads those who come to the gateways, one after another, if there is room. */
export class Door {
  readonly #fixed: ReadonlyMap<string, Route>
  readonly #patterns: readonly RoutedPath[]
  readonly #shared: Shared
  /** Set when the app goes away: nobody is taken in any more. */
  draining = false

  constructor(paths: readonly RoutedPath[], shared: Shared) {
    this.#fixed = new Map(
      paths.filter(({ pattern }) => pattern.isFixed).map(({ route }) => [route.path, route]),
    )
    this.#patterns = paths.filter(({ pattern }) => !pattern.isFixed)
    this.#shared = shared
  }

  /** The gateway at a path, which is normalised. */
  find(path: string): { route: Route; params: Record<string, string> } | undefined {
    const fixed = this.#fixed.get(path)
    if (fixed !== undefined) return { route: fixed, params: NO_PARAMS }
    for (const { pattern, route } of this.#patterns) {
      const params = pattern.match(path)
      if (params !== undefined) return { route, params: decodeAll(params) }
    }
    return undefined
  }

  /** Why there is no room for somebody from an address. */
  crowded(address: string): Refused | undefined {
    const { census, limits, stats } = this.#shared
    if (this.draining) return GOING_AWAY
    const headers = { 'retry-after': '5' }
    if (census.total >= limits.connections) {
      stats.count('connectionsRefused')
      return { status: 503, code: 'UNAVAILABLE', message: 'the server is full', headers }
    }
    // On a unix socket there are no addresses, so that all would count as one.
    if (address !== '' && census.from(address) >= limits.connectionsPerAddress) {
      stats.count('addressesRefused')
      const message = 'too many connections from this address'
      return { status: 429, code: 'RATE_LIMITED', message, headers }
    }
    return undefined
  }

  /** What handles the caller's connection; or why there will be none. At once where nobody has to be asked. */
  enter(route: Route, caller: Caller): ConnectionHandler | Promise<ConnectionHandler | Refused> {
    const isOpenToAll = route.authenticate === undefined && route.around.guards.length === 0
    if (isOpenToAll && route.channels === undefined) return this.#handler(route, caller)
    return admit(route, caller.handshake, this.#shared, caller.identity).then((verdict) =>
      'status' in verdict ? verdict : this.#handler(route, { ...caller, identity: verdict.identity }),
    )
  }

  #handler(route: Route, { handshake, identity, codec, greets, resume }: Caller): ConnectionHandler {
    const begin = (restored?: Restored): Session =>
      new Session(route, codec, handshake, identity, greets, this.#shared, restored)
    const { recovery } = route
    if (recovery === undefined || !greets) return begin()
    return new Link(recovery, { handshake, identity, codecIndex: codec, resume }, begin)
  }
}

/** One for all: it is kept for every connection. */
const NO_PARAMS: Record<string, string> = Object.freeze({})

function decodeAll(params: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(params).map(([name, value]) => [name, decode(value)]))
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}
