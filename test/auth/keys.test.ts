import { describe, expect, test } from 'bun:test'
import { createHmac, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { createLocalJWKSet } from 'jose'
import { type JwtKey, jwt } from 'partyline/auth'
import { HandClock } from '../support/clock.ts'
import { Door, failed, refused } from './knock.ts'
import { ADA, SECRET, tokenOf } from './token.ts'

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const wide = generateKeyPairSync('ec', { namedCurve: 'P-384' })
const ed = generateKeyPairSync('ed25519')
const other = generateKeyPairSync('ec', { namedCurve: 'P-256' })

const pem = (key: KeyObject): string => key.export({ type: 'spki', format: 'pem' }) as string
const jwk = (key: KeyObject, more: object = {}): JsonWebKey => ({
  ...(key.export({ format: 'jwk' }) as JsonWebKey),
  ...more,
})

/** A door that knows tokens by this key. */
function door(key: JwtKey, algorithms?: string[]): Door {
  const clock = new HandClock()
  return new Door(jwt({ ...key, algorithms, clock }), clock)
}

const ada = { user: 'ada', claims: ADA }
const notAllowed = refused('the token is signed by an algorithm that is not allowed')
const wrong = refused('the signature of the token is wrong')
const es256 = tokenOf(ADA, ec.privateKey, { alg: 'ES256' })
const rs256 = tokenOf(ADA, rsa.privateKey, { alg: 'RS256' })

describe('a secret', () => {
  test('is text or bytes', async () => {
    expect(await door({ secret: SECRET }).bearing(tokenOf(ADA))).toEqual(ada)
    expect(await door({ secret: Buffer.from(SECRET) }).bearing(tokenOf(ADA))).toEqual(ada)
  })

  test('is refused where it is shorter than 32 bytes', () => {
    const message = 'the secret of jwt() is shorter than 32 bytes: make one with "openssl rand -base64 32".'
    expect(() => jwt({ secret: SECRET.slice(1) })).toThrow(new TypeError(message))
    expect(() => jwt({ secret: new Uint8Array(31) })).toThrow(new TypeError(message))
    expect(() => jwt({ secret: '' })).toThrow(new TypeError(message))
  })

  test('is one of three: neither none nor two of them will do', () => {
    const message = 'jwt() takes one of secret, publicKey and jwks: give it just one.'
    // What types forbid, and a variable of the environment that is not set does.
    expect(() => jwt({ secret: undefined } as never)).toThrow(message)
    expect(() => jwt({ secret: SECRET, publicKey: pem(ec.publicKey) } as never)).toThrow(message)
  })
})

describe('a public key', () => {
  test('is PEM, a JWK, or a key of Web Crypto', async () => {
    const raw = jwk(ec.publicKey)
    const algorithm = { name: 'ECDSA', namedCurve: 'P-256' }
    const made = await crypto.subtle.importKey('jwk', raw, algorithm, false, ['verify'])
    for (const publicKey of [pem(ec.publicKey), raw, jwk(ec.publicKey, { alg: 'ES256', kid: 'a' }), made]) {
      expect(await door({ publicKey }).bearing(es256)).toEqual(ada)
      expect(await door({ publicKey }).bearing(tokenOf(ADA, other.privateKey, { alg: 'ES256' }))).toEqual(
        wrong,
      )
    }
  })

  test('is of RSA or of Edwards curves as well', async () => {
    expect(await door({ publicKey: pem(rsa.publicKey) }).bearing(rs256)).toEqual(ada)
    const token = tokenOf(ADA, ed.privateKey, { alg: 'EdDSA' })
    expect(await door({ publicKey: jwk(ed.publicKey) }).bearing(token)).toEqual(ada)
  })

  test('is no secret: who knows it cannot sign with it', async () => {
    const publicKey = pem(rsa.publicKey)
    const { bearing, log } = door({ publicKey })
    expect(await bearing(tokenOf(ADA, publicKey))).toEqual(notAllowed)
    expect(log.entries).toEqual([])
  })

  test('refuses tokens of algorithms that are not its own, without a word in the log', async () => {
    const one = door({ publicKey: pem(ec.publicKey) })
    expect(await one.bearing(rs256)).toEqual(notAllowed)
    const another = door({ publicKey: jwk(wide.publicKey) })
    expect(await another.bearing(es256)).toEqual(notAllowed)
    // Made for Web Crypto already, so that nothing about it is left to choose.
    const algorithm = { name: 'ECDSA', namedCurve: 'P-256' }
    const made = await crypto.subtle.importKey('jwk', jwk(ec.publicKey), algorithm, false, ['verify'])
    const third = door({ publicKey: made })
    expect(await third.bearing(rs256)).toEqual(notAllowed)
    expect([one, another, third].flatMap(({ log }) => log.entries)).toEqual([])
  })

  test.each([
    ['a private key', ec.privateKey.export({ format: 'jwk' }) as JsonWebKey],
    ['a secret', { kty: 'oct', k: Buffer.from(SECRET).toString('base64url') }],
    ['any text', 'my key'],
    ['of an algorithm that is not allowed', pem(rsa.publicKey)],
    ['a JWK for another algorithm', jwk(ec.publicKey, { alg: 'RS256' })],
  ])('that is %s is told in the log, once for each who knocks', async (_, publicKey) => {
    const { bearing, log } = door({ publicKey }, ['ES256', 'ES384'])
    expect(await bearing(es256)).toEqual(failed)
    expect(log.take()).toMatchObject([
      {
        message: 'the authenticator failed',
        error: { message: 'the publicKey of jwt() is no public key for any of ES256, ES384.' },
      },
    ])
  })
})

describe('algorithms', () => {
  test('are what is said: others are refused', async () => {
    const { bearing } = door({ secret: SECRET }, ['HS512'])
    expect(await bearing(tokenOf(ADA))).toEqual(notAllowed)
    const head = Buffer.from('{"alg":"HS512"}').toString('base64url')
    const text = `${head}.${Buffer.from(JSON.stringify(ADA)).toString('base64url')}`
    const signature = createHmac('sha512', SECRET).update(text).digest('base64url')
    expect(await bearing(`${text}.${signature}`)).toEqual(ada)
  })

  test.each([
    ['none', { secret: SECRET }, 'jwt() cannot check none by a secret: choose among HS256, HS384, HS512.'],
    ['RS256', { secret: SECRET }, 'jwt() cannot check RS256 by a secret: choose among HS256, HS384, HS512.'],
    [
      'HS256',
      { publicKey: pem(ec.publicKey) },
      'jwt() cannot check HS256 by public keys: choose among RS256,',
    ],
    ['none', { jwks: { keys: [] } }, 'jwt() cannot check none by public keys: choose among RS256,'],
  ])('cannot be %s with such a key', (name, key, message) => {
    expect(() => jwt({ ...(key as JwtKey), algorithms: [name] })).toThrow(message)
  })

  test('cannot be none at all', () => {
    expect(() => jwt({ secret: SECRET, algorithms: [] })).toThrow(
      'jwt() is given no algorithm: name one, or leave the option out.',
    )
  })
})

describe('a set of keys', () => {
  const keys = [jwk(ec.publicKey, { kid: 'e' }), jwk(rsa.publicKey, { kid: 'r' })]
  const signed = (kid: string, key = ec.privateKey) => tokenOf(ADA, key, { alg: 'ES256', kid })

  async function isChecked({ bearing, log }: Door): Promise<void> {
    expect(await bearing(signed('e'))).toEqual(ada)
    expect(await bearing(signed('e', other.privateKey))).toEqual(wrong)
    expect(await bearing(signed('x'))).toEqual(refused('the token is signed with a key that is not known'))
    expect(log.entries).toEqual([])
  }

  test('can be given', () => isChecked(door({ jwks: { keys } })))

  test('can be found by a function, such as those of jose', () =>
    isChecked(door({ jwks: createLocalJWKSet({ keys }) })))

  test('can be fetched, once for many tokens', async () => {
    let fetched = 0
    const server = Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      fetch: () => {
        fetched++
        return Response.json({ keys })
      },
    })
    try {
      await isChecked(door({ jwks: `http://127.0.0.1:${server.port}/keys` }))
      await isChecked(door({ jwks: new URL('/keys', server.url) }))
      expect(fetched).toBe(2)
    } finally {
      await server.stop(true)
    }
  })

  test('that leaves open which key it is does not do', async () => {
    const two = [jwk(ec.publicKey), jwk(other.publicKey)]
    expect(await door({ jwks: { keys: two } }).bearing(es256)).toEqual(
      refused('the token does not say with which of the keys it is signed'),
    )
  })

  test('that cannot be fetched is the fault of the server: logged, masked, and tried again', async () => {
    let status = 500
    const server = Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      fetch: () => Response.json({ keys }, { status }),
    })
    try {
      const { bearing, log } = door({ jwks: server.url })
      expect(await bearing(signed('e'))).toEqual(failed)
      expect(log.take()).toMatchObject([{ level: 'error', message: 'the authenticator failed' }])
      status = 200
      expect(await bearing(signed('e'))).toEqual(ada)
    } finally {
      await server.stop(true)
    }
  })
})
