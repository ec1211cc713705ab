import type { JWTVerifyGetKey } from 'jose'
import { PartylineError } from '../protocol/error.ts'
import { bytesOf, type Jwk, type JwtKey, type PublicKey } from './keys.ts'

/** What is loaded when the first token comes. */
export type Jose = typeof import('jose')

/** What `jwtVerify` asks for the key of a token. */
export type FindKey = JWTVerifyGetKey

/** Makes what finds the key for a token. Rejects where the key itself cannot be used. */
export async function keyFinder(jose: Jose, key: JwtKey, algorithms: readonly string[]): Promise<FindKey> {
  if (key.secret !== undefined) {
    const bytes = bytesOf(key.secret)
    return async () => bytes
  }
  if (key.publicKey !== undefined) return byOneKey(await usesOf(jose, key.publicKey, algorithms))
  const { jwks } = key
  if (typeof jwks === 'function') return jwks as FindKey
  if (typeof jwks === 'string' || jwks instanceof URL) return jose.createRemoteJWKSet(new URL(jwks))
  return jose.createLocalJWKSet(jwks as Parameters<Jose['createLocalJWKSet']>[0]) as FindKey
}

function byOneKey(uses: ReadonlyMap<string, CryptoKey>): FindKey {
  return async ({ alg }) => {
    const key = uses.get(alg)
    if (key === undefined)
      throw new PartylineError('UNAUTHENTICATED', 'the token is signed by an algorithm that is not allowed')
    return key
  }
}

/** The key, by each algorithm that it can be used with: to Web Crypto these are different keys. */
async function usesOf(
  jose: Jose,
  key: PublicKey,
  algorithms: readonly string[],
): Promise<Map<string, CryptoKey>> {
  const uses = new Map<string, CryptoKey>()
  for (const algorithm of algorithms) {
    const use = await imported(jose, key, algorithm).catch(() => undefined)
    if (use?.type === 'public' && algorithmsOf(use).includes(algorithm)) uses.set(algorithm, use)
  }
  if (uses.size === 0)
    throw new TypeError(`the publicKey of jwt() is no public key for any of ${algorithms.join(', ')}.`)
  return uses
}

async function imported(jose: Jose, key: PublicKey, algorithm: string): Promise<CryptoKey | undefined> {
  if (typeof key === 'string') {
    const isCertificate = key.includes('-----BEGIN CERTIFICATE-----')
    return isCertificate ? jose.importX509(key, algorithm) : jose.importSPKI(key, algorithm)
  }
  if (isCryptoKey(key)) return key
  if (key.alg !== undefined && key.alg !== algorithm) return undefined
  const made = await jose.importJWK(key as Parameters<Jose['importJWK']>[0], algorithm)
  return made instanceof Uint8Array ? undefined : made
}

function isCryptoKey(key: Jwk | CryptoKey): key is CryptoKey {
  return 'algorithm' in key
}

/** The names that JWS has for what a key does (RFC 7518, section 3.1; RFC 8037; RFC 9864). */
function algorithmsOf({ algorithm }: CryptoKey): readonly string[] {
  const { name, hash, namedCurve } = algorithm as KeyAlgorithm &
    Partial<RsaHashedKeyAlgorithm & EcKeyAlgorithm>
  const bits = hash?.name.slice('SHA-'.length)
  if (name === 'RSASSA-PKCS1-v1_5') return [`RS${bits}`]
  if (name === 'RSA-PSS') return [`PS${bits}`]
  if (name === 'Ed25519') return ['EdDSA', 'Ed25519']
  const curves: Record<string, string> = { 'P-256': 'ES256', 'P-384': 'ES384', 'P-521': 'ES512' }
  return name === 'ECDSA' ? [curves[namedCurve ?? ''] ?? ''] : []
}
