import { BEARER, type Handshake } from '../protocol/handshake.ts'

/**
 * The token that came with a handshake; undefined where there is none. What a client said on purpose, in the
 * Authorization header, in `auth.token` of Socket.IO or among its subprotocols, goes before the cookie that a browser sends by itself.
 *
 * @param cookie the name of the cookie to look into; undefined to look into none
 */
export function bearerToken(
  { headers, auth, subprotocols, cookies }: Handshake,
  cookie: string | undefined,
): string | undefined {
  // RFC 6750, section 2.1; other schemes are none of ours.
  const [, credentials] = /^bearer +(\S+)\s*$/i.exec(headers.get('authorization') ?? '') ?? []
  const offered = subprotocols.find((name) => name.startsWith(BEARER))?.slice(BEARER.length)
  return credentials || tokenIn(auth) || offered || (cookie !== undefined && cookies.get(cookie)) || undefined
}

/** Where clients of Socket.IO put it by custom: a client's own words, so of any type. */
function tokenIn(auth: unknown): string | undefined {
  const { token } = (auth ?? {}) as { token?: unknown }
  return typeof token === 'string' ? token : undefined
}
