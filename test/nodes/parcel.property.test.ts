import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { type Letter, packLetter, unpackLetter } from '../../lib/nodes/letter.ts'
import { pack, unpack } from '../../lib/nodes/parcel.ts'
import { packRoomMessage, type RoomMessage, unpackRoomMessage } from '../../lib/nodes/room-message.ts'
import { bytes as bytesOf } from '../support/hex.ts'

/** Texts that UTF-8 can say: what a codec makes is sent as WebSocket text. */
const text = fc.oneof(fc.string({ unit: 'binary' }), fc.constant('\ufeff'), fc.constant('\0'))
const payload = fc.oneof(text, fc.uint8Array())
/** Names may be any text of JavaScript. */
const name = fc.oneof(text, fc.constant('\ud800'), fc.constant('a\udfff'), fc.constant('__proto__'))

const roomMessage: fc.Arbitrary<RoomMessage> = fc.record({
  rooms: fc.option(fc.array(name), { nil: undefined }),
  exceptIds: fc.array(name),
  exceptRooms: fc.array(name),
  payloads: fc.dictionary(name, payload).map((all) => new Map(Object.entries(all))),
})

/** What JSON carries as it is, and bytes. */
const { plain } = fc.letrec((tie) => ({
  plain: fc.oneof(
    { maxDepth: 4 },
    fc.oneof(
      name,
      fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => n + 0),
      fc.boolean(),
      fc.constant(null),
    ),
    fc.uint8Array(),
    fc.string().map((one) => `\0${one}`),
    fc.array(tie('plain')),
    fc
      .dictionary(name, tie('plain'), { noNullPrototype: true })
      .filter((one) => !Object.hasOwn(one, '__proto__')),
  ),
}))

/** A part of something larger, as it comes from a broker. */
function within(bytes: Uint8Array): Uint8Array {
  const larger = new Uint8Array(bytes.length + 8).fill(0xff)
  larger.set(bytes, 3)
  return larger.subarray(3, 3 + bytes.length)
}

/** Bytes that are nearly right: some of them changed, cut off or added. */
function spoilt(packed: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
  return fc
    .tuple(
      packed,
      fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 3 }),
      fc.nat(),
      fc.uint8Array(),
    )
    .map(([bytes, changes, length, more]) => {
      const copy = bytes.slice()
      for (const [at, byte] of changes) copy[at % (copy.length || 1)] = byte
      return new Uint8Array([
        ...copy.subarray(0, length % 4 === 0 ? length % (copy.length + 1) : copy.length),
        ...more,
      ])
    })
}

describe('a parcel', () => {
  test('is what it was', () => {
    fc.assert(
      fc.property(text, fc.array(payload), (text, payloads) => {
        expect(unpack(within(pack({ text, payloads })))).toEqual({ text, payloads })
      }),
    )
  })

  test('is written so', () => {
    expect(pack({ text: '[0]', payloads: ['é', bytesOf('ff')] })).toEqual(
      bytesOf("00 00 00 02 00 00 00 03 80 00 00 02 00 00 00 01 '[0]' 'é' ff"),
    )
    expect(pack({ text: '', payloads: [] })).toEqual(bytesOf('00 00 00 00 00 00 00 00'))
  })

  test('is none where lengths do not fit, or a text is no UTF-8', () => {
    const broken = [
      '',
      '00 00 00 00',
      '00 00 00 00 00 00 00',
      '00 00 00 00 00 00 00 01',
      "00 00 00 00 00 00 00 01 'ab'",
      'ff ff ff ff 00 00 00 00',
      '00 00 00 01 00 00 00 00 80 00 00 01 ff',
      '00 00 00 00 00 00 00 01 80',
    ]
    expect(broken.map((one) => unpack(bytesOf(one)))).toEqual(broken.map(() => undefined))
  })
})

describe('a broadcast', () => {
  test('is what it was', () => {
    fc.assert(
      fc.property(roomMessage, (message) => {
        expect(unpackRoomMessage(within(packRoomMessage(message)))).toEqual(message)
      }),
    )
  })

  test('is written so', () => {
    const payloads = new Map([['raw', 'x']])
    const [rooms, exceptIds, exceptRooms] = [['a'], ['id'], ['b']]
    const all = { rooms: undefined, exceptIds: [], exceptRooms: [], payloads }
    expect([
      textOf(packRoomMessage(all)),
      textOf(packRoomMessage({ ...all, rooms })),
      textOf(packRoomMessage({ ...all, rooms, exceptIds })),
      textOf(packRoomMessage({ ...all, rooms, exceptRooms })),
    ]).toEqual(['[0,["raw"]]', '[["a"],["raw"]]', '[["a"],["raw"],["id"]]', '[["a"],["raw"],[],["b"]]'])
  })

  test('is none where something is missing or of another kind', () => {
    const broken = [
      '',
      '5',
      '{}',
      '[]',
      '[1,[]]',
      '[0]',
      '[0,["json"]]',
      '[[5],[]]',
      '[0,[],[5]]',
      '[0,[],[],"x"]',
      '[0,[],null]',
    ]
    for (const text of broken)
      expect([text, unpackRoomMessage(pack({ text, payloads: [] }))]).toEqual([text, undefined])
    expect(unpackRoomMessage(pack({ text: '[0,[]]', payloads: ['x'] }))).toBeUndefined()
  })
})

describe('a letter', () => {
  test('is what it was, bytes in it too', () => {
    fc.assert(
      fc.property(plain, fc.nat(), (question, ask) => {
        const letter: Letter = { ask, question }
        expect(unpackLetter(within(packLetter(letter)))).toEqual(letter)
      }),
    )
  })

  test('takes bytes of any make, and what shows itself by toJSON', () => {
    const data = [
      Buffer.from([1]),
      new Uint8Array([2]).buffer,
      new Uint16Array([0x0303]),
      new Date(0),
      { toJSON: () => '\0shown' },
    ]
    expect(unpackLetter(packLetter({ data }))).toEqual({
      data: [bytesOf('01'), bytesOf('02'), bytesOf('03 03'), '1970-01-01T00:00:00.000Z', '\0shown'],
    })
  })

  test('is not made of what JSON cannot carry', () => {
    const circle: { self?: unknown } = {}
    circle.self = circle
    for (const question of [circle, 1n]) expect(() => packLetter({ question })).toThrow(TypeError)
  })
})

test('bytes by chance, and bytes that are nearly right, never throw', () => {
  const near = fc.oneof(
    fc.uint8Array(),
    spoilt(roomMessage.map(packRoomMessage)),
    spoilt(plain.map((question) => packLetter({ question }))),
    fc.tuple(text, fc.array(payload)).map(([text, payloads]) => pack({ text, payloads })),
  )
  fc.assert(
    fc.property(near, (bytes) => {
      unpack(bytes)
      unpackRoomMessage(bytes)
      unpackLetter(bytes)
    }),
    { numRuns: 2_000 },
  )
})

function textOf(packed: Uint8Array): string | undefined {
  return unpack(packed)?.text
}
