import { PartylineError, withoutTrace } from '../protocol/error.ts'
import type { Handshake } from '../protocol/handshake.ts'
import type { Identity } from '../protocol/identity.ts'
import { bearerToken } from './bearer.ts'
import { type FindKey, type Jose, keyFinder } from './finder.ts'
import { allowedAlgorithms, type JwtKey } from './keys.ts'

/** What a token says; the names are those of RFC 7519. */
export interface JwtClaims {
  iss?: string
  sub?: string
  aud?: string | string[]
  /** In seconds since 1970, as the two below. */
  exp?: number
  nbf?: number
  iat?: number
  jti?: string
  [claim: string]: unknown
}

/** Which tokens are good, and who stands behind them. */
export interface JwtRules<Claims = JwtClaims> {
  /** Who has to have issued the token. Default: anybody with the key. */
  issuer?: string | string[]
  /** For whom the token has to be, one of them where there are several. Default: not looked at. */
  audience?: string | string[]
  /** How it may be signed. Default: HS256 to HS512 by a secret; RS, PS, ES and EdDSA by public keys. Never `none`. */
  algorithms?: readonly string[]
  /** By how many seconds clocks may differ. Default 0. */
  clockTolerance?: number
  /** What a token has to have. Default `['exp']`: one that never expires is refused. */
  requiredClaims?: readonly string[]
  /** The name of a cookie that may carry the token. Default: none is looked into. */
  cookie?: string
  /**
   * Makes an identity of what a good token says; null is answered with 401. Default: `sub` is the user, without which there is
   * nobody, `groups` the groups, `sid` the session, and all of it the claims.
   */
  identify?: (claims: JwtClaims) => Identity<Claims> | null | Promise<Identity<Claims> | null>
  /** Where the time comes from; an app's clock fits. Default: the machine's. */
  clock?: { now(): number }
}

/** Options of `jwt`: a key, and rules. */
export type JwtOptions<Claims = JwtClaims> = JwtRules<Claims> & JwtKey

/**
 * An authenticator that reads a JSON Web Token. It needs the package jose, which is loaded with the first token.
 *
 * The token is looked for in the header `Authorization: Bearer …`, among the subprotocols as `partyline.bearer.…`, and in
 * a cookie, if one is named. Where there is none, nobody is known. One that is not good throws `UNAUTHENTICATED`, with a
 * message that says why. No message has the token or a part of it. `Claims` is the type of what `identify` makes of the
 * token; where there is none, it is what you say that your tokens have.
 *
 * @throws {TypeError} for a key or an algorithm that will not do
 * @example
 * ```ts
 * import { Gateway, On, type Socket } from 'partyline'
 * import { jwt } from 'partyline/auth'
 *
 * const authenticate = jwt({ jwks: 'https://login.example.com/keys', issuer: 'https://login.example.com' })
 *
 * @Gateway('/desk', { authenticate })
 * class Desk {
 *   @On() who({ identity }: Socket) {
 *     return identity?.user
 *   }
 * }
 * ```
 */
export function jwt<Claims = JwtClaims>(
  options: JwtOptions<Claims>,
): (handshake: Handshake) => Promise<Identity<NoInfer<Claims>> | null> {
  const algorithms = allowedAlgorithms(options, options.algorithms)
  const { issuer, audience, clockTolerance, requiredClaims = ['exp'], clock = Date, cookie } = options
  // The default is for the default of Claims.
  const identify = options.identify ?? (identityOf as unknown as NonNullable<typeof options.identify>)
  let loading: Promise<{ jose: Jose; findKey: FindKey }> | undefined

  const load = async (): Promise<{ jose: Jose; findKey: FindKey }> => {
    const jose = await loadJose()
    return { jose, findKey: await keyFinder(jose, options, algorithms) }
  }

  const verify = async (token: string): Promise<JwtClaims> => {
    loading ??= load()
    const { jose, findKey } = await loading
    const currentDate = new Date(clock.now())
    const required = [...requiredClaims]
    const rules = { algorithms, issuer, audience, clockTolerance, requiredClaims: required, currentDate }
    try {
      const { payload } = await jose.jwtVerify(token, findKey, rules)
      return payload
    } catch (error) {
      throw refusalFor(error) ?? error
    }
  }

  return async (handshake) => {
    const token = bearerToken(handshake, cookie)
    return token === undefined ? null : identify(await verify(token))
  }
}

/** Who a token is about, by the claims that are in common use. */
function identityOf(claims: JwtClaims): Identity<JwtClaims> {
  const { sub, groups, sid } = claims
  if (typeof sub !== 'string' || sub === '')
    throw unauthenticated('the token names no user: it has no claim "sub"')
  return {
    user: sub,
    ...(Array.isArray(groups) && {
      groups: groups.filter((name): name is string => typeof name === 'string'),
    }),
    ...(typeof sid === 'string' && { session: sid }),
    claims,
  }
}

async function loadJose(): Promise<Jose> {
  try {
    return await import('jose')
  } catch {
    throw withoutTrace(() => new Error('jwt() needs the package jose, which is not there: npm install jose'))
  }
}

/** What is wrong with a token, in our words: those of jose are not ours to vouch for. By the codes of its errors. */
const refusals: Readonly<Record<string, string>> = {
  ERR_JWT_EXPIRED: 'the token has expired',
  ERR_JWS_SIGNATURE_VERIFICATION_FAILED: 'the signature of the token is wrong',
  ERR_JOSE_ALG_NOT_ALLOWED: 'the token is signed by an algorithm that is not allowed',
  ERR_JWKS_NO_MATCHING_KEY: 'the token is signed with a key that is not known',
  ERR_JWKS_MULTIPLE_MATCHING_KEYS: 'the token does not say with which of the keys it is signed',
  ERR_JOSE_NOT_SUPPORTED: 'the token asks for what is not supported',
  ERR_JWS_INVALID: 'the token is no JSON Web Token',
  ERR_JWT_INVALID: 'the token is no JSON Web Token',
}

/** Undefined where it is not the token that is at fault. */
function refusalFor(error: unknown): PartylineError | undefined {
  const { code = '', claim, reason } = error as { code?: string; claim?: string; reason?: string }
  if (code === 'ERR_JWT_CLAIM_VALIDATION_FAILED')
    return unauthenticated(
      `the claim "${claim}" of the token is ${reason === 'missing' ? 'missing' : 'not right'}`,
    )
  const message = refusals[code]
  return message === undefined ? undefined : unauthenticated(message)
}

function unauthenticated(message: string): PartylineError {
  return new PartylineError('UNAUTHENTICATED', message)
}
