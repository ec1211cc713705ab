import { describe, expect, test } from 'bun:test'
import type { DialectPlace } from '../../lib/core/dialect.ts'
import { type Payload, withPosition } from '../../lib/protocol/codec.ts'
import { type Frame, several } from '../../lib/protocol/frame.ts'
import { SocketioCodec } from '../../lib/socketio/codec.ts'
import { Offsets } from '../../lib/socketio/offset.ts'
import { type Parts, unpack } from '../../lib/socketio/pack.ts'

const bytes = Uint8Array.from([1, 2, 3, 4])
const failure = { code: 'SEAT_TAKEN', message: 'seat 7 is taken', details: { free: [8] } }

function codecAt(path: string, place: Partial<DialectPlace> = {}, recovery = true): SocketioCodec {
  const whole = { path, isFixed: true, depth: 64, recovers: false, isShared: false, ...place }
  return new SocketioCodec(whole, { attachments: 10, offsets: new Offsets('00000000'), recovery })
}

/** As texts are read in tests: a text as it is, a pack as its parts. */
function shown(payload: Payload): string | unknown[] {
  if (typeof payload === 'string') return payload
  const { text, attachments } = unpack(payload)
  return [text, ...attachments]
}

const main = codecAt('/')
const admin = codecAt('/admin')

describe('what is sent is written, for the main namespace and another', () => {
  test.each<[Frame, string, string]>([
    [{ event: 'foo', args: [] }, '42["foo"]', '42/admin,["foo"]'],
    [{ event: 'foo', data: undefined }, '42["foo"]', '42/admin,["foo"]'],
    [{ event: 'foo', data: null }, '42["foo",null]', '42/admin,["foo",null]'],
    [{ event: 'foo', data: { a: [1] } }, '42["foo",{"a":[1]}]', '42/admin,["foo",{"a":[1]}]'],
    [{ event: 'foo', args: [1, undefined, 'x'] }, '42["foo",1,null,"x"]', '42/admin,["foo",1,null,"x"]'],
    [{ event: 'foo', data: 1, id: 12 }, '4212["foo",1]', '42/admin,12["foo",1]'],
    [{ event: 'foo', data: 1, id: 0 }, '420["foo",1]', '42/admin,0["foo",1]'],
    [{ ack: 13, data: 'bar' }, '4313["bar"]', '43/admin,13["bar"]'],
    [{ ack: 13 }, '4313[]', '43/admin,13[]'],
    [{ ack: 13, data: [1, 2] }, '4313[[1,2]]', '43/admin,13[[1,2]]'],
    [
      { ack: 456, data: several(1, '2', { 3: [false] }) },
      '43456[1,"2",{"3":[false]}]',
      '43/admin,456[1,"2",{"3":[false]}]',
    ],
    [{ ack: 0, data: several() }, '430[]', '43/admin,0[]'],
    [
      { ack: 5, error: failure },
      '435[{"error":{"code":"SEAT_TAKEN","message":"seat 7 is taken","details":{"free":[8]}}}]',
      '43/admin,5[{"error":{"code":"SEAT_TAKEN","message":"seat 7 is taken","details":{"free":[8]}}}]',
    ],
    [
      { error: { code: 'INTERNAL', message: 'no', event: 'x' } },
      '42["error",{"code":"INTERNAL","message":"no","event":"x"}]',
      '42/admin,["error",{"code":"INTERNAL","message":"no","event":"x"}]',
    ],
    [{ hello: { sid: 's', heartbeat: 1 } }, '40{"sid":"s"}', '40/admin,{"sid":"s"}'],
  ])('as text: %j', (frame, atMain, atAdmin) => {
    expect(main.encode(frame)).toBe(atMain)
    expect(admin.encode(frame)).toBe(atAdmin)
  })
})

describe('binary data leaves its place to a placeholder', () => {
  const placeholder = (num: number) => ({ _placeholder: true, num })
  test.each<[unknown, unknown]>([
    [bytes, placeholder(0)],
    [bytes.buffer, placeholder(0)],
    [new DataView(bytes.buffer), placeholder(0)],
    [Buffer.from(bytes), placeholder(0)],
    [{ a: [{ b: bytes }] }, { a: [{ b: placeholder(0) }] }],
    [{ toJSON: () => ({ b: bytes }) }, { b: placeholder(0) }],
    [{ toJSON: () => bytes }, placeholder(0)],
  ])('of whatever kind, wherever it is: %p', (data, written) => {
    expect(shown(main.encode({ event: 'baz', data }))).toEqual([
      `451-${JSON.stringify(['baz', written])}`,
      bytes,
    ])
  })

  test('each has its own, in the order of the text', () => {
    const [a, b] = [Uint8Array.from([1, 2]), Uint8Array.from([3, 4])]
    const list = `["baz",${JSON.stringify(placeholder(0))},${JSON.stringify(placeholder(1))}]`
    expect(shown(admin.encode({ event: 'baz', args: [a, b] }))).toEqual([`452-/admin,${list}`, a, b])
    expect(shown(main.encode({ event: 'baz', args: [a, a], id: 7 }))).toEqual([`452-7${list}`, a, a])
  })

  test('in acks and in the details of failures', () => {
    expect(shown(main.encode({ ack: 15, data: bytes }))).toEqual([
      '461-15[{"_placeholder":true,"num":0}]',
      bytes,
    ])
    const frame = { ack: 15, error: { code: 'X', message: 'no', details: bytes } }
    const body = '{"code":"X","message":"no","details":{"_placeholder":true,"num":0}}'
    expect(shown(main.encode(frame))).toEqual([`461-15[{"error":${body}}]`, bytes])
  })

  test('what was sent does not change with the memory that it was in', () => {
    const memory = Uint8Array.from([1, 2])
    const payload = main.encode({ event: 'baz', data: memory })
    memory.fill(9)
    expect(shown(payload)).toEqual([expect.any(String), Uint8Array.from([1, 2])])
  })

  test('found behind a great many values, and looked for in cycles without end', () => {
    const many = Array.from({ length: 20_000 }, () => ({}))
    expect(shown(main.encode({ event: 'baz', data: [many, bytes] }))).toEqual([
      expect.stringMatching(/^451-/),
      bytes,
    ])
    const cycle: Record<string, unknown> = {}
    cycle.a = { b: cycle, c: cycle, d: [cycle] }
    expect(() => main.encode({ event: 'baz', data: cycle })).toThrow(TypeError)
    expect(() => main.encode({ event: 'baz', data: [bytes, cycle] })).toThrow(TypeError)
  })
})

test.each<[Frame, string]>([
  [{ event: 'connect', data: 1 }, '"connect" is an event of Socket.IO\'s own'],
  [{ event: 'disconnect', args: [] }, '"disconnect" is an event of Socket.IO\'s own'],
  [{ event: 'foo', data: 1n }, 'BigInt'],
  [{ event: 'foo', args: [bytes, { _placeholder: true, num: 9 }] }, 'beside binary data'],
  [{ ping: 1 }, 'Socket.IO has no such thing as "ping"'],
  [{ received: 1 }, 'Socket.IO has no such thing as "received"'],
  [{ channel: 'user', data: 1 }, 'Socket.IO has no such thing as "channel"'],
])('what cannot be sent is a TypeError: %p', (frame, message) => {
  expect(() => main.encode(frame)).toThrow(TypeError)
  expect(() => main.encode(frame)).toThrow(message)
})

describe('what comes is read, the same from a whole message as from a connection', () => {
  test.each<[string, Frame]>([
    ['2["foo"]', { event: 'foo', args: [] }],
    ['2["foo",null]', { event: 'foo', data: null }],
    ['2["foo",[1]]', { event: 'foo', data: [1] }],
    ['2/admin,7["foo",1,2]', { event: 'foo', args: [1, 2], id: 7 }],
    ['2[5,1]', { event: '5', data: 1 }],
    ['31[]', { ack: 1 }],
    ['31["a"]', { ack: 1, data: 'a' }],
    ['31[["a"]]', { ack: 1, data: ['a'] }],
    ['31["a","b"]', { ack: 1, data: ['a', 'b'] }],
    ['31[{"error":{"code":"X","message":"no"}}]', { ack: 1, error: { code: 'X', message: 'no' } }],
    ['31[{"error":{"code":"X"}}]', { ack: 1, data: { error: { code: 'X' } } }],
    ['31[{"error":null}]', { ack: 1, data: { error: null } }],
    [
      '31[{"error":{"code":"X","message":"no"},"a":1}]',
      { ack: 1, data: { error: { code: 'X', message: 'no' }, a: 1 } },
    ],
  ])('%s', (text, frame) => {
    expect(main.decode(text)).toEqual(frame)
  })

  test.each<[Payload, string]>([
    ['0', '"connect" is no frame'],
    ['1', '"disconnect" is no frame'],
    ['2', 'a payload that is no array'],
    ['51-["foo"]', 'a packet without its attachments'],
    [Uint8Array.from([1]), 'bytes after the last part'],
    [Uint8Array.from([0, 0, 0, 1, 0x32]), 'a payload that is no array'],
  ])('%p is malformed', (payload, message) => {
    expect(() => main.decode(payload)).toThrow(message)
  })
})

describe('under a namespace of a path with parameters', () => {
  const rooms = codecAt('/rooms/:name', { isFixed: false })
  test.each<[Frame, string | unknown[]]>([
    [{ event: 'foo', data: 1 }, '42/rooms/tea,["foo",1]'],
    [{ event: 'foo', data: 1, id: 3 }, '42/rooms/tea,3["foo",1]'],
    [{ ack: 3, data: 1 }, '43/rooms/tea,3[1]'],
    [{ hello: { sid: 's', heartbeat: 1 } }, '40/rooms/tea,{"sid":"s"}'],
    [{ event: 'a-b', data: bytes }, ['451-/rooms/tea,["a-b",{"_placeholder":true,"num":0}]', bytes]],
    [{ ack: 3, data: bytes }, ['461-/rooms/tea,3[{"_placeholder":true,"num":0}]', bytes]],
  ])('%p', (frame, expected) => {
    const packets = rooms.packetsIn('/rooms/tea', rooms.encode(frame))
    const all: unknown = typeof packets === 'string' ? packets : [packets.text, ...packets.attachments]
    expect(all).toEqual(expected)
  })

  test('a broadcast is the same text for all who are in one, and the attachments for everybody', () => {
    const payload = rooms.encode({ event: 'foo', data: bytes }) as Uint8Array
    const [tea, coffee] = ['/rooms/tea', '/rooms/coffee'].map(
      (name) => rooms.packetsIn(name, payload) as Parts,
    )
    expect(tea?.attachments).toBe(coffee?.attachments as Uint8Array[])
    expect([tea?.text, coffee?.text].map((text) => text?.slice(0, 12))).toEqual([
      '451-/rooms/t',
      '451-/rooms/c',
    ])
  })

  test('another spelling of a fixed path is answered as it was asked', () => {
    expect(admin.packetsIn('/admin/', '42/admin,["foo"]')).toBe('42/admin/,["foo"]')
    expect(admin.packetsIn('/', '42/admin,["foo"]')).toBe('42["foo"]')
  })
})

describe('with connectionStateRecovery', () => {
  const codec = codecAt('/', { recovers: true })

  test('the hello has a pid', () => {
    const hello = { sid: 's', heartbeat: 1, recovery: { token: 't', window: 1, pos: 0 }, recovered: true }
    expect(codec.encode({ hello })).toBe('40{"sid":"s","pid":"t"}')
    expect(main.encode({ hello })).toBe('40{"sid":"s"}')
  })

  test.each<[Frame, string | unknown[]]>([
    [{ event: 'foo', data: 1, pos: 5 }, '42["foo",1,"00000000.5"]'],
    [{ event: 'foo', args: [], pos: 5 }, '42["foo","00000000.5"]'],
    [
      { event: 'foo', data: bytes, pos: 5 },
      ['451-["foo",{"_placeholder":true,"num":0},"00000000.5"]', bytes],
    ],
    [{ event: 'foo', data: 1, id: 2, pos: 5 }, '422["foo",1]'],
    [{ event: 'foo', data: 'text', id: 2 }, '422["foo","text"]'],
    [{ ack: 2, data: 'text', pos: 5 }, '432["text"]'],
    [{ error: { code: 'X', message: 'no' }, pos: 5 }, '42["error",{"code":"X","message":"no"}]'],
  ])('%p', (frame, expected) => {
    expect(shown(codec.encode(frame))).toEqual(expected)
  })

  test('an event without a position ends with no string, which clients would keep as an offset', () => {
    expect(codec.encode({ event: 'foo', data: 'text' })).toBe('42["foo","text", null]')
    expect(codec.encode({ event: 'foo', args: [] })).toBe('42["foo", null]')
    expect(codec.encode({ event: 'foo', data: 1 })).toBe('42["foo",1]')
    expect(main.encode({ event: 'foo', data: 'text' })).toBe('42["foo","text"]')
  })

  test.each<Frame & { event: string }>([
    { event: 'foo', data: 1 },
    { event: 'foo', data: 'text' },
    { event: 'foo', data: ', null]' },
    { event: 'foo', data: null },
    { event: 'foo', args: [] },
    { event: 'foo', args: ['a', bytes, 'b'] },
  ])('a position that comes later is the same: %p', (frame) => {
    const later = withPosition(codec, codec.encode(frame), 7)
    expect(shown(later)).toEqual(shown(codec.encode({ ...frame, pos: 7 })))
    expect(withPosition(main, main.encode(frame), 7)).toEqual(main.encode(frame))
  })

  test("in an order that nodes share, it is not this process's own", () => {
    const shared = codecAt('/', { recovers: true, isShared: true })
    expect(shared.encode({ event: 'foo', data: 1, pos: 5 })).toBe('42["foo",1,"5"]')
  })

  test('events are kept for who comes back, and nothing else', () => {
    expect(codec.keeps({ event: 'foo', data: 1 })).toBe(true)
    expect(codec.keeps({ event: 'foo', data: 1, id: 1 })).toBe(false)
    expect(codec.keeps({ ack: 1 })).toBe(false)
    expect(codec.keeps({ error: { code: 'X', message: 'no' } })).toBe(false)
  })

  test('only where the gateway and the app have it', () => {
    const all = [true, false].flatMap((recovers) =>
      [true, false].map((on) => codecAt('/', { recovers }, on).resumes),
    )
    expect(all).toEqual([true, false, false, false])
  })
})
