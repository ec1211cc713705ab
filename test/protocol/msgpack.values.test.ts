// The table of docs/guide/codecs.md, row by row, in both codecs.
import { describe, expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Codec, type Frame, json } from 'partyline'
import { msgpack } from 'partyline/msgpack'
import { argsOf, eventFrame } from '../../lib/protocol/frame.ts'
import { readPage } from '../docs/markdown.ts'

const codecs = { JSON: json(), MessagePack: msgpack() }
type Name = keyof typeof codecs

const REFUSED = Symbol('TypeError')

/** What a handler is called with where these arguments were emitted; REFUSED where that throws a TypeError. */
function emitted(codec: Codec, ...args: unknown[]): unknown {
  return sent(codec, eventFrame('x', args), (frame) => ('event' in frame ? argsOf(frame) : undefined))
}

function sent(codec: Codec, frame: Frame, read: (frame: Frame) => unknown): unknown {
  let payload: ReturnType<Codec['encode']>
  try {
    payload = codec.encode(frame)
  } catch (error) {
    expect(error).toBeInstanceOf(TypeError)
    return REFUSED
  }
  return read(codec.decode(payload))
}

class Guest {
  static count = 0
  readonly #secret = 1
  name = 'Ada'
  seats = [1, 2]
  get shown() {
    return this.#secret
  }
}
class Money {
  toJSON(key: string) {
    return { cents: 100, key }
  }
}
const loop: Record<string, unknown> = { a: 1 }
loop.self = [{ loop }]
const tree: Record<string, unknown> = {}
tree.left = tree
tree.right = tree
const around = new Map<string, unknown>()
around.set('around', new Set([around]))
let chain: unknown = 1
for (let i = 0; i < 1_000; i++) chain = [chain]
const endless = { toJSON: (): unknown => ({ more: { toJSON: endless.toJSON } }) }

const memory = new Uint8Array([9, 1, 2, 250, 9])
const inside = memory.subarray(1, 4)
const holes = [1, 2, 3]
delete holes[1]

/** By row: what is sent, and what arrives by each codec. `same` is the value itself. */
const same = Symbol('the same')
const rows: Record<string, [value: unknown, JSON: unknown, MessagePack: unknown][]> = {
  text: ['', 'é☃𝄞', '\0', '\ufeff', `\ufeff${'a'.repeat(500)}`, 'x'.repeat(70_000)].map((one) => [
    one,
    same,
    same,
  ]),
  'text with half of a surrogate pair': [
    ['a\ud83d', same, 'a\ufffd'],
    ['\udc00\ud800', same, '\ufffd\ufffd'],
    [`${'long '.repeat(50)}\ud83d!`, same, `${'long '.repeat(50)}\ufffd!`],
    [{ '\ud800': 1 }, same, { '\ufffd': 1 }],
    [{ '\ud800': '😀\udfff' }, same, { '\ufffd': '😀\ufffd' }],
  ],
  number: [0, 1, -1, 0.1, 2 ** 31, 2 ** 32, -(2 ** 40), 2 ** 53, 1.7e308, 5e-324, Date.UTC(2018, 0)].map(
    (one) => [one, same, same],
  ),
  '-0': [
    [-0, 0, 0],
    [[-0], [0], [0]],
  ],
  'NaN, Infinity': [
    [Number.NaN, null, same],
    [[Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY], [null, null], same],
  ],
  bigint: [
    [2n ** 53n, REFUSED, same],
    [2n ** 64n - 1n, REFUSED, same],
    [-(2n ** 63n), REFUSED, same],
    [5n, REFUSED, 5],
    [[-(2n ** 53n) + 1n], REFUSED, [-(2 ** 53) + 1]],
    [2n ** 64n, REFUSED, REFUSED],
    [{ deep: [-(2n ** 63n) - 1n] }, REFUSED, REFUSED],
  ],
  'true, false, null': [true, false, null].map((one) => [one, same, same]),
  'undefined, function or symbol in an object': [
    [{ a: undefined, b: () => 1, c: Symbol('c'), [Symbol('d')]: 1, e: 1 }, { e: 1 }, { e: 1 }],
    [{ a: undefined, b: 1n.constructor }, {}, {}],
  ],
  'undefined, function or symbol in an array': [
    [
      [undefined, () => 1, Symbol('c'), 1],
      [null, null, null, 1],
      [null, null, null, 1],
    ],
  ],
  'undefined as the only argument of an event': [],
  'undefined as an answer': [],
  'Uint8Array, Buffer': [
    [inside, REFUSED, new Uint8Array([1, 2, 250])],
    [Buffer.from(inside), REFUSED, new Uint8Array([1, 2, 250])],
    [new Uint8ClampedArray([0, 255]), REFUSED, new Uint8Array([0, 255])],
    [{ deep: [new Uint8Array()] }, REFUSED, same],
    [Uint8Array.from({ length: 70_000 }, (_, i) => i), REFUSED, same],
  ],
  'ArrayBuffer, DataView': [
    [inside.slice().buffer, REFUSED, new Uint8Array([1, 2, 250])],
    [[new DataView(memory.buffer, 1, 3)], REFUSED, [new Uint8Array([1, 2, 250])]],
  ],
  'other typed arrays': [
    [new Uint16Array([1, 2]), REFUSED, new Uint8Array(new Uint16Array([1, 2]).buffer)],
    [new Float64Array([0.1]), REFUSED, new Uint8Array(new Float64Array([0.1]).buffer)],
  ],
  Date: [
    [new Date('2018-01-01T23:36:40.125Z'), '2018-01-01T23:36:40.125Z', same],
    [
      { at: [new Date(-1), new Date(8.64e15)] },
      { at: ['1969-12-31T23:59:59.999Z', '+275760-09-13T00:00:00.000Z'] },
      same,
    ],
  ],
  'invalid Date': [
    [new Date(Number.NaN), null, null],
    [{ at: new Date(Number.NaN) }, { at: null }, { at: null }],
  ],
  'object with toJSON, such as a URL': [
    [new URL('http://a.b/c'), 'http://a.b/c', 'http://a.b/c'],
    [
      { price: new Money() },
      { price: { cents: 100, key: 'price' } },
      { price: { cents: 100, key: 'price' } },
    ],
    [[new Money()], [{ cents: 100, key: '0' }], [{ cents: 100, key: '0' }]],
    [{ a: 1, gone: { toJSON: () => undefined } }, { a: 1 }, { a: 1 }],
    [{ loop, toJSON: () => 'plain' }, 'plain', 'plain'],
    [{ toJSON: () => memory.subarray(0, 1) }, REFUSED, new Uint8Array([9])],
    [{ toJSON: () => new Date(0) }, {}, new Date(0)],
    // What it returns is not asked again.
    [
      { toJSON: () => ({ toJSON: 5, a: new Money() }) },
      { toJSON: 5, a: { cents: 100, key: 'a' } },
      { toJSON: 5, a: { cents: 100, key: 'a' } },
    ],
    [{ toJSON: () => new Money() }, {}, {}],
  ],
  Map: [
    [new Map([['a', 1]]), {}, { a: 1 }],
    [
      {
        m: new Map<unknown, unknown>([
          [1, new Map()],
          ['\ud800', [2n]],
        ]),
      },
      { m: {} },
      { m: { 1: {}, '\ufffd': [2] } },
    ],
    [new Map([[{}, 1]]), {}, REFUSED],
    [new Map([[true, 1]]), {}, REFUSED],
  ],
  Set: [
    [new Set(['a', 1]), {}, ['a', 1]],
    [[new Set([new Set([undefined])])], [{}], [[[null]]]],
  ],
  'instance of a class, Error': [
    [new Guest(), { name: 'Ada', seats: [1, 2] }, { name: 'Ada', seats: [1, 2] }],
    [Object.assign(Object.create({ inherited: 1 }), { own: 1 }), { own: 1 }, { own: 1 }],
    [Object.assign(Object.create(null), { own: 1 }), { own: 1 }, { own: 1 }],
    [new Error('no'), {}, {}],
    [/x/, {}, {}],
    [Promise.resolve(), {}, {}],
  ],
  'boxed number, text or boolean': [
    [
      [Object(1), Object('a'), Object(false)],
      [1, 'a', false],
      [1, 'a', false],
    ],
    [Object(2 ** 40), 2 ** 40, 2 ** 40],
  ],
  'array with holes': [[holes, [1, null, 3], [1, null, 3]]],
  'data in a cycle': [loop, [loop], tree].map((one) => [one, REFUSED, REFUSED]),
  'data nested deeper than 1,000 levels': [],
  'key __proto__': [],
}

// Those without values are tested further down.
describe.each(Object.entries(rows).filter(([, values]) => values.length > 0))('%s', (_, values) => {
  test.each(Object.keys(codecs) as Name[])('by %s', (name) => {
    for (const [value, ...received] of values) {
      const expected = received[name === 'JSON' ? 0 : 1]
      const arrived = expected === same ? value : expected
      expect(emitted(codecs[name], value)).toStrictEqual(arrived === REFUSED ? REFUSED : [arrived])
      if (value === undefined) continue
      expect(emitted(codecs[name], 0, value)).toStrictEqual(arrived === REFUSED ? REFUSED : [0, arrived])
    }
  })
})

test('the table of the guide has these rows, and no others', () => {
  const path = 'docs/guide/codecs.md'
  const page = readPage(path, readFileSync(join(import.meta.dir, '../..', path), 'utf8'))
  const written = page.rows.get('What becomes of each value') ?? []
  expect(written.map(([value]) => value?.replaceAll('`', ''))).toEqual(Object.keys(rows))
})

describe.each(Object.entries(codecs))('by %s', (name, codec) => {
  test('undefined, and what is left out like it, as the only argument of an event is no argument', () => {
    for (const nothing of [undefined, () => 1, Symbol('x')]) expect(emitted(codec, nothing)).toEqual([])
    expect(emitted(codec)).toEqual([])
    expect(emitted(codec, null)).toEqual([null])
    expect(emitted(codec, undefined, undefined)).toEqual([null, null])
  })

  test('undefined as an answer is undefined; MessagePack has null, where a position follows', () => {
    const answer = (frame: Frame) => (frame as { data?: unknown }).data
    for (const data of [undefined, () => 1]) {
      expect(sent(codec, { ack: 1, data }, answer)).toBeUndefined()
      expect(sent(codec, { ack: 1, data, pos: 5 }, answer)).toBe(
        name === 'JSON' ? undefined : (null as never),
      )
    }
    for (const frame of [
      { ack: 1, data: null },
      { ack: 1, data: null, pos: 5 },
    ])
      expect(sent(codec, frame, answer)).toBeNull()
  })

  test('what arrives is a frame of its own: what was sent is not in it', () => {
    const data = { list: [{ bytes: name === 'JSON' ? [1] : new Uint8Array([1]) }] }
    const [arrived] = emitted(codec, data) as [typeof data]
    expect(arrived).toEqual(data)
    expect(arrived.list[0]).not.toBe(data.list[0])
  })

  test('data is left as it was by being sent', () => {
    const list = Object.freeze([2 ** 40, 1, undefined, '\ud800'])
    const data = Object.freeze({ list, gone: undefined, '\udfff': new Date(0) })
    expect(emitted(codec, data)).toHaveLength(1)
    expect(list).toStrictEqual([2 ** 40, 1, undefined, '\ud800'])
    expect(data).toStrictEqual({ list, gone: undefined, '\udfff': new Date(0) })
  })

  test('a key __proto__ is sent as it is, and refused by who gets it', () => {
    const data = JSON.parse('{"a":{"__proto__":{"admin":true}}}') as unknown
    expect(() => codec.decode(codec.encode({ event: 'x', data }))).toThrow('"__proto__" is no key')
    // The copy that is made for the large number must not lose the key, nor take it for its prototype.
    const large = JSON.parse('{"__proto__":{"admin":true},"n":1099511627776}') as unknown
    expect(() => codec.decode(codec.encode({ event: 'x', data: large }))).toThrow('"__proto__" is no key')
  })
})

describe('by MessagePack alone', () => {
  const { encode } = codecs.MessagePack

  test('data that refers to itself is refused wherever it is, before the stack is full', () => {
    const twice = { a: loop }
    for (const data of [loop, { deep: [twice] }, around, new Map([['x', around]]), tree]) {
      for (const frame of [
        { event: 'x', data },
        { event: 'x', args: [1, data] },
        { ack: 1, data },
        { ack: 1, error: { code: 'X', message: 'y', details: data } },
      ]) {
        expect(() => encode(frame)).toThrow(new TypeError('MessagePack cannot carry data that is in a cycle'))
      }
    }
  })

  test('but the same object in two places is no cycle', () => {
    const shared = { a: [1] }
    expect(emitted(codecs.MessagePack, [shared, { shared }])).toEqual([[shared, { shared }]])
  })

  test('data may be nested 1,000 levels deep, and no deeper', () => {
    const deep = new TypeError('MessagePack carries no data that is nested deeper than 1000 levels')
    expect(() => encode({ event: 'x', data: chain })).not.toThrow()
    expect(() => encode({ event: 'x', data: [chain] })).toThrow(deep)
    expect(() => encode({ event: 'x', data: endless })).toThrow(deep)
    expect(() => codecs.JSON.encode({ event: 'x', data: [chain] })).not.toThrow()
  })

  test('what a toJSON or a getter throws reaches who sends', () => {
    const wrong = new Error('on purpose')
    const throwing = () => {
      throw wrong
    }
    expect(() => encode({ event: 'x', data: { toJSON: throwing } })).toThrow(wrong)
    expect(() =>
      encode({ event: 'x', data: Object.defineProperty({}, 'a', { get: throwing, enumerable: true }) }),
    ).toThrow(wrong)
    expect(() => encode({ event: 'x', data: 1 })).not.toThrow()
  })
})
