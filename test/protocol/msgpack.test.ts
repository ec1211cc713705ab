import { describe, expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { decode as unpack } from '@msgpack/msgpack'
import { type Frame, PartylineError } from 'partyline'
import { msgpack } from 'partyline/msgpack'
import { readPage } from '../docs/markdown.ts'
import { bytes, hex, uint } from '../support/hex.ts'

const { decode, encode } = msgpack()

/** The error that a message is refused with. */
function refusal(message: string | Uint8Array, codec = msgpack()): unknown {
  try {
    codec.decode(message)
  } catch (error) {
    return error
  }
  return 'it was read'
}

/** An event "x" whose one argument is these bytes. */
const alone = (value: string): Uint8Array => bytes(`93 00 a1'x' 91 ${value}`)
/** What a handler of that event gets. */
const read = (value: string): unknown => (decode(alone(value)) as { data?: unknown }).data

describe('both ways', () => {
  test.each<[string, string, Frame]>([
    ['an event', "93 00 a4'join' 91 81 a4'user' a3'Ann'", { event: 'join', data: { user: 'Ann' } }],
    ['an event with nil', "93 00 a4'join' 91 c0", { event: 'join', data: null }],
    ['several arguments', "93 00 a6'notice' 93 01 02 a1'!'", { event: 'notice', args: [1, 2, '!'] }],
    ['no argument', "93 00 a6'notice' 90", { event: 'notice', args: [] }],
    ['a request', "94 00 a4'join' 91 80 07", { event: 'join', data: {}, id: 7 }],
    ['a request of several arguments', "94 00 a1'x' 92 01 02 00", { event: 'x', args: [1, 2], id: 0 }],
    ['a request without arguments', "94 00 a1'x' 90 07", { event: 'x', args: [], id: 7 }],
    ['an event with a position', "95 00 a1'x' 91 01 c0 cd012c", { event: 'x', data: 1, pos: 300 }],
    ['a request with a position', "95 00 a1'x' 92 01 02 07 09", { event: 'x', args: [1, 2], id: 7, pos: 9 }],
    ['an ack', "93 01 07 81 a6'guests' 02", { ack: 7, data: { guests: 2 } }],
    ['an ack of nil', '93 01 07 c0', { ack: 7, data: null }],
    ['an ack of nothing', '92 01 07', { ack: 7 }],
    ['an ack with a position', "94 01 07 a2'ok' 09", { ack: 7, data: 'ok', pos: 9 }],
    [
      'the failure of a request',
      "93 02 07 83 a4'code' a5'TAKEN' a7'message' a5'taken' a7'details' 81 a4'free' 91 08",
      { ack: 7, error: { code: 'TAKEN', message: 'taken', details: { free: [8] } } },
    ],
    [
      'a failure with a position',
      "94 02 07 82 a4'code' a1'X' a7'message' a1'y' 09",
      { ack: 7, error: { code: 'X', message: 'y' }, pos: 9 },
    ],
    [
      'the failure of what asked for no ack',
      "93 02 c0 83 a4'code' a1'X' a7'message' a1'y' a5'event' a4'jion'",
      { error: { code: 'X', message: 'y', event: 'jion' } },
    ],
    [
      'that with a position',
      "94 02 c0 82 a4'code' a1'X' a7'message' a1'y' 09",
      { error: { code: 'X', message: 'y' }, pos: 9 },
    ],
    ['hello', "92 03 82 a3'sid' a3'a-b' a9'heartbeat' cd61a8", { hello: { sid: 'a-b', heartbeat: 25_000 } }],
    [
      'hello on a gateway with recovery',
      "92 03 85 a3'sid' a1's' a9'heartbeat' 01 a8'recovery' 83 a5'token' a1't' a6'window' 02 a3'pos' 03 a9'recovered' c3 a8'received' 04",
      {
        hello: {
          sid: 's',
          heartbeat: 1,
          recovery: { token: 't', window: 2, pos: 3 },
          recovered: true,
          received: 4,
        },
      },
    ],
    ['a ping', '92 04 01', { ping: 1 }],
    ['a pong', '92 05 01', { pong: 1 }],
    ['a ping with a fraction', '92 04 cb3ff8000000000000', { ping: 1.5 }],
    ['what arrived', '92 06 cd0100', { received: 256 }],
    ['subscribing', "93 07 a5'group' 03", { subscribe: 'group', id: 3 }],
    ['subscribing without an id', "92 07 a4'user'", { subscribe: 'user' }],
    ['subscribing from a position on', "94 07 a4'user' 03 11", { subscribe: 'user', id: 3, after: 17 }],
    ['that without an id', "94 07 a4'user' c0 11", { subscribe: 'user', after: 17 }],
    ['subscribing no more', "93 08 a5'group' 04", { unsubscribe: 'group', id: 4 }],
    ['publishing', "93 09 a4'user' a2'hi'", { publish: 'user', data: 'hi' }],
    ['publishing with an id', "94 09 a4'user' a2'hi' 05", { publish: 'user', data: 'hi', id: 5 }],
    ['publishing nil', "94 09 a4'user' c0 05", { publish: 'user', data: null, id: 5 }],
    ['publishing nothing', "92 09 a4'user'", { publish: 'user' }],
    ['publishing with a position', "95 09 a4'user' 01 c0 09", { publish: 'user', data: 1, pos: 9 }],
    ['a message of a channel', "94 0a a4'user' a2'hi' 11", { channel: 'user', data: 'hi', at: 17 }],
    [
      'one without a position',
      "93 0a a4'user' c403 0080ff",
      { channel: 'user', data: new Uint8Array([0, 128, 255]) },
    ],
    ['one of nil', "94 0a a4'user' c0 11", { channel: 'user', data: null, at: 17 }],
    ['what is lost of a channel', "95 0a a4'user' c0 11 c3", { channel: 'user', at: 17, lost: true }],
    ['watching a room', "93 0b a5'lobby' 06", { watch: 'lobby', id: 6 }],
    ['watching it no more', "93 0c a5'lobby' 07", { unwatch: 'lobby', id: 7 }],
    [
      'who is present',
      "93 0d a5'lobby' 83 a6'joined' 91 82 a2'id' a1'a' a5'state' 80 a7'changed' 90 a4'left' 91 a1'b'",
      { presence: 'lobby', joined: [{ id: 'a', state: {} }], changed: [], left: ['b'] },
    ],
    ['who has left', "93 0d a5'lobby' 81 a4'left' 91 a1'b'", { presence: 'lobby', left: ['b'] }],
    ['the greatest id', "94 00 a1'x' 90 cf001fffffffffffff", { event: 'x', args: [], id: 2 ** 53 - 1 }],
    ['text of any script', "93 00 a9'é☃𝄞' 91 c0", { event: 'é☃𝄞', data: null }],
  ])('%s', (_, text, frame) => {
    expect(decode(bytes(text))).toEqual(frame)
    expect(hex(encode(frame))).toBe(hex(bytes(text)))
  })
})

describe('the table of docs/protocol.md', () => {
  const path = 'docs/protocol.md'
  const page = readPage(path, readFileSync(join(import.meta.dir, '../..', path), 'utf8'))
  const rows = (page.rows.get('MessagePack') ?? []).map((row) => row.map((cell) => cell.replaceAll('`', '')))

  test('has all kinds of frames', () => {
    expect(new Set(rows.map(([, list = '']) => list.match(/\d+/)?.[0]))).toEqual(
      new Set(Array.from({ length: 14 }, (_, kind) => String(kind))),
    )
  })

  test.each(rows)('%s is %s', (text, list, message) => {
    const frame = JSON.parse(text) as Frame
    expect(unpack(bytes(message))).toEqual(JSON.parse(list))
    expect(decode(bytes(message))).toEqual(frame)
    expect(hex(encode(frame))).toBe(hex(bytes(message)))
  })
})

describe('what is sent', () => {
  test.each<[string, Frame, string]>([
    ['an event whose one argument is undefined', { event: 'x', data: undefined }, "93 00 a1'x' 90"],
    ['one whose only of several is', { event: 'x', args: [undefined] }, "93 00 a1'x' 91 c0"],
    ['one whose last of several is', { event: 'x', args: [1, undefined] }, "93 00 a1'x' 92 01 c0"],
    ['an ack that is undefined', { ack: 1, data: undefined }, '92 01 01'],
    ['an ack that is undefined, with a position', { ack: 1, data: undefined, pos: 2 }, '94 01 01 c0 02'],
    [
      'details that are undefined',
      { ack: 1, error: { code: 'X', message: 'y', details: undefined } },
      "93 02 01 82 a4'code' a1'X' a7'message' a1'y'",
    ],
    [
      'a position that is undefined',
      { event: 'x', args: [], id: undefined, pos: undefined },
      "93 00 a1'x' 90",
    ],
  ])('%s', (_, frame, text) => {
    expect(hex(encode(frame))).toBe(hex(bytes(text)))
  })

  test('the payload is a copy: later frames and changes of the data leave it as it is', () => {
    const data = new Uint8Array([1, 2, 3])
    const payload = encode({ event: 'x', data }) as Uint8Array
    const before = hex(payload)
    data.fill(9)
    for (let i = 0; i < 10; i++) encode({ event: 'other', data: 'z'.repeat(1_000) })
    expect(hex(payload)).toBe(before)
    expect(payload.buffer.byteLength).toBe(payload.length)
  })

  test('a frame that is encoded while another is, by a toJSON, disturbs neither', () => {
    let inner: unknown
    const data = {
      toJSON() {
        inner = encode({ event: 'inner', data: 2 })
        return 1
      },
    }
    expect(hex(encode({ event: 'x', data: [data, 'end'] }))).toBe(hex(bytes("93 00 a1'x' 91 92 01 a3'end'")))
    expect(hex(inner as Uint8Array)).toBe(hex(bytes("93 00 a5'inner' 91 02")))
  })
})

describe('what arrives', () => {
  test.each<[string, string, object]>([
    ['an event that ends after its name', "92 00 a1'x'", { event: 'x', args: [] }],
    ['an event without arguments', "93 00 a1'x' 90", { event: 'x', args: [] }],
    ['nil for an id', "94 00 a1'x' 90 c0", { event: 'x', args: [] }],
    ['nil for a position', "95 00 a1'x' 90 07 c0", { event: 'x', args: [], id: 7 }],
    [
      'more than this version knows',
      "96 00 a1'x' 91 01 07 09 a3'new'",
      { event: 'x', data: 1, id: 7, pos: 9 },
    ],
    [
      'an id in a longer format than it needs',
      "94 00 a1'x' 90 cf0000000000000007",
      { event: 'x', args: [], id: 7 },
    ],
    ['an id as a signed integer', "94 00 a1'x' 90 d30000000000000007", { event: 'x', args: [], id: 7 }],
    ['an id as a float', "94 00 a1'x' 90 cb401c000000000000", { event: 'x', args: [], id: 7 }],
    ['the frame as an array of 16 bits', "dc0003 00 a1'x' 91 01", { event: 'x', data: 1 }],
    ['the frame as an array of 32 bits', "dd00000003 00 a1'x' dd00000001 01", { event: 'x', data: 1 }],
    [
      'the last of two of the same key',
      "93 00 a1'x' 91 82 a1'a' 01 a1'a' 02",
      { event: 'x', data: { a: 2 } },
    ],
    [
      'members of an error that nobody knows',
      "93 02 07 83 a4'code' a1'X' a7'message' a1'y' a3'new' 01",
      { ack: 7, error: { code: 'X', message: 'y', new: 1 } },
    ],
  ])('%s', (_, text, frame) => {
    expect(decode(bytes(text))).toEqual(frame as Frame)
  })

  test('an event with one argument has data, however the argument came', () => {
    expect(decode(alone('c0'))).toStrictEqual({ event: 'x', data: null })
    expect(decode(alone('90'))).toStrictEqual({ event: 'x', data: [] })
  })

  test('bytes are in memory of their own, which nothing else is in', () => {
    const message = Buffer.from(alone("82 a1'a' c403 010203 a1'b' 91 c402 0405"))
    const { data } = decode(message) as { data: { a: Uint8Array; b: [Uint8Array] } }
    message.fill(0)
    for (const [part, expected] of [
      [data.a, [1, 2, 3]],
      [data.b[0], [4, 5]],
    ] as const) {
      expect(Object.getPrototypeOf(part)).toBe(Uint8Array.prototype)
      expect([...part]).toEqual([...expected])
      expect([part.byteOffset, part.buffer.byteLength]).toEqual([0, part.length])
    }
  })

  test('a message may lie anywhere in its memory', () => {
    const frame = alone(
      "84 a1'a' c402 0102 a1'b' d6ff00000001 a1'c' cf0000000000000001 a1'd' cb3ff8000000000000",
    )
    const memory = new Uint8Array(frame.length + 20).fill(0xc1)
    memory.set(frame, 7)
    const message = memory.subarray(7, 7 + frame.length)
    expect(decode(message)).toEqual({
      event: 'x',
      data: { a: new Uint8Array([1, 2]), b: new Date(1_000), c: 1, d: 1.5 },
    })
  })
})

/** Values in each format of the specification, by hand. */
describe('each format is read', () => {
  const text = (length: number) => 'abcdefgh'.repeat(Math.ceil(length / 8)).slice(0, length)
  const filled = (length: number) => `'${text(length)}'`
  const nils = (count: number) => 'c0'.repeat(count)
  const keys = (count: number) =>
    Array.from({ length: count }, (_, i) => `a6'k${String(i).padStart(5, '0')}' c3`).join(' ')
  const object = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${String(i).padStart(5, '0')}`, true]))

  test.each<[string, string, unknown]>([
    ['nil', 'c0', null],
    ['false', 'c2', false],
    ['true', 'c3', true],
    ['positive fixint', '00', 0],
    ['positive fixint', '7f', 127],
    ['negative fixint', 'ff', -1],
    ['negative fixint', 'e0', -32],
    ['uint 8', 'cc80', 128],
    ['uint 8', 'ccff', 255],
    ['uint 16', 'cd0100', 256],
    ['uint 16', 'cdffff', 65_535],
    ['uint 32', 'ce00010000', 65_536],
    ['uint 32', 'ceffffffff', 4_294_967_295],
    ['uint 64', 'cf0000000100000000', 4_294_967_296],
    ['uint 64', 'cf001fffffffffffff', 9_007_199_254_740_991],
    ['uint 64', 'cf0020000000000000', 9_007_199_254_740_992n],
    ['uint 64', 'cfffffffffffffffff', 18_446_744_073_709_551_615n],
    ['int 8', 'd0df', -33],
    ['int 8', 'd080', -128],
    ['int 8', 'd07f', 127],
    ['int 16', 'd1ff7f', -129],
    ['int 16', 'd18000', -32_768],
    ['int 32', 'd2ffff7fff', -32_769],
    ['int 32', 'd280000000', -2_147_483_648],
    ['int 64', 'd3ffffffff7fffffff', -2_147_483_649],
    ['int 64', 'd3ffe0000000000001', -9_007_199_254_740_991],
    ['int 64', 'd3ffe0000000000000', -9_007_199_254_740_992n],
    ['int 64', 'd38000000000000000', -9_223_372_036_854_775_808n],
    ['float 32', 'ca3fc00000', 1.5],
    ['float 32', 'ca7f800000', Number.POSITIVE_INFINITY],
    ['float 64', 'cb3fb999999999999a', 0.1],
    ['float 64', 'cbc1cdcd6500000000', -1e9],
    ['float 64', 'cb7ff8000000000000', Number.NaN],
    ['float 64', 'cb8000000000000000', -0],
    ['fixstr', 'a0', ''],
    ['fixstr', `bf ${filled(31)}`, text(31)],
    ['str 8', `d920 ${filled(32)}`, text(32)],
    ['str 8', `d9ff ${filled(255)}`, text(255)],
    ['str 16', `da0100 ${filled(256)}`, text(256)],
    ['str 32', `db00010000 ${filled(65_536)}`, text(65_536)],
    ['bin 8', 'c400', new Uint8Array()],
    ['bin 8', 'c403 0080ff', new Uint8Array([0, 128, 255])],
    ['bin 16', `c50100 ${'7f'.repeat(256)}`, new Uint8Array(256).fill(127)],
    ['bin 32', `c600010000 ${'01'.repeat(65_536)}`, new Uint8Array(65_536).fill(1)],
    ['fixarray', '90', []],
    ['fixarray', `9f ${nils(15)}`, Array(15).fill(null)],
    ['array 16', `dc0010 ${nils(16)}`, Array(16).fill(null)],
    ['array 32', `dd00010000 ${nils(65_536)}`, Array(65_536).fill(null)],
    ['fixmap', '80', {}],
    ['fixmap', `8f ${keys(15)}`, object(15)],
    ['map 16', `de0010 ${keys(16)}`, object(16)],
    ['map 32', `df00010000 ${keys(65_536)}`, object(65_536)],
    ['timestamp 32', 'd6ff 5a4ac608', new Date('2018-01-01T23:36:40Z')],
    ['timestamp 32', 'd6ff ffffffff', new Date('2106-02-07T06:28:15Z')],
    ['timestamp 64', 'd7ff 1dcd6500 5a4ac608', new Date('2018-01-01T23:36:40.125Z')],
    ['timestamp 64', 'd7ff 00000003 ffffffff', new Date('2514-05-30T01:53:03Z')],
    ['timestamp 64', 'd7ff ee6b27fc 00000000', new Date(999)],
    ['timestamp 96', 'c70cff 3b8b87c0 ffffffffffffffff', new Date(-1)],
    ['timestamp 96', 'c70cff 00000000 000007dba8218000', new Date(8.64e15)],
    ['timestamp 96', 'c70cff 00000000 fffff82457de8000', new Date(-8.64e15)],
    ['timestamp in ext 16', 'c80004ff 00000001', new Date(1_000)],
    ['timestamp in ext 32', 'c900000004ff 00000001', new Date(1_000)],
  ])('%s: %p', (_, value, expected) => {
    expect(read(value)).toStrictEqual(expected as never)
  })

  test('which is as short as it can be when it is sent', () => {
    const sent: [value: unknown, text: string][] = [
      [null, 'c0'],
      [true, 'c3'],
      [127, '7f'],
      [-32, 'e0'],
      [128, 'cc80'],
      [256, 'cd0100'],
      [65_536, 'ce00010000'],
      [4_294_967_295, 'ceffffffff'],
      [4_294_967_296, 'cf0000000100000000'],
      [9_007_199_254_740_991, 'cf001fffffffffffff'],
      [9_007_199_254_740_992, 'cb4340000000000000'],
      [-33, 'd0df'],
      [-128, 'd080'],
      [-129, 'd1ff7f'],
      [-32_768, 'd18000'],
      [-32_769, 'd2ffff7fff'],
      [-2_147_483_648, 'd280000000'],
      [-2_147_483_649, 'd3ffffffff7fffffff'],
      [-9_007_199_254_740_991, 'd3ffe0000000000001'],
      [18_446_744_073_709_551_615n, 'cfffffffffffffffff'],
      [-9_223_372_036_854_775_808n, 'd38000000000000000'],
      [0.1, 'cb3fb999999999999a'],
      [text(31), `bf ${filled(31)}`],
      [text(32), `d920 ${filled(32)}`],
      [text(256), `da0100 ${filled(256)}`],
      [text(65_536), `db00010000 ${filled(65_536)}`],
      [new Uint8Array(3), 'c403 000000'],
      [new Uint8Array(256), `c50100 ${'00'.repeat(256)}`],
      [new Uint8Array(65_536), `c600010000 ${'00'.repeat(65_536)}`],
      [Array(15).fill(null), `9f ${nils(15)}`],
      [Array(16).fill(null), `dc0010 ${nils(16)}`],
      [Array(65_536).fill(null), `dd00010000 ${nils(65_536)}`],
      [object(15), `8f ${keys(15)}`],
      [object(16), `de0010 ${keys(16)}`],
      [object(65_536), `df00010000 ${keys(65_536)}`],
      [new Date('2018-01-01T23:36:40Z'), 'd6ff 5a4ac608'],
      [new Date('2018-01-01T23:36:40.125Z'), 'd7ff 1dcd6500 5a4ac608'],
      [new Date(-1), 'c70cff 3b8b87c0 ffffffffffffffff'],
    ]
    for (const [data, text] of sent) expect(hex(encode({ event: 'x', data }))).toBe(hex(alone(text)))
  })

  // The library reads texts of more than 200 bytes by a TextDecoder that drops a byte order mark at the beginning.
  test.each([197, 198, 251, 252, 253, 65_533])('a text of a byte order mark and %p bytes more', (length) => {
    const marked = `\ufeff${text(length)}`
    const long = (size: number) => (size < 256 ? `d9${uint(size, 1)}` : `da${uint(size, 2)}`)
    const head = length + 3 < 65_536 ? long(length + 3) : `db${uint(length + 3, 4)}`
    const one = `${head} efbbbf ${filled(length)}`
    expect(read(one)).toBe(marked)
    expect(read(`93 ${one} 01 82 a1'k' ${one} ${one} c3`)).toEqual([marked, 1, { k: marked, [marked]: true }])
    expect(hex(encode({ event: 'x', data: marked }))).toBe(hex(alone(one)))
  })
})

describe('what is no frame is refused as MALFORMED_FRAME, in words', () => {
  test.each<[string, string]>([
    ['', 'a frame is an array in MessagePack, such as [0, "hello", [1]]'],
    ['00', 'a frame is an array in MessagePack, such as [0, "hello", [1]]'],
    ["81 a5'event' a1'x'", 'a frame is an array in MessagePack, such as [0, "hello", [1]]'],
    [`'{"event":"x"}'`, 'a frame is an array in MessagePack, such as [0, "hello", [1]]'],
    ['90', 'a frame begins with what it is, from 0 for an event to 13'],
    ["92 0e a1'x'", 'a frame begins with what it is, from 0 for an event to 13'],
    ['92 ff 01', 'a frame begins with what it is, from 0 for an event to 13'],
    ["92 a1'0' a1'x'", 'a frame begins with what it is, from 0 for an event to 13'],
    ['91 00', '"event" is not a non-empty string'],
    ['93 00 a0 90', '"event" is not a non-empty string'],
    ["93 00 91 a1'x' 90", '"event" is not a non-empty string'],
    ["93 00 c401'x' 90", '"event" is not a non-empty string'],
    ["93 00 a1'x' c0", '"args" is not an array'],
    ["93 00 a1'x' 01", '"args" is not an array'],
    ["93 00 a1'x' 80", '"args" is not an array'],
    ["94 00 a1'x' 90 ff", '"id" is not a non-negative integer'],
    ["94 00 a1'x' 90 a1'7'", '"id" is not a non-negative integer'],
    ["94 00 a1'x' 90 cb3ff8000000000000", '"id" is not a non-negative integer'],
    ["94 00 a1'x' 90 cf0020000000000000", '"id" is not a non-negative integer'],
    ["95 00 a1'x' 90 c0 ff", '"pos" is not a non-negative integer'],
    ['91 01', '"ack" is not a non-negative integer'],
    ['93 01 ff 01', '"ack" is not a non-negative integer'],
    ['93 01 c0 01', '"ack" is not a non-negative integer'],
    ['94 01 07 01 ff', '"pos" is not a non-negative integer'],
    ["93 02 a1'7' 82 a4'code' a1'X' a7'message' a1'y'", '"ack" is not a non-negative integer'],
    ['92 02 07', '"error" has no code and message'],
    ['93 02 07 c0', '"error" has no code and message'],
    ['93 02 07 c401 00', '"error" has no code and message'],
    ["93 02 07 81 a4'code' a1'X'", '"error" has no code and message'],
    ['91 03', 'a hello carries a map'],
    ['92 03 90', 'a hello carries a map'],
    ['92 03 c401 00', 'a hello carries a map'],
    ['92 03 d6ff00000001', 'a hello carries a map'],
    ['91 04', 'a ping or pong carries a number'],
    ["92 04 a1'1'", 'a ping or pong carries a number'],
    ['92 05 cb7ff8000000000000', 'a ping or pong carries a number'],
    ['92 05 ca7f800000', 'a ping or pong carries a number'],
    ['92 04 cfffffffffffffffff', 'a ping or pong carries a number'],
    ['92 06 ff', '"received" is not a non-negative integer'],
    ["92 a1'7' a1'x'", 'a frame begins with what it is, from 0 for an event to 13'],
    ["92 cb401d000000000000 a1'x'", 'a frame begins with what it is, from 0 for an event to 13'],
    ['91 07', '"subscribe" is not a non-empty string'],
    ['92 08 a0', '"unsubscribe" is not a non-empty string'],
    ['92 09 c0', '"publish" is not a non-empty string'],
    ["92 0a c401'x'", '"channel" is not a non-empty string'],
    ['92 0b 01', '"watch" is not a non-empty string'],
    ['92 0c 90', '"unwatch" is not a non-empty string'],
    ['93 0d c0 80', '"presence" is not a non-empty string'],
    [`92 0b da0401 '${'x'.repeat(1_025)}'`, '"watch" is longer than 1024 characters'],
    ["93 07 a1'x' ff", '"id" is not a non-negative integer'],
    ["94 07 a1'x' 01 ff", '"after" is not a non-negative integer'],
    ["93 0b a1'x' a1'7'", '"id" is not a non-negative integer'],
    ["95 09 a1'x' 01 02 ff", '"pos" is not a non-negative integer'],
    ["94 0a a1'x' 01 ff", '"at" is not a non-negative integer'],
    ["95 0a a1'x' c0 01 c2", '"lost" is not true'],
    ["92 0d a1'x'", 'a presence carries a map'],
    ["93 0d a1'x' 90", 'a presence carries a map'],
    ["93 0d a1'x' 81 a6'joined' 80", '"joined" is not an array of members, each with an id'],
    ["93 0d a1'x' 81 a7'changed' 91 c0", '"changed" is not an array of members, each with an id'],
    ["93 0d a1'x' 81 a4'left' 91 01", '"left" is not an array of ids'],
  ])('%s', (text, message) => {
    expect(refusal(bytes(text))).toMatchObject({ name: 'PartylineError', code: 'MALFORMED_FRAME', message })
  })

  test('a text', () => {
    const error = refusal('[0,"x",[]]')
    expect(error).toBeInstanceOf(PartylineError)
    expect(error).toMatchObject({ message: 'MessagePack frames are binary messages; this one is text' })
  })
})

describe('a frame that is refused can be answered where its id can be read', () => {
  const deep = `${'91'.repeat(70)} c0`

  test.each<[string, number | undefined]>([
    ['94 00 05 90 07', 7],
    ['93 07 05 07', 7],
    ["94 07 a1'x' 07 ff", 7],
    ['93 08 a1ff 07', 7],
    ['94 09 a1ff 01 07', 7],
    ["94 09 a1'x' 91 c1 07", undefined],
    [`94 09 a1'x' ${deep} 07`, 7],
    ['93 0b a1ff 07', 7],
    ['93 0c 01 07', 7],
    ['94 0a a1ff 01 07', undefined],
    ['93 0d a1ff 07', undefined],
    ["94 00 a1'x' 05 07", 7],
    ["94 00 a1'x' 05 cc80", 128],
    ["95 00 a1'x' 90 07 ff", 7],
    [`94 00 a1'x' 91 ${deep} 07`, 7],
    [`94 00 a1'x' 92 ${deep} c0 cd0100`, 256],
    ["94 00 a1'x' 91 81 a9'__proto__' 01 07", 7],
    ["94 00 a1'x' 91 81 01 01 07", 7],
    ["94 00 a1'x' 91 c1 07", undefined],
    ["94 00 a1'x' 91 a1ff 07", 7],
    ['94 00 a1ff 91 01 ce00010000', 65_536],
    ["94 00 a1'x' 91 d40500 d107ff", 2_047],
    ["94 00 a1'x' 91 d6ff00000001 07 c0", 7],
    ["94 00 a1'x' 90 07 c1", 7],
    ["94 00 a1'x' 90 d30000000000000007 c1", 7],
    ["94 00 a1'x' 91 a1ff ff", undefined],
    ["94 00 a1'x' 91 a1ff d1ffff", undefined],
    ["94 00 a1'x' 91 a1ff cf0020000000000000", undefined],
    ["94 00 a1'x' 91 a1ff cb401c000000000000", undefined],
    ["94 00 a1'x' 91 a1ff a1'7'", undefined],
    ["94 00 a1'x' 91 a1ff ca00000007", undefined],
    ["94 00 a1'x' 91 a1ff cd01", undefined],
    ["93 00 a1'x' 91 a1ff 07", undefined],
    ["94 00 a1'x' 91 a1ff", undefined],
    ["94 00 a1'x' 95 a1ff 07", undefined],
    ["93 00 a1'x' 91 a1ff", undefined],
    ['94 01 07 a1ff 09', undefined],
    ["94 00 a1'x' 90 ff", undefined],
  ])('%s', (text, id) => {
    expect(refusal(bytes(text))).toMatchObject({ code: 'MALFORMED_FRAME', id })
  })
})

describe('options', () => {
  test("`within` gives the app's depth to a codec that was given none", () => {
    const nested = (levels: number) => alone(`${'91'.repeat(levels)} c0`)
    const reads = (codec: ReturnType<typeof msgpack> | undefined, levels: number) => {
      expect(() => codec?.decode(nested(levels))).not.toThrow()
      expect(refusal(nested(levels + 1), codec)).toMatchObject({
        message: `nested deeper than ${levels + 1} levels`,
      })
    }
    reads(msgpack(), 63)
    reads(msgpack({ depth: 5 }), 4)
    reads(msgpack().within?.({ depth: 10 }), 9)
    reads(msgpack({ depth: 5 }).within?.({ depth: 10 }), 4)
    reads(msgpack().within?.({ depth: Number.POSITIVE_INFINITY }), 999)
    reads(msgpack({ depth: 5_000 }), 999)
  })
})
