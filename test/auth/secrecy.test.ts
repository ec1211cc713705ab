// A token or a ticket is as good as a password: no log, no error and no answer may have it, whatever goes wrong.
import { expect, test } from 'bun:test'
import { inspect } from 'node:util'
import { type AnyAuthenticator, type AppOptions, type Handshake, PartylineError } from 'partyline'
import { type JwtOptions, jwt, tickets } from 'partyline/auth'
import { App } from '../../lib/core/app.ts'
import type { ConnectOptions } from '../../lib/runtime/memory.ts'
import { MemoryRuntime } from '../../lib/runtime/memory.ts'
import { HandClock } from '../support/clock.ts'
import { CollectingLogger } from '../support/logger.ts'
import { Desk } from './knock.ts'
import { ADA, NOW, SECRET, tokenOf } from './token.ts'

const good = tokenOf(ADA)
const bad: Record<string, string> = {
  expired: tokenOf({ ...ADA, exp: NOW }),
  'not signed': tokenOf(ADA, undefined, { alg: 'none' }),
  'signed otherwise': tokenOf(ADA, `${SECRET}!`),
  'of another algorithm': tokenOf(ADA, SECRET, { alg: 'RS256' }),
  'for nobody': tokenOf({ exp: NOW + 60 }),
  'cut off': good.slice(0, -60),
  'no token': 'hunter2-hunter2-hunter2',
}

/** All that leaves an app while somebody knocks: what it logs, what `onError` sees of causes, and the answer. */
async function leftBehind(
  authenticate: AnyAuthenticator,
  knock: ConnectOptions,
  path: string,
  more: AppOptions = {},
): Promise<{ status: number; text: string; logged: number }> {
  const logger = new CollectingLogger()
  const seen: unknown[] = []
  const onError = (error: unknown): void => void seen.push(error)
  const options = { clock: new HandClock(), logger, onError, ...more, authenticate }
  const app = new App(Desk, options, (host) => new MemoryRuntime(host))
  const answer = await app.runtime.connect(path, knock)
  let status = 101
  let body = ''
  if (answer instanceof Response) {
    status = answer.status
    body = `${await answer.text()} ${inspect([...answer.headers])}`
  } else {
    // Events of all sorts, also such as fail.
    for (const frame of ['{"event":"nothing","id":1}', 'hello', '{"event":"toString"}']) answer.send(frame)
    body = answer.received.join('\n')
    answer.vanish()
  }
  await app.stop()
  const logs = inspect([logger.entries, seen], { depth: 20, showHidden: true, maxStringLength: null })
  return { status, text: `${logs}\n${body}`, logged: logger.entries.length }
}

/** The ways in which a token comes. */
const ways: [string, (token: string) => [ConnectOptions, string]][] = [
  ['in the header', (token) => [{ headers: { authorization: `Bearer ${token}` } }, '/desk']],
  ['in the cookie', (token) => [{ headers: { cookie: `token=${token}` } }, '/desk']],
  [
    'among the subprotocols',
    (token) => [{ subprotocols: ['partyline.json.v1', `partyline.bearer.${token}`] }, '/desk'],
  ],
  ['as the only subprotocol', (token) => [{ subprotocols: [`partyline.bearer.${token}`] }, '/desk']],
  ['at a path that is not there', (token) => [{ headers: { authorization: `Bearer ${token}` } }, '/none']],
]

/** A token and its parts, of which none may be seen. */
function expectHidden(text: string, token: string): void {
  for (const part of [token, ...token.split('.').filter((one) => one.length > 8)]) {
    expect(text).not.toContain(part)
  }
}

const rules = { secret: SECRET, cookie: 'token', clock: new HandClock() }

test.each(
  ways.flatMap(([way, knock]) =>
    Object.entries(bad).map(([kind, token]) => [kind, way, knock, token] as const),
  ),
)('a token that is %s, %s, is nowhere to be seen', async (_, __, knock, token) => {
  const { status, text } = await leftBehind(jwt(rules), ...knock(token))
  expect([400, 401, 404]).toContain(status)
  expectHidden(text, token)
})

const broken: [string, JwtOptions<unknown>][] = [
  [
    'an identify that throws',
    {
      ...rules,
      identify: (claims) => {
        throw new Error(`cannot look up ${claims.sub}`)
      },
    },
  ],
  ['a key that is none', { cookie: 'token', publicKey: 'no key', clock: new HandClock() }],
  [
    'keys that cannot be found',
    { cookie: 'token', jwks: () => Promise.reject(new Error('no such host')), algorithms: ['RS256'] },
  ],
  ['keys that are no keys', { cookie: 'token', jwks: () => ({}) as CryptoKey, algorithms: ['RS256'] }],
]

test.each(broken)('nor is it with %s, where the cause is logged', async (_, options) => {
  const token = 'algorithms' in options ? (bad['of another algorithm'] as string) : good
  for (const [, knock] of ways.slice(0, 3)) {
    const { status, text, logged } = await leftBehind(jwt(options), ...knock(token))
    expect([status, logged]).toEqual([500, 1])
    expectHidden(text, token)
  }
})

test('nor is it with guards that refuse or fail, and in the log of a whole connection', async () => {
  const refuse = (): boolean => false
  const fail = (): boolean => {
    throw new Error('no such table')
  }
  for (const [, knock] of ways.slice(0, 3)) {
    for (const [guard, expected] of [
      [refuse, 403],
      [fail, 403],
      [() => true, 101],
    ] as const) {
      const { status, text } = await leftBehind(jwt(rules), ...knock(good), { guards: [guard] })
      expect(status).toBe(expected)
      expectHidden(text, good)
    }
  }
})

test('a ticket that is good, used, expired, or met by what fails is nowhere to be seen', async () => {
  const clock = new HandClock()
  const desk = tickets({ clock })
  const ticket = desk.issue({ user: 'ada' })
  const at = (path: string, authenticate: AnyAuthenticator = desk.authenticate) =>
    leftBehind(authenticate, {}, `${path}?ticket=${ticket}`)
  const failing = (handshake: Handshake): null => {
    desk.authenticate(handshake)
    throw new Error('no database')
  }
  const telling = (): null => {
    throw new PartylineError('UNAUTHENTICATED', 'go away')
  }
  const expired = desk.issue({ user: 'bob' })
  const found = [
    await at('/none'),
    await at('/desk', telling),
    await leftBehind(
      desk.authenticate,
      { headers: { origin: 'https://evil.example' } },
      `/desk?ticket=${ticket}`,
    ),
    await at('/desk'),
    await at('/desk'),
    await at('/desk', failing),
  ]
  clock.advance(60_000)
  found.push(await leftBehind(desk.authenticate, {}, `/desk?ticket=${expired}`))
  expect(found.map(({ status }) => status)).toEqual([404, 401, 403, 101, 401, 500, 401])
  for (const { text } of found) {
    expectHidden(text, ticket)
    expectHidden(text, expired)
  }
  expect(inspect(desk, { depth: 20, showHidden: true })).not.toContain(desk.issue({ user: 'ada' }))
})

test('the search itself would find one: what an authenticator of your own tells is told', async () => {
  const careless = ({ headers }: Handshake): null => {
    throw new Error(`bad header: ${headers.get('authorization')}`)
  }
  const { text } = await leftBehind(careless, { headers: { authorization: `Bearer ${good}` } }, '/desk')
  expect(text).toContain(good)
})
