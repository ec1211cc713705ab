import { BEARER, type Handshake } from '../protocol/handshake.ts'

/**
 * The token that came with a handshake; undefined where there is none. What a client said on purpose, in the
 * Authorization header or among its subprotocols, goes before the cookie that a browser sends by itself.
 *
 * @param cookie the name of the cookie to look into; undefined to look into none
 */
export function bearerToken(
  { headers, subprotocols, cookies }: Handshake,
  cookie: string | undefined,
): string | undefined {
  // RFC 6750, section 2.1; other schemes are none of ours.
  const [, credentials] = /^bearer +(\S+)\s*$/i.exec(headers.get('authorization') ?? '') ?? []
  const offered = subprotocols.find((name) => name.startsWith(BEARER))?.slice(BEARER.length)
  return credentials || offered || (cookie !== undefined && cookies.get(cookie)) || undefined
}
