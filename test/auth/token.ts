import { createHmac, type KeyObject, sign } from 'node:crypto'

/** 32 bytes, the fewest that will do. */
export const SECRET = 'thirty-two bytes, and not secret'

/** What signs: a secret, a private key, or nothing at all. */
export type Signer = string | KeyObject | undefined

/** A token made by hand, as RFC 7515 describes it. An elliptic signature stands as two numbers, not in ASN.1. */
export function tokenOf(claims: object, signer: Signer = SECRET, header: object = { alg: 'HS256' }): string {
  const text = [header, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.')
  return `${text}.${signatureOf(text, signer).toString('base64url')}`
}

function signatureOf(text: string, signer: Signer): Buffer {
  if (signer === undefined) return Buffer.alloc(0)
  if (typeof signer === 'string') return createHmac('sha256', signer).update(text).digest()
  const kind = signer.asymmetricKeyType
  const key = { key: signer, dsaEncoding: 'ieee-p1363' as const }
  return sign(kind === 'ed25519' ? null : 'sha256', Buffer.from(text), key)
}

/** The clock of the tests stands at this second, 2030-01-01. */
export const NOW = 1_893_456_000

/** Claims of somebody, good for a minute. */
export const ADA = { sub: 'ada', exp: NOW + 60 }
