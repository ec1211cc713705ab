import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { type Frame, json, PartylineError } from 'partyline'
import { msgpack } from 'partyline/msgpack'

const codec = msgpack()
const plain = json()

/** Text of any script, long and short, with a byte order mark at the beginning by chance. */
const text = fc
  .tuple(
    fc.constantFrom('', '\ufeff', 'x'.repeat(197), `\ufeff${'x'.repeat(197)}`),
    fc.string({ unit: 'binary', maxLength: 20 }),
  )
  .map((parts) => parts.join(''))
const key = fc.oneof(fc.string(), text).filter((one) => one !== '__proto__')
const integer = fc.oneof(fc.integer(), fc.maxSafeInteger(), fc.nat(300))
const double = fc.double({ noNaN: true, noDefaultInfinity: true }).map((one) => one + 0)

const scalar = fc.oneof(fc.constantFrom(null, true, false), integer, double, text)
/** What JSON and MessagePack both carry. */
const common = nested(scalar)
/** What MessagePack carries, and gives back as it was. */
const value = nested(
  fc.oneof(
    scalar,
    fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
    fc.uint8Array({ maxLength: 300 }),
    fc.date({ noInvalidDate: true }),
    fc.bigInt({ min: 2n ** 53n, max: 2n ** 64n - 1n }),
    fc.bigInt({ min: -(2n ** 63n), max: -(2n ** 53n) }),
  ),
)

function nested(leaf: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  return fc.letrec<{ all: unknown }>((tie) => ({
    all: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      leaf,
      fc.array(tie('all'), { maxLength: 6 }),
      fc.array(leaf, { minLength: 14, maxLength: 18 }),
      fc.dictionary(key, tie('all'), { maxKeys: 6, noNullPrototype: true }),
    ),
  })).all
}

const id = fc.oneof(fc.maxSafeNat(), fc.nat(20))
const event = fc.oneof(
  fc.string({ minLength: 1 }),
  text.filter((one) => one !== ''),
)

const members = (state: fc.Arbitrary<unknown>) =>
  fc.array(fc.record({ id: text, state }, { requiredKeys: ['id'] }), { maxLength: 3 })

/** Frames that either side may be sent, as they are read: one argument is data, others are args. */
const frameOf = (data: fc.Arbitrary<unknown>, number: fc.Arbitrary<number>): fc.Arbitrary<Frame> =>
  fc.oneof(
    fc.record({ event, data, id, pos: id }, { requiredKeys: ['event', 'data'] }),
    fc.record(
      { event, args: fc.array(data).filter(({ length }) => length !== 1), id, pos: id },
      { requiredKeys: ['event', 'args'] },
    ),
    fc.record({ ack: id, data, pos: id }, { requiredKeys: ['ack', 'data'] }),
    fc.record({ ack: id }),
    fc.record(
      {
        ack: id,
        error: fc.record(
          { code: fc.string(), message: text, details: data, event },
          { requiredKeys: ['code', 'message'] },
        ),
        pos: id,
      },
      { requiredKeys: ['error'] },
    ),
    fc.record({ hello: fc.record({ sid: fc.string(), heartbeat: fc.nat(), received: id }) }),
    fc.record({ received: id }),
    fc.record({ subscribe: event, after: id, id }, { requiredKeys: ['subscribe'] }),
    fc.record({ unsubscribe: event, id }, { requiredKeys: ['unsubscribe'] }),
    fc.record({ publish: event, data, id, pos: id }, { requiredKeys: ['publish', 'data'] }),
    fc.record({ publish: event }),
    fc.record({ channel: event, data, at: id }, { requiredKeys: ['channel', 'data'] }),
    fc.record({ channel: event, at: id, lost: fc.constant(true as const) }),
    fc.record({ watch: event, id }, { requiredKeys: ['watch'] }),
    fc.record({ unwatch: event, id }, { requiredKeys: ['unwatch'] }),
    fc.record(
      { presence: event, joined: members(data), changed: members(data), left: fc.array(text) },
      { requiredKeys: ['presence'] },
    ),
    fc.record({ ping: number }),
    fc.record({ pong: number }),
  )

const number = fc.oneof(integer, double)
const frame = frameOf(value, number)
const encoded = frame.map((one) => codec.encode(one) as Uint8Array)

/** A message with a byte changed, left out or put in, or with another's end. */
const damaged = fc
  .tuple(encoded, fc.nat(), fc.uint8Array({ maxLength: 3 }), fc.nat(2), fc.option(encoded))
  .map(([whole, place, put, cut, other]) => {
    const at = place % (whole.length + 1)
    const rest = (other ?? whole).subarray(at + cut)
    return Uint8Array.from([...whole.subarray(0, at), ...put, ...rest])
  })
/** Bytes that mean something more often than any do. */
const meaningful = fc.array(
  fc.oneof(
    fc.constantFrom(0x80, 0x81, 0x82, 0x90, 0x91, 0x92, 0x93, 0xa0, 0xa1, 0xc0, 0xc1, 0xff, 0xef, 0xbb),
    fc.integer({ min: 0xc4, max: 0xdf }),
    fc.nat(10),
    fc.nat(255),
  ),
  { maxLength: 60 },
)
const anyBytes = fc.oneof(
  fc.uint8Array({ maxLength: 100 }),
  meaningful.map((rest) => Uint8Array.from(rest)),
  meaningful.map((rest) => Uint8Array.from([0x93, 0, 0xa1, 0x78, 0x91, ...rest])),
  encoded,
  damaged,
)

/** What is wrong with a frame that the codec has read; nothing, if it keeps what its type promises. */
function fault(frame: Frame): string | undefined {
  const isId = (one: unknown) => Number.isSafeInteger(one) && (one as number) >= 0
  if ('pos' in frame && !isId(frame.pos)) return 'the position'
  if ('event' in frame) {
    if (typeof frame.event !== 'string' || frame.event === '') return 'the event'
    if ('id' in frame && !isId(frame.id)) return 'the id'
    if ('data' in frame) return 'args' in frame || frame.data === undefined ? 'the data' : undefined
    return Array.isArray(frame.args) && frame.args.length !== 1 ? undefined : 'the args'
  }
  if ('error' in frame) {
    const { code, message } = frame.error
    const isAnswer = frame.ack === undefined || isId(frame.ack)
    return isAnswer && typeof code === 'string' && typeof message === 'string' ? undefined : 'the failure'
  }
  if ('hello' in frame)
    return Object.getPrototypeOf(frame.hello) === Object.prototype ? undefined : 'the hello'
  if ('presence' in frame) {
    const { presence, joined = [], changed = [], left = [] } = frame
    const texts = [presence, ...left, ...[...joined, ...changed].map(({ id }) => id)]
    return texts.every((one) => typeof one === 'string') ? undefined : 'the presence'
  }
  const others = ['subscribe', 'unsubscribe', 'publish', 'channel', 'watch', 'unwatch']
  const other = Object.entries(frame).find(([member]) => others.includes(member))
  if (other !== undefined) return typeof other[1] === 'string' && other[1] !== '' ? undefined : 'the name'
  if ('received' in frame) return isId(frame.received) ? undefined : 'what is received'
  if ('ack' in frame) return isId(frame.ack) ? undefined : 'the ack'
  const beat = 'ping' in frame ? frame.ping : 'pong' in frame ? frame.pong : undefined
  return Number.isFinite(beat) ? undefined : 'no frame at all'
}

/** How much memory a value takes, in the least that each part of it can take in a message. Throws for what none may hold. */
function sizeOf(one: unknown): number {
  if (typeof one === 'string') {
    expect(one).not.toMatch(/\p{Surrogate}/u)
    return 1 + one.length
  }
  if (typeof one === 'bigint') {
    expect(Number.isSafeInteger(Number(one))).toBe(false)
    return 9
  }
  if (typeof one !== 'object' || one === null) {
    expect(one).not.toBeUndefined()
    return 1
  }
  if (one instanceof Date) {
    expect(one.getTime()).not.toBeNaN()
    return 6
  }
  if (one instanceof Uint8Array) {
    expect([one.constructor, one.byteOffset, one.buffer.byteLength]).toEqual([Uint8Array, 0, one.length])
    return 2 + one.length
  }
  const isList = Array.isArray(one)
  expect(Object.getPrototypeOf(one)).toBe(isList ? Array.prototype : Object.prototype)
  const parts = isList ? one : Object.entries(one).flat()
  return 1 + parts.reduce((sum: number, part) => sum + sizeOf(part), 0)
}

describe('any bytes', () => {
  test('are a frame, or are refused as MALFORMED_FRAME, and nothing else happens', () => {
    let read = 0
    let refused = 0
    fc.assert(
      fc.property(anyBytes, (message) => {
        const before = [...message]
        try {
          const frame = codec.decode(message)
          read++
          expect(fault(frame)).toBeUndefined()
          for (const part of Object.values(frame))
            if (part !== undefined) expect(sizeOf(part)).toBeLessThanOrEqual(message.length)
        } catch (error) {
          if (!(error instanceof PartylineError)) throw error
          refused++
          expect(error.code).toBe('MALFORMED_FRAME')
          const { id } = error as { id?: unknown }
          expect(id === undefined || (Number.isSafeInteger(id) && (id as number) >= 0)).toBe(true)
        }
        expect([...message]).toEqual(before)
      }),
      { numRuns: 6_000 },
    )
    // Both ways were gone, or the bytes are badly chosen.
    expect(Math.min(read, refused)).toBeGreaterThan(1_000)
  })

  test('a frame that is cut short anywhere is refused', () => {
    fc.assert(
      fc.property(encoded, fc.nat(), (message, at) => {
        expect(() => codec.decode(message.subarray(0, at % message.length))).toThrow(PartylineError)
      }),
      { numRuns: 1_000 },
    )
  })

  test('texts are refused', () => {
    fc.assert(
      fc.property(fc.string(), (one) => {
        expect(() => codec.decode(one)).toThrow('MessagePack frames are binary messages')
      }),
    )
  })
})

test('what is written is read as the same, and written again as the same bytes', () => {
  fc.assert(
    fc.property(frame, (one) => {
      const message = codec.encode(one)
      const again = codec.decode(message)
      expect(again).toEqual(one)
      expect(codec.encode(again)).toEqual(message)
    }),
    { numRuns: 3_000 },
  )
})

test('clients that speak JSON and MessagePack get the same frame, where both can carry it', () => {
  fc.assert(
    fc.property(frameOf(common, number), (one) => {
      expect(codec.decode(codec.encode(one))).toEqual(plain.decode(plain.encode(one)))
    }),
    { numRuns: 2_000 },
  )
})

test('the limit of nesting lets through and refuses the same frames as in JSON', () => {
  const leafless = fc.letrec<{ all: unknown }>((tie) => ({
    all: fc.oneof(
      { maxDepth: 12, depthSize: 'max' },
      fc.constant(1),
      fc.array(tie('all'), { maxLength: 2 }),
      fc.dictionary(fc.constantFrom('a', 'b'), tie('all'), { maxKeys: 2, noNullPrototype: true }),
    ),
  })).all
  const frames = frameOf(leafless, number)
  const outcome = (act: () => unknown) => {
    try {
      return act()
    } catch (error) {
      const { message, id } = error as { message: string; id?: number }
      return { message, id }
    }
  }
  let refused = 0
  fc.assert(
    fc.property(frames, fc.integer({ min: 2, max: 9 }), (one, depth) => {
      const ours = outcome(() => msgpack({ depth }).decode(codec.encode(one)))
      expect(ours).toEqual(outcome(() => json({ depth }).decode(plain.encode(one))))
      if (!('message' in (ours as object))) return
      refused++
    }),
    { numRuns: 1_500 },
  )
  expect(refused).toBeGreaterThan(100)
})
