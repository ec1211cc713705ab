import { describe, expect, test } from 'bun:test'
import { type RedisOptions, redis } from 'partyline/redis'
import { nameOf, placeOf, readUrl } from '../../lib/redis/address.ts'
import { termsOf } from '../../lib/redis/options.ts'

describe('the url', () => {
  test.each([
    ['redis://localhost:6379', { place: { host: 'localhost', port: 6_379 }, tls: false }],
    ['redis://redis.example', { place: { host: 'redis.example', port: 6_379 }, tls: false }],
    [
      'redis://:s%40same@a:1/3',
      { place: { host: 'a', port: 1 }, tls: false, password: 's@same', database: 3 },
    ],
    [
      'rediss://ann:sesame@[::1]:7000',
      { place: { host: '::1', port: 7_000 }, tls: true, username: 'ann', password: 'sesame' },
    ],
    ['unix:///run/redis.sock', { place: { path: '/run/redis.sock' }, tls: false }],
  ])('%s is read', (url, address) => {
    expect(readUrl(url)).toEqual(address)
  })

  test.each(['localhost:6379', 'http://localhost', '', 'sesame', 'redis//:sesame@a'])(
    '%p is none, which is told without what may be a password',
    (url) => {
      expect(() => redis({ url })).toThrow('the url of redis() is none of Redis')
      expect(() => redis({ url })).not.toThrow('sesame')
    },
  )

  test('names a database by its number', () => {
    expect(() => redis({ url: 'redis://localhost/chat' })).toThrow('names the database chat: it is a number')
  })

  test('is one at least', () => {
    expect(() => redis({ url: [] })).toThrow('an empty list of urls')
  })
})

test.each<RedisOptions>([{ timeout: 0 }, { lease: -1 }, { retry: { min: Number.NaN } }, { queue: 0 }])(
  '%p cannot be',
  (options) => {
    expect(() => redis(options)).toThrow('it has to be more than 0')
  },
)

test('what the url says comes before what the client is told, and the prefix gets its colon', () => {
  const terms = termsOf({
    url: ['redis://ann:sesame@a', 'redis://b:7000'],
    client: { username: 'bob', name: 'chat', socket: { tls: false } },
    prefix: 'chat',
  })
  expect(terms).toMatchObject({
    seeds: [
      { host: 'a', port: 6_379 },
      { host: 'b', port: 7_000 },
    ],
    client: { username: 'ann', password: 'sesame', name: 'chat', socket: { tls: false } },
    prefix: 'chat:',
  })
  expect(termsOf({}).prefix).toBe('')
})

test('where the nodes of a cluster are may be told by a table or a function', () => {
  const place = { host: 'outside', port: 1 }
  const table = termsOf({ cluster: { nodeAddressMap: { '10.0.0.1:6379': place } } })
  const call = termsOf({
    cluster: { nodeAddressMap: (one) => (one === '10.0.0.1:6379' ? place : undefined) },
  })
  for (const { locate } of [table, call]) {
    expect(locate('10.0.0.1:6379')).toEqual(place)
    expect(locate('10.0.0.2:7000')).toEqual({ host: '10.0.0.2', port: 7_000 })
    // As Redis writes version 6 of the protocol.
    expect(locate('2001:db8::1:7000')).toEqual({ host: '2001:db8::1', port: 7_000 })
  }
  expect(nameOf(placeOf('::1:7000'))).toBe('[::1]:7000')
  expect(placeOf('[::1]:7000')).toEqual({ host: '::1', port: 7_000 })
})
