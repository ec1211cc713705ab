import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { type Frame, json, PartylineError } from 'partyline'

/** Any JSON value, of which no number is negative zero, as JSON does not keep it. */
const value = fc
  .jsonValue({ maxDepth: 4 })
  // A key that names the prototype is refused: test/protocol/prototype.test.ts.
  .map((one) => JSON.parse(JSON.stringify(one).replaceAll('"__proto__":', '"proto":')) as unknown)
const id = fc.oneof(fc.maxSafeNat(), fc.nat(20))
const number = fc.oneof(fc.nat(), fc.double({ noNaN: true, noDefaultInfinity: true })).map((one) => one + 0)

const event = fc.string({ minLength: 1 })
const name = fc.string({ minLength: 1, maxLength: 1_024 })
const members = fc.array(fc.record({ id: fc.string(), state: value }, { requiredKeys: ['id'] }))
/** Frames that either side may be sent. */
const frame: fc.Arbitrary<Frame> = fc.oneof(
  fc.record({ event, data: value, id, pos: id }, { requiredKeys: ['event', 'data'] }),
  fc.record({ event, args: fc.array(value), id, pos: id }, { requiredKeys: ['event', 'args'] }),
  fc.record({ ack: id, data: value, pos: id }, { requiredKeys: ['ack'] }),
  fc.record(
    {
      ack: id,
      error: fc.record(
        { code: fc.string(), message: fc.string(), details: value, event },
        { requiredKeys: ['code', 'message'] },
      ),
      pos: id,
    },
    { requiredKeys: ['error'] },
  ),
  fc.record({ hello: fc.record({ sid: fc.string(), heartbeat: fc.nat(), received: id }) }),
  fc.record({ received: id }),
  fc.record({ subscribe: name, after: id, id }, { requiredKeys: ['subscribe'] }),
  fc.record({ unsubscribe: name, id }, { requiredKeys: ['unsubscribe'] }),
  fc.record({ publish: name, data: value, id, pos: id }, { requiredKeys: ['publish'] }),
  fc.record({ channel: event, data: value, at: id }, { requiredKeys: ['channel', 'data'] }),
  fc.record({ channel: event, at: id, lost: fc.constant(true as const) }),
  fc.record({ watch: name, id }, { requiredKeys: ['watch'] }),
  fc.record({ unwatch: name, id }, { requiredKeys: ['unwatch'] }),
  fc.record(
    { presence: event, joined: members, changed: members, left: fc.array(fc.string()) },
    { requiredKeys: ['presence'] },
  ),
  fc.record({ ping: number }),
  fc.record({ pong: number }),
)

/** Objects with the members of frames, with good and bad values: much nearer to frames than any JSON is. */
const nearFrame = fc.record(
  {
    event: fc.oneof(fc.string(), value),
    data: value,
    args: fc.oneof(fc.array(value), value),
    id: fc.oneof(id, fc.integer(), value),
    ack: fc.oneof(id, value),
    error: fc.oneof(fc.record({ code: fc.string(), message: fc.string(), details: value }), value),
    ping: fc.oneof(number, value),
    pong: fc.oneof(number, value),
    hello: value,
    subscribe: fc.oneof(fc.string(), value),
    unsubscribe: fc.oneof(fc.string(), value),
    publish: fc.oneof(fc.string(), value),
    channel: fc.oneof(fc.string(), value),
    watch: fc.oneof(fc.string(), value),
    unwatch: fc.oneof(fc.string(), value),
    presence: fc.oneof(fc.string(), value),
    after: fc.oneof(id, value),
    at: fc.oneof(id, value),
    lost: fc.oneof(fc.boolean(), value),
    base64: value,
    joined: fc.oneof(members, value),
    changed: fc.oneof(members, value),
    left: fc.oneof(fc.array(fc.string()), value),
    received: fc.oneof(id, value),
    pos: fc.oneof(id, value),
  },
  { requiredKeys: [] },
)

/** A text with a character changed, left out or put in. */
function damaged(text: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc
    .tuple(
      text,
      fc.nat(),
      fc.constantFrom('', '"', '{', '}', '[', ',', ':', '0', '-', '\\', '\u0000', 'é'),
      fc.nat(1),
    )
    .map(([whole, at, put, cut]) => {
      const index = at % (whole.length + 1)
      return whole.slice(0, index) + put + whole.slice(index + cut)
    })
}

const nearText = fc.oneof(frame, nearFrame).map((one) => JSON.stringify(one))
const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.json(),
  nearText,
  damaged(nearText),
  fc.string({ unit: fc.constantFrom('{', '}', '[', ']', '"', ':', ',', '1', 'event', 'null', '\\u0000') }),
)

const codecs = {
  plain: json(),
  typed: json({ eventKey: 'type' }),
  shorthand: json({ messageShorthand: true }),
}

/** What is wrong with a frame that the codec has read; nothing, if it keeps what its type promises. */
function fault(frame: Frame): string | undefined {
  const isId = (one: unknown) => Number.isSafeInteger(one) && (one as number) >= 0
  if ('pos' in frame && frame.pos !== undefined && !isId(frame.pos)) return 'the position'
  if ('event' in frame) {
    if (typeof frame.event !== 'string' || frame.event === '') return 'the event'
    if (frame.id !== undefined && !isId(frame.id)) return 'the id'
    if (frame.args !== undefined && !Array.isArray(frame.args)) return 'the args'
    return frame.args !== undefined && frame.data !== undefined ? 'data and args' : undefined
  }
  if ('error' in frame) {
    const { code, message } = frame.error
    const isAnswer = frame.ack === undefined || isId(frame.ack)
    return isAnswer && typeof code === 'string' && typeof message === 'string' ? undefined : 'the failure'
  }
  if ('hello' in frame)
    return typeof frame.hello === 'object' && frame.hello !== null ? undefined : 'the hello'
  const isName = (one: string) => typeof one === 'string' && one !== ''
  const isOptional = (one: unknown) => one === undefined || isId(one)
  if ('subscribe' in frame)
    return isName(frame.subscribe) && isOptional(frame.after) && isOptional(frame.id)
      ? undefined
      : 'subscribing'
  if ('publish' in frame) return isName(frame.publish) && isOptional(frame.id) ? undefined : 'publishing'
  if ('unsubscribe' in frame) return isName(frame.unsubscribe) && isOptional(frame.id) ? undefined : 'its end'
  if ('watch' in frame) return isName(frame.watch) && isOptional(frame.id) ? undefined : 'watching'
  if ('unwatch' in frame) return isName(frame.unwatch) && isOptional(frame.id) ? undefined : 'its end'
  if ('channel' in frame)
    return isName(frame.channel) && isOptional(frame.at) && frame.lost !== (false as never)
      ? undefined
      : 'the channel'
  if ('presence' in frame) {
    const { joined = [], changed = [], left = [] } = frame
    const isSound =
      [...joined, ...changed].every((one) => typeof one.id === 'string') &&
      left.every((one) => typeof one === 'string')
    return isName(frame.presence) && isSound ? undefined : 'the presence'
  }
  if ('received' in frame) return isId(frame.received) ? undefined : 'what is received'
  if ('ack' in frame) return isId(frame.ack) ? undefined : 'the ack'
  const beat = 'ping' in frame ? frame.ping : 'pong' in frame ? frame.pong : undefined
  return Number.isFinite(beat) ? undefined : 'no frame at all'
}

describe.each(Object.entries(codecs))('the JSON codec (%s)', (name, codec) => {
  const key = name === 'typed' ? 'type' : 'event'

  test('reads any text as a frame, or refuses it as MALFORMED_FRAME, and does nothing else', () => {
    let read = 0
    fc.assert(
      fc.property(anyText, (text) => {
        const under = key === 'event' ? text : text.replace('"event"', `"${key}"`)
        try {
          const frame = codec.decode(under)
          read++
          expect(fault(frame)).toBeUndefined()
        } catch (error) {
          if (!(error instanceof PartylineError)) throw error
          expect(error.code).toBe('MALFORMED_FRAME')
        }
      }),
      { numRuns: 3_000 },
    )
    // Both ways were gone, or the texts are badly chosen.
    expect(read).toBeGreaterThan(200)
  })

  test('refuses any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(() => codec.decode(bytes)).toThrow('JSON frames are text messages')
      }),
    )
  })
})

describe.each([
  ['plain', codecs.plain],
  ['typed', codecs.typed],
])('what the JSON codec writes it reads as the same (%s)', (_, codec) => {
  test('any frame', () => {
    fc.assert(
      fc.property(frame, (one) => {
        const text = codec.encode(one)
        const again = codec.decode(text)
        expect(again).toEqual(one)
        expect(codec.encode(again)).toBe(text)
      }),
      { numRuns: 2_000 },
    )
  })
})

describe('the limit of nesting', () => {
  /** A value that is nested so deep, of arrays and objects by chance, with company on every level. */
  const nested = fc
    .array(
      fc.record({ isArray: fc.boolean(), company: fc.constantFrom('', '1', '"[[{{"', '[]', '{"x":1}') }),
      {
        minLength: 1,
        maxLength: 90,
      },
    )
    .map((levels) => {
      const text = levels.reduceRight((inner, { isArray, company }) => {
        const items = [company, inner].filter((item) => item !== '')
        return isArray ? `[${items}]` : `{${items.map((item, i) => `"k${i}":${item}`)}}`
      }, '')
      return { text, depth: depthOf(JSON.parse(text)) }
    })

  function depthOf(one: unknown): number {
    if (typeof one !== 'object' || one === null) return 0
    return 1 + Math.max(0, ...Object.values(one).map(depthOf))
  }

  test('is exact: a frame as deep as the limit is read, and one level more is refused', () => {
    fc.assert(
      fc.property(nested, fc.integer({ min: -1, max: 1 }), ({ text, depth }, less) => {
        const limit = Math.max(1, depth + 1 + less)
        const { decode } = json({ depth: limit })
        const read = () => decode(`{"event":"x","data":${text}}`)
        if (limit >= depth + 1) expect(read()).toEqual({ event: 'x', data: JSON.parse(text) })
        else expect(read).toThrow(`nested deeper than ${limit} levels`)
      }),
      { numRuns: 1_000 },
    )
  })

  test('is 64 where nothing else is said, and concerns depth alone', () => {
    const { decode } = json()
    const deep = (levels: number) => `{"event":"x","data":${'['.repeat(levels)}${']'.repeat(levels)}}`
    expect(() => decode(deep(63))).not.toThrow()
    expect(() => decode(deep(64))).toThrow('nested deeper than 64 levels')
    expect(() => decode(`{"event":"x","data":[${'[],'.repeat(10_000)}[]]}`)).not.toThrow()
    expect(() => decode(`{"event":"x","data":"${'['.repeat(10_000)}"}`)).not.toThrow()
    expect(() => decode(`{"event":"x","unknown":${'['.repeat(64)}${']'.repeat(64)}}`)).toThrow(
      'nested deeper',
    )
  })
})
