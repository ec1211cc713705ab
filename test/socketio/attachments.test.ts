import { describe, expect, test } from 'bun:test'
import { pack, unpack } from '../../lib/socketio/pack.ts'
import { connected } from './fakes.ts'

const [one, two] = [Uint8Array.from([1, 2]), Uint8Array.from([3, 4])]
const at = (num: unknown) => JSON.stringify({ _placeholder: true, num })

describe('binary data', () => {
  test('is put where placeholders stand, and arrives as one event', () => {
    const world = connected()
    world.receive(`52-["baz",${at(0)},${at(1)}]`, one)
    expect(world.session.frames).toEqual([])
    world.receive(two)
    expect(world.session.frames).toEqual([{ event: 'baz', args: [one, two] }])
    expect(world.clock.pending).toBe(0)
  })

  test('anywhere in the arguments, in any order, also in a namespace and with an id', () => {
    const world = connected(['/admin'])
    world.receive(`52-/admin,7["baz",{"a":[${at(1)}],"b":{"c":${at(0)}}}]`, one, two)
    expect(world.session.frames).toEqual([{ event: 'baz', data: { a: [two], b: { c: one } }, id: 7 }])
  })

  test('in an ack', () => {
    const world = connected()
    world.receive(`61-15["bar",${at(0)}]`, one)
    expect(world.session.frames).toEqual([{ ack: 15, data: ['bar', one] }])
  })

  test('that no placeholder stands for is left out', () => {
    const world = connected()
    world.receive('51-["baz",1]', one)
    expect(world.session.frames).toEqual([{ event: 'baz', data: 1 }])
  })

  test('a placeholder in a packet without attachments is data', () => {
    const world = connected()
    world.receive(`2["baz",${at(0)}]`)
    expect(world.session.frames).toEqual([{ event: 'baz', data: { _placeholder: true, num: 0 } }])
  })
})

test.each([
  [
    'text in the middle',
    [`52-["baz",${at(0)}]`, one, '2["foo"]'],
    'text in the middle of a packet with attachments',
  ],
  ['text at once', [`51-["baz",${at(0)}]`, '2["foo"]'], 'text in the middle of a packet with attachments'],
  ['stray binary', [one], 'binary data that belongs to no packet'],
  ['one too many', [`51-["baz",${at(0)}]`, one, two], 'binary data that belongs to no packet'],
  ['a placeholder beyond', [`51-["baz",${at(1)}]`, one], 'a placeholder of no attachment'],
  ['a negative placeholder', [`51-["baz",${at(-1)}]`, one], 'a placeholder of no attachment'],
  ['half a placeholder', [`51-["baz",${at(0.5)}]`, one], 'a placeholder of no attachment'],
  ['a placeholder of a word', [`51-["baz",${at('length')}]`, one], 'a placeholder of no attachment'],
  ['a placeholder of nothing', ['51-["baz",{"_placeholder":true}]', one], 'a placeholder of no attachment'],
  ['a placeholder twice', [`51-["baz",${at(0)},${at(0)}]`, one], 'two placeholders of one attachment'],
])('%s closes the connection', (_, messages, reason) => {
  const world = connected()
  world.receive(...messages)
  expect(world.engine.end).toEqual({ cause: 'forced close', code: 1002, reason })
  expect(world.session.ends).toEqual([[1002, reason]])
  expect(world.clock.pending).toBe(0)
})

test('a placeholder under "__proto__" sets none, and is answered', () => {
  const world = connected()
  world.receive(`51-3["baz",{"__proto__":${at(0)}}]`, one)
  expect(world.session.failures).toMatchObject([{ id: 3, message: '"__proto__" is no key' }])
  expect(world.engine.isOpen).toBe(true)
})

test('what is nested too deep is answered once all of it has come', () => {
  const world = connected()
  world.receive(`51-3["baz",${'['.repeat(64)}${at(0)}${']'.repeat(64)}]`, one, '2["next"]')
  expect(world.session.failures).toMatchObject([{ id: 3 }])
  expect(world.session.frames).toMatchObject([{ event: 'next' }])
})

test('what is nested so deep that no walk comes back from it is answered, too', () => {
  const world = connected()
  world.receive(`51-3["baz",${'['.repeat(400_000)}${']'.repeat(400_000)}]`, one, '2["next"]')
  expect(world.session.failures).toMatchObject([{ id: 3, message: 'nested deeper than 64 levels' }])
  expect(world.session.frames).toMatchObject([{ event: 'next' }])
})

test('an attachment that does not come closes the connection, each after its time', () => {
  const world = connected()
  world.receive(`52-["baz",${at(0)},${at(1)}]`)
  world.clock.advance(499)
  world.receive(one)
  world.clock.advance(499)
  expect(world.engine.isOpen).toBe(true)
  world.clock.advance(1)
  expect(world.fault).toBe('an attachment did not come in time')
  expect(world.clock.pending).toBe(0)
})

test('attachments are not waited for where the connection has ended', () => {
  const world = connected()
  world.receive(`51-["baz",${at(0)}]`)
  world.engine.finish({ cause: 'transport close', code: 1001, reason: '' })
  expect(world.clock.pending).toBe(0)
})

describe('a pack', () => {
  test('has each part after its length', () => {
    expect([...pack({ text: 'é', attachments: [one, new Uint8Array()] })]).toEqual([
      ...[0, 0, 0, 2, 0xc3, 0xa9],
      ...[0, 0, 0, 2, 1, 2],
      ...[0, 0, 0, 0],
    ])
  })

  test('is unpacked to what was packed, a byte order mark included', () => {
    const parts = { text: '\ufeff42', attachments: [one, new Uint8Array(), two] }
    expect(unpack(pack(parts))).toEqual(parts)
  })

  test.each([[[]], [[0, 0, 0]], [[0, 0, 0, 2, 1]], [[255, 255, 255, 255]], [[0, 0, 0, 0, 1]]])(
    '%p is none',
    (bytes) => {
      expect(() => unpack(Uint8Array.from(bytes))).toThrow(RangeError)
    },
  )
})
