import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { channel, channelsOf, keyOf, parseWireName, wireNameOf } from '../../lib/channels/names.ts'
import { PartylineError } from '../../lib/protocol/error.ts'

/** The code and the message of what a call throws. */
function thrown(call: () => unknown): [code: string, message: string] | undefined {
  try {
    call()
    return undefined
  } catch (error) {
    if (!(error instanceof PartylineError)) throw error
    return [error.code, error.message]
  }
}

describe('a channel', () => {
  test('has the names that other programs know', () => {
    expect(keyOf(channel('foobar', 'broadcast'))).toBe('broadcast:foobar')
    expect(keyOf(channel('foobar', 'user', 'ann'))).toBe('user:ann:foobar')
    expect(keyOf(channel('foobar', 'group', 'staff'))).toBe('group:staff:foobar')
    expect(keyOf(channel('foobar', 'session', 'wnqd0gbw5obpnj50zwh6yaq2yz4o8g9x'))).toBe(
      'session:wnqd0gbw5obpnj50zwh6yaq2yz4o8g9x:foobar',
    )
    expect(wireNameOf(channel('foobar', 'broadcast'))).toBe('broadcast')
    expect(wireNameOf(channel('foobar', 'user', 'ann'))).toBe('user')
    expect(wireNameOf(channel('foobar', 'group', 'staff'))).toBe('group:staff')
    expect(wireNameOf(channel('foobar', 'session', 'x'))).toBe('session')
  })

  test.each([
    ['', 'is empty'],
    ['a:b', 'has ":" in it'],
    ['{a', 'has "{" in it'],
    ['a}', 'has "}" in it'],
    ['a b', 'has the character U+0020 in it'],
    ['a\n', 'has the character U+000A in it'],
    ['a\u0000', 'has the character U+0000 in it'],
    ['a\u00a0', 'has the character U+00A0 in it'],
    ['a\u2028', 'has the character U+2028 in it'],
    ['a\u009f', 'has the character U+009F in it'],
    ['a\ud800', 'has the character U+D800 in it'],
    ['a'.repeat(129), 'has 129 characters: 128 are the most'],
    [undefined, 'is undefined: it has to be a string'],
    [null, 'is null: it has to be a string'],
    [7, 'is number: it has to be a string'],
    [['ann'], 'is object: it has to be a string'],
  ])('cannot be named %p', (name, fault) => {
    for (const audience of ['user', 'group', 'session'] as const)
      expect(thrown(() => channel('fac', audience, name as string))).toEqual([
        'INVALID_DATA',
        expect.stringContaining(`the name of a ${audience} ${fault}`),
      ])
    for (const audience of ['broadcast', 'user'] as const)
      expect(thrown(() => channel(name as string, audience, 'ann'))).toEqual([
        'INVALID_DATA',
        expect.stringContaining(`the name of a facility ${fault}`),
      ])
  })

  test.each(['ann', 'a'.repeat(128), 'Zoë', '名前', '😀', 'ann@example.org', 'a/b', '*', '%3A', '__proto__'])(
    'can be named %p',
    (name) => {
      expect(keyOf(channel(name, 'user', name))).toBe(`user:${name}:${name}`)
    },
  )

  test('is never that of another, whatever the names are', () => {
    const name = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 5 }),
      fc.constantFrom('a', 'b', 'a:b', ':', 'user'),
    )
    const audience = fc.constantFrom(
      'broadcast' as const,
      'user' as const,
      'group' as const,
      'session' as const,
    )
    const encoder = new TextEncoder()
    const one = fc.tuple(name, audience, name).map(([facility, audience, name]) => {
      const code = thrown(() => channel(facility, audience, name))
      if (code !== undefined) return undefined
      const made = channel(facility, audience, name)
      return { made, bytes: encoder.encode(keyOf(made)).join() }
    })
    fc.assert(
      fc.property(one, one, (one, other) => {
        if (one && other && one.bytes === other.bytes) expect(one.made).toEqual(other.made)
      }),
      { numRuns: 5_000 },
    )
  })
})

describe('a client', () => {
  test('asks by audience, and for one group by its name', () => {
    for (const audience of ['broadcast', 'user', 'session', 'group'] as const)
      expect(parseWireName(audience)).toEqual({ audience })
    expect(parseWireName('group:staff')).toEqual({ audience: 'group', name: 'staff' })
  })

  test.each([
    '',
    'Broadcast',
    'broadcast:fac',
    'user:bob',
    'session:x',
    'group:',
    'group:a:b',
    'group:a b',
    'groups',
    '__proto__',
    7,
    null,
    undefined,
    { audience: 'user' },
  ])('cannot ask for %p', (text) => {
    expect(thrown(() => parseWireName(text))?.[0]).toBe('INVALID_DATA')
  })

  test('gets what its identity carries, and nothing else', () => {
    const ann = { user: 'ann', groups: ['staff', 'ops', 'staff'], session: 'k3y' }
    const keys = (text: string, identity: Parameters<typeof channelsOf>[2]): string[] =>
      channelsOf(parseWireName(text), 'fac', identity).map(keyOf)
    expect(keys('broadcast', ann)).toEqual(['broadcast:fac'])
    expect(keys('user', ann)).toEqual(['user:ann:fac'])
    expect(keys('session', ann)).toEqual(['session:k3y:fac'])
    expect(keys('group', ann)).toEqual(['group:staff:fac', 'group:ops:fac'])
    expect(keys('group:ops', ann)).toEqual(['group:ops:fac'])
    expect(keys('group:boss', ann)).toEqual([])
    expect(keys('broadcast', undefined)).toEqual(['broadcast:fac'])
    for (const text of ['user', 'session', 'group', 'group:staff']) expect(keys(text, undefined)).toEqual([])
    expect(keys('session', { user: 'ann' })).toEqual([])
    expect(keys('group', { user: 'ann' })).toEqual([])
    expect(thrown(() => keys('user', { user: 'ann:fac' }))?.[0]).toBe('INVALID_DATA')
  })
})
