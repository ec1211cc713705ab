/** A public key: in PEM ("BEGIN PUBLIC KEY" or "BEGIN CERTIFICATE"), as a JWK, or as Web Crypto has it. */
export type PublicKey = string | Jwk | CryptoKey

/** A key as RFC 7517 has it. */
export interface Jwk extends JsonWebKey {
  kid?: string
}

/** A set of public keys, as RFC 7517 has it. */
export interface JwkSet {
  keys: Jwk[]
}

/** Finds the public key for a token by its header; what jose's `createRemoteJWKSet` makes is one. */
export type KeyFunction = (
  header: { alg: string; kid?: string },
  token: { payload: string; signature: string; protected?: string },
) => CryptoKey | Promise<CryptoKey>

/** By what tokens are checked: one of the three. */
export type JwtKey =
  /** Shared with who signs: at least 32 bytes (RFC 7518, section 3.2). A string stands for its bytes in UTF-8. */
  | { secret: string | Uint8Array; publicKey?: never; jwks?: never }
  | { publicKey: PublicKey; secret?: never; jwks?: never }
  /** Where the keys are published, the keys themselves, or a function that finds them. */
  | { jwks: string | URL | JwkSet | KeyFunction; secret?: never; publicKey?: never }

const SYMMETRIC = ['HS256', 'HS384', 'HS512']
const ASYMMETRIC = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
]

const SHORTEST_SECRET = 32

/**
 * The algorithms by which tokens may be signed. Throws a TypeError for a key or an algorithm that will not do.
 *
 * A secret goes with HMAC only, a public key never with it: else a token could be signed with the public key as secret.
 */
export function allowedAlgorithms(key: JwtKey, wanted: readonly string[] | undefined): string[] {
  const given = [key.secret, key.publicKey, key.jwks].filter((one) => one !== undefined)
  if (given.length !== 1)
    throw new TypeError('jwt() takes one of secret, publicKey and jwks: give it just one.')
  if (key.secret !== undefined && bytesOf(key.secret).length < SHORTEST_SECRET)
    throw new TypeError(
      `the secret of jwt() is shorter than ${SHORTEST_SECRET} bytes: make one with "openssl rand -base64 32".`,
    )
  const known = key.secret === undefined ? ASYMMETRIC : SYMMETRIC
  const kind = key.secret === undefined ? 'public keys' : 'a secret'
  const wrong = wanted?.find((name) => !known.includes(name))
  if (wrong !== undefined)
    throw new TypeError(`jwt() cannot check ${wrong} by ${kind}: choose among ${known.join(', ')}.`)
  if (wanted?.length === 0)
    throw new TypeError('jwt() is given no algorithm: name one, or leave the option out.')
  return [...(wanted ?? known)]
}

/** The bytes of a secret. */
export function bytesOf(secret: string | Uint8Array): Uint8Array {
  return typeof secret === 'string' ? new TextEncoder().encode(secret) : secret
}
