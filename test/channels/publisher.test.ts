import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import {
  type Audiences,
  createPublisher,
  memory,
  PartylineError,
  SELF,
  type StandalonePublisher,
} from 'partyline'
import { BrokerError } from '../../lib/broker/error.ts'
import { HandClock } from '../support/clock.ts'
import { CollectingLogger } from '../support/logger.ts'

const log = new CollectingLogger()
const clock = new HandClock()
const ann = { user: 'ann', groups: ['staff', 'ops'], session: 'k3y' }
let broker: ReturnType<typeof memory>
let publisher: StandalonePublisher

beforeEach(() => {
  broker = memory()
  publisher = createPublisher({ broker, log, clock })
})
afterEach(() => publisher.close())

/** What a promise rejects with. */
async function rejected(
  promise: Promise<unknown>,
): Promise<{ code: string; message: string; details?: unknown }> {
  const error = await promise.then(
    () => undefined,
    (error) => error,
  )
  expect(error instanceof PartylineError || error instanceof BrokerError).toBe(true)
  return error
}

const keys = (published: readonly { key: string }[]): string[] => published.map(({ key }) => key)

describe('a publisher', () => {
  test('reaches each of the audiences once', async () => {
    const published = await publisher.publish('fac', 'hi', {
      broadcast: true,
      users: ['ann', 'bob', 'ann'],
      groups: ['staff'],
      sessions: ['k3y'],
    })
    expect(keys(published)).toEqual([
      ...['session:k3y:fac', 'user:ann:fac', 'user:bob:fac', 'group:staff:fac', 'broadcast:fac'],
    ])
    expect(published.map(({ channel }) => channel)).toEqual([
      ...['session', 'user', 'user', 'group:staff', 'broadcast'],
    ])
    for (const { key, position } of published) {
      expect(position).toBeGreaterThan(0)
      expect(await broker.values.get(key)).toEqual(new TextEncoder().encode('hi'))
    }
  })

  test.each([
    ['an identity', ann],
    ['a socket', { identity: ann }],
  ])('takes SELF from %s', async (_, self) => {
    const publish = async (audiences: object) =>
      keys(await publisher.publish('fac', 1, { ...audiences, self }))
    expect(await publish({ users: [SELF] })).toEqual(['user:ann:fac'])
    expect(await publish({ users: SELF })).toEqual(['user:ann:fac'])
    expect(await publish({ users: ['bob', SELF] })).toEqual(['user:bob:fac', 'user:ann:fac'])
    expect(await publish({ groups: SELF })).toEqual(['group:staff:fac', 'group:ops:fac'])
    expect(await publish({ sessions: [SELF] })).toEqual(['session:k3y:fac'])
    expect((await publisher.fetch('fac', { users: [SELF], self }))?.data).toBe(1)
    expect(await publisher.delete('fac', { users: SELF, self })).toBe(true)
  })

  test.each([undefined, null, {}, 'ann', { identity: undefined }, { identity: null }, { identity: 'ann' }])(
    'does not take it from %p, and publishes nothing then',
    async (self) => {
      for (const audiences of [{ users: [SELF] }, { groups: SELF }, { sessions: SELF }] as Audiences[]) {
        const asked = { ...audiences, broadcast: true, self: self as undefined }
        expect((await rejected(publisher.publish('fac', 1, asked))).code).toBe('UNAUTHENTICATED')
        expect((await rejected(publisher.fetch('fac', asked))).code).toBe('UNAUTHENTICATED')
        expect((await rejected(publisher.delete('fac', asked))).code).toBe('UNAUTHENTICATED')
      }
      expect(broker.counters.published).toBe(0)
    },
  )

  test('knows who is in no group, and who has no session', async () => {
    const bob = { user: 'bob' }
    expect(await publisher.publish('fac', 1, { groups: SELF, self: bob })).toEqual([])
    const { code, message } = await rejected(publisher.publish('fac', 1, { sessions: SELF, self: bob }))
    expect([code, message]).toEqual(['UNAUTHENTICATED', 'SELF has no session that is known'])
  })

  test.each([
    [{}, 'this is for nobody'],
    [{ broadcast: false }, 'this is for nobody'],
    [{ users: ['a:b'] }, 'the name of a user has ":" in it'],
    [{ users: 'ann' }, 'users is no list'],
    [{ groups: [undefined] }, 'the name of a group is undefined'],
    [{ users: [Symbol('SELF')] }, 'the name of a user is symbol'],
    [{ sessions: [''], broadcast: true }, 'the name of a session is empty'],
    [{ users: Array.from({ length: 1_001 }, (_, i) => `u${i}`) }, '1001 channels: 1000 are the most'],
    [{ broadcast: true, expiry: -1 }, 'the expiry is -1'],
    [{ broadcast: true, expiry: 1.5 }, 'the expiry is 1.5'],
    [{ broadcast: true, expiry: '10' }, 'the expiry is a string'],
    [{ broadcast: true, expiry: Number.POSITIVE_INFINITY }, 'the expiry is Infinity'],
    [{ broadcast: true, history: 0 }, 'the history is 0'],
    [{ broadcast: true, history: 1_001 }, 'the history is 1001'],
  ])('refuses %p', async (options, message) => {
    const error = await rejected(publisher.publish('fac', 1, options as object))
    expect([error.code, error.message]).toEqual(['INVALID_DATA', expect.stringContaining(message)])
    expect(broker.counters.published).toBe(0)
  })

  test('refuses what is too large, and says by how much', async () => {
    const small = createPublisher({ broker: memory(), log, clock, limit: 4 })
    const to = { broadcast: true }
    await small.publish('fac', 'öö', to)
    const error = await rejected(small.publish('fac', 'ööö', to))
    expect([error.code, error.message]).toEqual(['INVALID_DATA', 'this message has 6 bytes: 4 are the most'])
    await small.close()
    expect((await rejected(publisher.publish('fac', 'x'.repeat((1 << 20) + 1), to))).code).toBe(
      'INVALID_DATA',
    )
  })

  test('keeps a message for an hour where nothing else is said', async () => {
    await publisher.publish('fac', 'hour', { broadcast: true })
    await publisher.publish('fac', 'second', { users: ['ann'], expiry: 1_000 })
    const found = async () => (await publisher.fetch('fac', { broadcast: true, users: ['ann'] }))?.data
    expect(await found()).toBe('second')
    clock.advance(1_000)
    expect(await found()).toBe('hour')
    clock.advance(3_599_000)
    expect(await found()).toBeUndefined()
  })

  test('takes a batch whole, or not at all', async () => {
    const one = { facility: 'fac', data: 1, broadcast: true }
    const published = await publisher.batch([one, { ...one, data: 2, users: ['ann'] }])
    expect(published.map(keys)).toEqual([['broadcast:fac'], ['user:ann:fac', 'broadcast:fac']])
    const [[first] = [], [, third] = []] = published
    expect(third?.position).toBe((first?.position ?? 0) + 1)
    const error = await rejected(publisher.batch([one, one, { ...one, users: [''] }]))
    expect(error).toMatchObject({
      code: 'INVALID_DATA',
      message: 'message 2: the name of a user is empty',
      details: { user: '', index: 2 },
    })
    expect(broker.counters.published).toBe(3)
    expect(await publisher.batch([])).toEqual([])
    const many = Array.from({ length: 1_001 }, () => one)
    expect((await rejected(publisher.batch(many))).message).toContain('1001 messages: 1000 are the most')
  })

  test('says that the broker is away, and leaves alone whoever does not ask', async () => {
    broker.cut()
    const to = { broadcast: true }
    expect((await rejected(publisher.publish('fac', 1, to))).code).toBe('AWAY')
    expect((await rejected(publisher.fetch('fac', to))).code).toBe('AWAY')
    expect((await rejected(publisher.delete('fac', to))).code).toBe('AWAY')
    const unhandled: unknown[] = []
    const note = (error: unknown): void => void unhandled.push(error)
    process.on('unhandledRejection', note)
    void publisher.publish('fac', 1, to)
    void publisher.batch([{ facility: 'fac', data: 1, ...to }])
    await new Promise((resolve) => setImmediate(resolve))
    process.off('unhandledRejection', note)
    expect(unhandled).toEqual([])
  })

  test('ends with its broker', async () => {
    await publisher.close()
    expect(broker.state).toBe('away')
    expect((await rejected(publisher.publish('fac', 1, { broadcast: true }))).code).toBe('STOPPED')
    expect(() => createPublisher({ broker, log, clock })).toThrow('was started before')
  })

  test.each([{ expiry: -1 }, { history: 0 }, { limit: 0 }])('is not made with %p', (options) => {
    expect(() => createPublisher({ broker: memory(), log, clock, ...options })).toThrow(RangeError)
  })
})
