// A message of a few bytes can say that gigabytes follow, and a decoder that believes it makes room for them.
import { afterEach, beforeEach, describe, expect, type Mock, spyOn, test } from 'bun:test'
import { Decoder } from '@msgpack/msgpack'
import { msgpack } from 'partyline/msgpack'
import { bytes, uint } from '../support/hex.ts'

const codec = msgpack()
const SHORT = 'not MessagePack: it ends too early'

/** An event "x" whose one argument is these bytes. */
const alone = (value: string): Uint8Array => bytes(`93 00 a1'x' 91 ${value}`)

let reading: Mock<Decoder['decode']>
beforeEach(() => {
  reading = spyOn(Decoder.prototype, 'decode')
})
afterEach(() => reading.mockRestore())

/** Says what a message is refused for; nothing was made of it until then. */
function refusalOf(message: Uint8Array): string {
  let refusal: unknown = 'it was read'
  try {
    codec.decode(message)
  } catch (error) {
    refusal = error
  }
  expect(reading).toHaveBeenCalledTimes(0)
  expect(refusal).toMatchObject({ name: 'PartylineError', code: 'MALFORMED_FRAME' })
  return (refusal as Error).message
}

describe('what says to be longer than the frame is refused, and nothing is made', () => {
  test.each<string[]>([
    ['a text', 'a1', 'bf', 'd901', 'd9ff', 'da0001', 'daffff', 'db00000001', 'dbffffffff'],
    ['bytes', 'c401', 'c4ff', 'c50001', 'c5ffff', 'c600000001', 'c6ffffffff'],
    ['an array', '91', '9f', 'dc0001', 'dcffff', 'dd00000001', 'ddffffffff', 'dd80000000'],
    ['a map', '81', '8f', 'de0001', 'deffff', 'df00000001', 'dfffffffff', 'df80000000'],
    ['an extension', 'd4ff', 'd6ff000000', 'd8ff', 'c70cff00', 'c7ffff', 'c8ffffff', 'c9ffffffffff'],
    ['an integer', 'cc', 'cd01', 'ce010203', 'cf01020304050607', 'd0', 'd101', 'd2010203', 'd300'],
    ['a float', 'ca', 'ca000000', 'cb', 'cb00000000000000'],
    ['a length', 'd9', 'da01', 'db010203', 'c4', 'c501', 'c6010203', 'dc01', 'dd010203', 'de01', 'df010203'],
    ['the length of an extension', 'c7', 'c801', 'c9010203', 'c700'],
    ['a value that is not there', ''],
    ['the value of a key', "81 a1'k'", "82 a1'k' 01", "82 a1'k' 01 a1'l'"],
    ['the last of several', '93 01 02', '92 91 01', 'dc000201'],
  ])('%s', (_, ...values) => {
    for (const value of values) expect([value, refusalOf(alone(value))]).toEqual([value, SHORT])
  })

  test.each([
    ['the frame', 'dd ffffffff 00'],
    ['the frame, by one', "94 00 a1'x' 90"],
    ["the event's name", "93 00 dbffffffff 'x'"],
    ['the arguments', "93 00 a1'x' ddffffffff 01"],
    ['an answer', '93 01 07 c6ffffffff 00'],
    ['a hello', "92 03 dfffffffff a1'x' 01"],
  ])('as %s', (_, text) => {
    expect(refusalOf(bytes(text))).toBe(SHORT)
  })

  test('an array of arrays, each of which would fill the rest of the message', () => {
    const levels = Array.from({ length: 60 }, () => `dd${uint(60_000, 4)}`)
    expect(refusalOf(alone(`${levels.join('')} ${'c0'.repeat(60_000)}`))).toBe(SHORT)
  })

  test('also where more is there than the values take', () => {
    expect(refusalOf(alone(`93 01 02 dd${uint(100, 4)} ${'c0'.repeat(99)}`))).toBe(SHORT)
    expect(refusalOf(alone(`df${uint(50, 4)} ${"a1'k' c0".repeat(40)} ${'a0'.repeat(19)}`))).toBe(SHORT)
  })
})

describe('depth', () => {
  const arrays = (levels: number) => '91'.repeat(levels)
  const maps = (levels: number) => '81a0'.repeat(levels)

  test.each([
    ['arrays', alone(`${arrays(64)} c0`)],
    ['maps', alone(`${maps(64)} c0`)],
    ['both', alone(`${(arrays(1) + maps(1)).repeat(32)} c0`)],
    ['empty ones at the end', alone(`${arrays(63)} 90`)],
    ['far more', alone(`${arrays(60_000)} c0`)],
    ['far more, without an end', alone(arrays(60_000))],
  ])('%s: refused from one level beyond the limit on, and nothing is made', (_, message) => {
    expect(refusalOf(message)).toBe('nested deeper than 64 levels')
  })

  test.each([
    ['in the second argument', bytes(`93 00 a1'x' 92 01 ${arrays(63)} c0`)],
    ['in an answer', bytes(`93 01 07 ${arrays(64)} c0`)],
    ['in a hello', bytes(`92 03 ${maps(64)} c0`)],
    ['in what nobody knows', bytes(`96 00 a1'x' 91 01 07 08 ${arrays(65)} c0`)],
  ])('%s: refused from one level beyond the limit on', (_, message) => {
    expect(() => codec.decode(message)).toThrow('nested deeper than 64 levels')
  })

  test('is counted as in JSON, where the arguments of an event are in an array if they are not exactly one', () => {
    for (const message of [
      alone(`${arrays(63)} c0`),
      alone(`${maps(63)} c0`),
      bytes(`93 00 a1'x' 92 01 ${arrays(62)} c0`),
      bytes(`93 01 07 ${arrays(63)} c0`),
      bytes(`93 02 07 83 a4'code' a1'X' a7'message' a1'y' a7'details' ${arrays(62)} c0`),
    ])
      expect(() => codec.decode(message)).not.toThrow()
  })

  test('is no matter of width', () => {
    expect(() => codec.decode(alone(`dd${uint(60_000, 4)} ${'90'.repeat(60_000)}`))).not.toThrow()
  })
})

describe('what MessagePack has and a frame has not', () => {
  test.each([
    ['the byte 0xc1', 'c1', 'not MessagePack: there is a byte 0xc1'],
    ['the byte 0xc1 in an array', '92 01 c1', 'not MessagePack: there is a byte 0xc1'],
    ['the byte 0xc1 as a key', '81 c1 01', 'not MessagePack: there is a byte 0xc1'],
    ['a key that is a number', '81 01 01', 'the keys of a map are texts'],
    ['a key that is nil', '81 c0 01', 'the keys of a map are texts'],
    ['a key that is bytes', '81 c401 61 01', 'the keys of a map are texts'],
    ['a key that is an array', '81 90 01', 'the keys of a map are texts'],
    ['a key that names the prototype', "81 a9'__proto__' 80", '"__proto__" is no key'],
    ['deep inside', "92 01 81 a1'a' 91 82 a1'b' 01 d909'__proto__' 80", '"__proto__" is no key'],
    ['an extension of type 0', 'd4 00 00', 'the extension type 0 is not known'],
    [
      'an extension of type 127',
      'd8 7f 00000000000000000000000000000000',
      'the extension type 127 is not known',
    ],
    ['an extension of type -2', 'c7 03 fe 010203', 'the extension type -2 is not known'],
    ['an extension of type -128', 'c9 00000001 80 00', 'the extension type -128 is not known'],
    ['an extension of no length', 'c7 00 05', 'the extension type 5 is not known'],
    ['a timestamp of no length', 'c7 00 ff', 'a timestamp is none that a Date can hold'],
    ['a timestamp of 1 byte', 'd4 ff 00', 'a timestamp is none that a Date can hold'],
    ['a timestamp of 16 bytes', `d8 ff ${'00'.repeat(16)}`, 'a timestamp is none that a Date can hold'],
    ['one with 1,000,000,000 ns', 'd7 ff ee6b2800 00000000', 'a timestamp is none that a Date can hold'],
    [
      'one with 1,000,000,000 ns',
      `c7 0c ff 3b9aca00 ${'00'.repeat(8)}`,
      'a timestamp is none that a Date can hold',
    ],
    [
      'one a second too late',
      'c7 0c ff 00000000 000007dba8218001',
      'a timestamp is none that a Date can hold',
    ],
    [
      'one a millisecond too late',
      'c7 0c ff 000f4240 000007dba8218000',
      'a timestamp is none that a Date can hold',
    ],
    [
      'one a second too early',
      'c7 0c ff 00000000 fffff82457de7fff',
      'a timestamp is none that a Date can hold',
    ],
    ['the last of all', 'c7 0c ff 00000000 7fffffffffffffff', 'a timestamp is none that a Date can hold'],
  ])('%s', (_, value, message) => {
    expect(refusalOf(alone(value))).toBe(message)
  })

  test('only the key itself is refused, not what resembles it', () => {
    const message = alone("84 a7'__proto' 01 a7'proto__' 02 ab'constructor' 03 a4'text' a9'__proto__'")
    expect(codec.decode(message)).toEqual({
      event: 'x',
      data: { __proto: 1, proto__: 2, constructor: 3, text: '__proto__' },
    })
    expect(Object.getPrototypeOf((codec.decode(message) as { data: object }).data)).toBe(Object.prototype)
  })

  test('bytes behind the frame', () => {
    expect(refusalOf(bytes("93 00 a1'x' 90 00"))).toBe('bytes follow the frame')
    expect(refusalOf(bytes("93 00 a1'x' 90 93 00 a1'y' 90"))).toBe('bytes follow the frame')
    expect(refusalOf(bytes(`90 ${'c1'.repeat(100)}`))).toBe('bytes follow the frame')
  })
})

describe('a text that is no UTF-8', () => {
  const wrong = [
    ...['80', 'bf', 'c0', 'c080', 'c1bf', 'c2', 'c241', 'c2c2', 'dfff', 'f5808080', 'fe', 'ff'],
    ...['e08080', 'e09fbf', 'e18080'.slice(0, 4), 'e180c0', 'eda080', 'edbfbf', 'edb080', 'efbf'],
    ...['f0808080', 'f08fbfbf', 'f1808041', 'f180c080', 'f48fbf', 'f4908080', 'f7bfbfbf', 'f8888080'],
  ]
  const right = ['7f', 'c280', 'dfbf', 'e0a080', 'ed9fbf', 'ee8080', 'efbfbf', 'f0908080', 'f48fbfbf']

  test.each(wrong)('%s', (text) => {
    const size = text.length / 2
    for (const [before, after] of [
      ['', ''],
      ["'a'", ''],
      ['', "'a'"],
      ["'ab'", 'c3a9'],
    ] as const) {
      const all = bytes(`${before} ${text} ${after}`)
      const hex = Buffer.from(all).toString('hex')
      expect(refusalOf(alone(`d9${uint(all.length, 1)} ${hex}`))).toBe('a text is no UTF-8')
      expect(refusalOf(alone(`81 d9${uint(all.length, 1)} ${hex} 01`))).toBe('a text is no UTF-8')
    }
    // What follows the text must not complete it.
    expect(refusalOf(alone(`92 d9${uint(size, 1)} ${text} cc80`))).toBe('a text is no UTF-8')
    expect(refusalOf(bytes(`93 00 d9${uint(size, 1)} ${text} 90`))).toBe('a text is no UTF-8')
  })

  test('is told from one that is, by the tables of Unicode', () => {
    const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
    for (const text of right) {
      const { data } = codec.decode(alone(`d9${uint(text.length / 2, 1)} ${text}`)) as { data?: unknown }
      expect(data).toBe(strict.decode(bytes(text)))
    }
    for (const text of wrong) expect(() => strict.decode(bytes(text))).toThrow()
  })
})
