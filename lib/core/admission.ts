import { PartylineError } from '../protocol/error.ts'
import type { Handshake } from '../protocol/handshake.ts'
import type { Identity } from '../protocol/identity.ts'
import type { ConnectCall } from './call.ts'
import { check } from './pipeline.ts'
import { FAILED, type Refused } from './refusal.ts'
import type { Route } from './route.ts'
import type { Shared } from './shared.ts'

/** What is known of who may come in. */
export interface Admitted {
  identity: Identity | undefined
}

/**
 * Asks the authenticator who it is, unless that is `known`, and the guards whether they may come in, then the rules about the
 * channels that the url asks for: who, or why not. Nothing that any of them throws gets further than the log.
 */
export async function admit(
  route: Route,
  handshake: Handshake,
  shared: Shared,
  known: Identity | undefined,
): Promise<Admitted | Refused> {
  const { clock, limits, stats } = shared
  let timer: unknown
  const late = new Promise<Refused>((resolve) => {
    timer = clock.setTimeout(() => {
      stats.count('authenticateTimeouts')
      resolve({
        status: 503,
        code: 'UNAVAILABLE',
        message: 'authenticating took too long',
        headers: { 'retry-after': '1' },
      })
    }, limits.authenticate)
  })
  try {
    return await Promise.race([decide(route, handshake, shared, known), late])
  } finally {
    clock.clearTimeout(timer)
  }
}

async function decide(
  route: Route,
  handshake: Handshake,
  shared: Shared,
  known: Identity | undefined,
): Promise<Admitted | Refused> {
  let identity: Identity | undefined
  try {
    const found = known ?? (await route.authenticate?.(handshake))
    if (route.authenticate !== undefined && !found) return unauthenticated(shared)
    identity = found ?? undefined
  } catch (error) {
    if (error instanceof PartylineError && error.code === 'UNAUTHENTICATED')
      return unauthenticated(shared, error.message)
    shared.report(error, 'the authenticator failed', { gateway: route.gateway.name })
    return FAILED
  }
  const call: ConnectCall = { kind: 'connect', gateway: route.gateway, handshake, identity }
  try {
    await check(route.around.guards, call)
  } catch (error) {
    shared.stats.count('forbidden')
    if (error instanceof PartylineError)
      return { status: 403, code: error.code, message: error.message, details: error.details }
    shared.report(error, 'a guard failed, which refuses', { gateway: route.gateway.name })
    return { status: 403, code: 'FORBIDDEN', message: 'this is not allowed' }
  }
  return (await route.channels?.refusal({ handshake, identity })) ?? { identity }
}

function unauthenticated({ stats }: Shared, message = 'nobody is known here'): Refused {
  stats.count('unauthenticated')
  return { status: 401, code: 'UNAUTHENTICATED', message }
}
