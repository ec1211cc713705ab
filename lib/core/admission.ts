import { PartylineError } from '../protocol/error.ts'
import type { Handshake } from '../protocol/handshake.ts'
import type { Identity } from '../protocol/identity.ts'
import type { ConnectCall } from './call.ts'
import { check } from './pipeline.ts'
import { failed, refuse } from './refusal.ts'
import type { Route } from './route.ts'
import type { Shared } from './shared.ts'

/** What is known of who may come in. */
export interface Admitted {
  identity: Identity | undefined
}

/**
 * Asks the authenticator who it is, unless that is `known`, and the guards whether they may come in: who, or the response
 * that refuses. Nothing that either of them throws gets further than the log.
 */
export async function admit(
  route: Route,
  handshake: Handshake,
  shared: Shared,
  known: Identity | undefined,
): Promise<Admitted | Response> {
  const { clock, limits, stats } = shared
  let timer: unknown
  const late = new Promise<Response>((resolve) => {
    timer = clock.setTimeout(() => {
      stats.count('authenticateTimeouts')
      resolve(refuse(503, 'UNAVAILABLE', 'authenticating took too long', { 'retry-after': '1' }))
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
): Promise<Admitted | Response> {
  let identity: Identity | undefined
  try {
    const found = known ?? (await route.authenticate?.(handshake))
    if (route.authenticate !== undefined && !found) return unauthenticated(shared)
    identity = found ?? undefined
  } catch (error) {
    if (error instanceof PartylineError && error.code === 'UNAUTHENTICATED')
      return unauthenticated(shared, error.message)
    shared.report(error, 'the authenticator failed', { gateway: route.gateway.name })
    return failed()
  }
  const call: ConnectCall = { kind: 'connect', gateway: route.gateway, handshake, identity }
  try {
    await check(route.around.guards, call)
    return { identity }
  } catch (error) {
    shared.stats.count('forbidden')
    if (error instanceof PartylineError) return refuse(403, error.code, error.message)
    shared.report(error, 'a guard failed, which refuses', { gateway: route.gateway.name })
    return refuse(403, 'FORBIDDEN', 'this is not allowed')
  }
}

function unauthenticated({ stats }: Shared, message = 'nobody is known here'): Response {
  stats.count('unauthenticated')
  return refuse(401, 'UNAUTHENTICATED', message)
}
