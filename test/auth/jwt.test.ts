import { describe, expect, test } from 'bun:test'
import { type Identity, PartylineError } from 'partyline'
import { type JwtClaims, type JwtRules, jwt } from 'partyline/auth'
import { Handshake } from '../../lib/protocol/handshake.ts'
import { HandClock } from '../support/clock.ts'
import { Door, failed, nobody, refused } from './knock.ts'
import { ADA, NOW, SECRET, tokenOf } from './token.ts'

/** A door that knows tokens signed with the secret, and its clock. */
function door(options: JwtRules<unknown> = {}): Door {
  const clock = new HandClock()
  return new Door(jwt({ secret: SECRET, clock, ...options }), clock)
}

const ada = { user: 'ada', claims: ADA }
const good = tokenOf(ADA)

describe('a token is found', () => {
  test('in the Authorization header, however its scheme is written', async () => {
    const { knock, log } = door()
    expect(await knock({ headers: { authorization: `Bearer ${good}` } })).toEqual(ada)
    expect(await knock({ headers: { authorization: `bearer  ${good}` } })).toEqual(ada)
    expect(log.entries).toEqual([])
  })

  test('among the subprotocols, of which it is none that is chosen', async () => {
    const { app } = door()
    const subprotocols = [`partyline.bearer.${good}`, 'partyline.json.v1']
    const client = await app.runtime.connect('/desk', { subprotocols })
    expect(client).not.toBeInstanceOf(Response)
    expect((client as Exclude<typeof client, Response>).subprotocol).toBe('partyline.json.v1')
  })

  test('in auth.token, where clients of Socket.IO put it, and in nothing else that auth may be', async () => {
    const authenticate = jwt({ secret: SECRET, clock: new HandClock() })
    const found = (auth: unknown): unknown =>
      authenticate(new Handshake('ws://localhost/desk', new Headers(), '', 0, {}, auth))
    expect(await found({ token: good })).toEqual(ada)
    for (const auth of [undefined, null, good, 7, [], { token: 7 }, { token: '' }])
      expect(await found(auth)).toBeNull()
  })

  test('in the cookie that is named, and in no cookie where none is', async () => {
    const headers = { cookie: `theme=dark; token=${good}` }
    expect(await door({ cookie: 'token' }).knock({ headers })).toEqual(ada)
    expect(await door({ cookie: 'theme' }).knock({ headers })).toEqual(
      refused('the token is no JSON Web Token'),
    )
    expect(await door().knock({ headers })).toEqual(nobody)
  })

  test('in the header before the subprotocols, and in those before the cookie', async () => {
    const of = (sub: string) => tokenOf({ ...ADA, sub })
    const headers = { cookie: `token=${of('cookie')}` }
    const subprotocols = ['partyline.json.v1', `partyline.bearer.${of('offer')}`]
    const knocker = door({ cookie: 'token' })
    expect(await knocker.knock({ headers })).toMatchObject({ user: 'cookie' })
    expect(await knocker.knock({ headers, subprotocols })).toMatchObject({ user: 'offer' })
    const all = { ...headers, authorization: `Bearer ${of('header')}` }
    expect(await knocker.knock({ headers: all, subprotocols })).toMatchObject({ user: 'header' })
  })

  test.each([
    ['no header', {}],
    ['another scheme', { authorization: `Basic ${good}` }],
    ['nothing after the scheme', { authorization: 'Bearer ' }],
    ['another header', { 'x-token': good }],
  ])('nowhere, with %s, and then nobody is known', async (_, headers) => {
    expect(await door().knock({ headers: headers as Record<string, string> })).toEqual(nobody)
  })
})

describe('a token is refused, and the client is told why, when', () => {
  test.each([
    ['it has expired', tokenOf({ ...ADA, exp: NOW }), 'the token has expired'],
    ['it never expires', tokenOf({ sub: 'ada' }), 'the claim "exp" of the token is missing'],
    ['it is not good yet', tokenOf({ ...ADA, nbf: NOW + 1 }), 'the claim "nbf" of the token is not right'],
    [
      'its expiry is no number',
      tokenOf({ ...ADA, exp: 'soon' }),
      'the claim "exp" of the token is not right',
    ],
    ['it names no user', tokenOf({ exp: NOW + 60 }), 'the token names no user: it has no claim "sub"'],
    ['its user is no text', tokenOf({ ...ADA, sub: 7 }), 'the token names no user: it has no claim "sub"'],
    ['it is signed otherwise', tokenOf(ADA, `${SECRET}!`), 'the signature of the token is wrong'],
    ['it was changed', changed(good), 'the signature of the token is wrong'],
    [
      'it is not signed',
      tokenOf(ADA, undefined, { alg: 'none' }),
      'the token is signed by an algorithm that is not allowed',
    ],
    [
      'its header and its signature do not agree',
      tokenOf(ADA, SECRET, { alg: 'RS256' }),
      'the token is signed by an algorithm that is not allowed',
    ],
    ['it has no algorithm', tokenOf(ADA, SECRET, {}), 'the token is no JSON Web Token'],
    ['it is no token', 'abc', 'the token is no JSON Web Token'],
    ['it is three dots', '...', 'the token is no JSON Web Token'],
    ['it says nothing', tokenOf([]), 'the token is no JSON Web Token'],
    [
      'it asks for what nobody knows',
      tokenOf(ADA, SECRET, { alg: 'HS256', crit: ['x'], x: 1 }),
      'the token asks for what is not supported',
    ],
  ])('%s', async (_, token, message) => {
    const { app, log, bearing } = door()
    expect(await bearing(token)).toEqual(refused(message))
    expect(app.stats().unauthenticated).toBe(1)
    expect(log.entries).toEqual([])
  })

  test('it is by somebody else, or for somebody else', async () => {
    const one = door({ issuer: 'https://login', audience: ['desk', 'shop'] })
    const right = { ...ADA, iss: 'https://login', aud: 'shop' }
    expect(await one.bearing(tokenOf(right))).toMatchObject({ user: 'ada' })
    const wrong = async (claims: object) => one.bearing(tokenOf({ ...right, ...claims }))
    expect(await wrong({ iss: 'https://evil' })).toEqual(refused('the claim "iss" of the token is not right'))
    expect(await wrong({ iss: undefined })).toEqual(refused('the claim "iss" of the token is missing'))
    expect(await wrong({ aud: 'bank' })).toEqual(refused('the claim "aud" of the token is not right'))
  })
})

describe('time', () => {
  test('passes by the clock that is given: a token is good until its last second', async () => {
    const one = door()
    one.clock.advance(59_999)
    expect(await one.bearing(good)).toEqual(ada)
    one.clock.advance(1)
    expect(await one.bearing(good)).toEqual(refused('the token has expired'))
  })

  test('may differ by as much as is said', async () => {
    const one = door({ clockTolerance: 5 })
    one.clock.advance(64_999)
    expect(await one.bearing(good)).toEqual(ada)
    one.clock.advance(1)
    expect(await one.bearing(good)).toEqual(refused('the token has expired'))
  })

  test('is that of the machine where no clock is given', async () => {
    const seconds = Math.floor(Date.now() / 1_000)
    const one = new Door(jwt({ secret: SECRET }))
    expect(await one.bearing(tokenOf({ sub: 'ada', exp: seconds + 600 }))).toMatchObject({ user: 'ada' })
    expect(await one.bearing(tokenOf({ sub: 'ada', exp: seconds - 600 }))).toEqual(
      refused('the token has expired'),
    )
  })

  test('does not matter where expiry is not asked for', async () => {
    const one = door({ requiredClaims: ['jti'] })
    expect(await one.bearing(tokenOf({ sub: 'ada', jti: '1' }))).toMatchObject({ user: 'ada' })
    expect(await one.bearing(good)).toEqual(refused('the claim "jti" of the token is missing'))
  })
})

describe('who it is', () => {
  test('is taken from sub, groups and sid, with all claims beside', async () => {
    const claims = { ...ADA, groups: ['admin', 7, 'staff'], sid: 's1', plan: 'gold' }
    expect(await door().bearing(tokenOf(claims))).toEqual({
      user: 'ada',
      groups: ['admin', 'staff'],
      session: 's1',
      claims,
    })
  })

  test('leaves out groups and sessions of another form', async () => {
    const claims = { ...ADA, groups: 'admin', sid: 7 }
    expect(await door().bearing(tokenOf(claims))).toEqual({ user: 'ada', claims })
  })

  test('can be made otherwise, also later, and be nobody', async () => {
    const known: Identity = { user: 'Ada Lovelace', groups: ['poets'] }
    const identify = async ({ sub }: JwtClaims) => (sub === 'ada' ? known : null)
    const one = door({ identify })
    expect(await one.bearing(good)).toEqual(known)
    expect(await one.bearing(tokenOf({ ...ADA, sub: 'bob' }))).toEqual(nobody)
  })

  test('can be refused in words of its own; what fails otherwise is logged, and masked', async () => {
    const identify = ({ sub }: JwtClaims): never => {
      if (sub === 'ada') throw new PartylineError('UNAUTHENTICATED', 'ada is on leave')
      throw new Error('no database')
    }
    const one = door({ identify })
    expect(await one.bearing(good)).toEqual(refused('ada is on leave'))
    expect(one.log.take()).toEqual([])
    expect(await one.bearing(tokenOf({ ...ADA, sub: 'bob' }))).toEqual(failed)
    expect(one.log.take()).toMatchObject([
      { message: 'the authenticator failed', error: { message: 'no database' } },
    ])
  })
})

/** A token whose claims were exchanged, under the signature of the others. */
function changed(token: string): string {
  const [header, , signature] = token.split('.')
  const [, claims] = tokenOf({ ...ADA, sub: 'eve' }).split('.')
  return [header, claims, signature].join('.')
}
