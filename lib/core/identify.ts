import { PartylineError } from '../protocol/error.ts'
import { Handshake } from '../protocol/handshake.ts'
import type { AuthenticatorFunction, Identity } from '../protocol/identity.ts'
import { inTime } from './deadline.ts'
import type { Shared } from './shared.ts'

/**
 * Who is behind an HTTP request; null where nobody is known.
 *
 * @throws PartylineError TIMEOUT where that takes longer than `limits.authenticate`
 * @throws what the authenticator throws, unless that says UNAUTHENTICATED
 */
export async function identify(
  authenticate: AuthenticatorFunction | undefined,
  { url, headers }: Request,
  ip: string,
  { clock, limits, stats }: Pick<Shared, 'clock' | 'limits' | 'stats'>,
): Promise<Identity | null> {
  // That of a request without a Host is the path alone.
  const { href } = new URL(url, 'http://localhost')
  const handshake = new Handshake(href, new Headers(headers), ip, clock.now(), {})
  let found: Identity | null | undefined
  const asking = (async () => {
    found = await authenticate?.(handshake)
  })()
  try {
    if (await inTime(asking, clock, limits.authenticate)) return found ?? null
  } catch (error) {
    if (error instanceof PartylineError && error.code === 'UNAUTHENTICATED') return null
    throw error
  }
  stats.count('authenticateTimeouts')
  throw new PartylineError('TIMEOUT', 'authenticating took too long')
}
