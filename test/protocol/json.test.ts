import { describe, expect, test } from 'bun:test'
import { type Frame, json, PartylineError } from 'partyline'

const { decode, encode } = json()

/** The error that a text is refused with. */
function refusal(text: string | Uint8Array, codec = json()): unknown {
  try {
    codec.decode(text)
  } catch (error) {
    return error
  }
  return 'it was read'
}

describe('both ways', () => {
  test.each<[string, string, Frame]>([
    ['an event', '{"event":"join","data":{"user":"Ann"}}', { event: 'join', data: { user: 'Ann' } }],
    ['an event with null', '{"event":"join","data":null}', { event: 'join', data: null }],
    ['several arguments', '{"event":"notice","args":[1,2,"!"]}', { event: 'notice', args: [1, 2, '!'] }],
    ['no argument', '{"event":"notice","args":[]}', { event: 'notice', args: [] }],
    ['a request', '{"event":"join","data":{},"id":7}', { event: 'join', data: {}, id: 7 }],
    [
      'a request of several arguments',
      '{"event":"x","args":[1,2],"id":0}',
      { event: 'x', args: [1, 2], id: 0 },
    ],
    ['an ack', '{"ack":7,"data":{"guests":2}}', { ack: 7, data: { guests: 2 } }],
    ['an ack with nothing in it', '{"ack":0}', { ack: 0 }],
    [
      'the failure of a request',
      '{"ack":7,"error":{"code":"SEAT_TAKEN","message":"taken","details":{"free":[8]}}}',
      { ack: 7, error: { code: 'SEAT_TAKEN', message: 'taken', details: { free: [8] } } },
    ],
    ['a ping', '{"ping":1}', { ping: 1 }],
    ['a pong', '{"pong":1}', { pong: 1 }],
    ['subscribing', '{"subscribe":"group","id":3}', { subscribe: 'group', id: 3 }],
    [
      'subscribing from a position on',
      '{"subscribe":"broadcast","after":17,"id":3}',
      { subscribe: 'broadcast', after: 17, id: 3 },
    ],
    ['subscribing no more', '{"unsubscribe":"group:ops","id":4}', { unsubscribe: 'group:ops', id: 4 }],
    [
      'publishing',
      '{"publish":"user","data":{"a":null},"id":5}',
      { publish: 'user', data: { a: null }, id: 5 },
    ],
    [
      'publishing in a session that can be resumed',
      '{"publish":"user","data":1,"pos":9}',
      { publish: 'user', data: 1, pos: 9 },
    ],
    [
      'a message of a channel',
      '{"channel":"broadcast","data":[1],"at":17}',
      { channel: 'broadcast', data: [1], at: 17 },
    ],
    ['one without a position', '{"channel":"group:ops","data":""}', { channel: 'group:ops', data: '' }],
    [
      'one of bytes',
      '{"channel":"broadcast","base64":"AP8=","at":17}',
      { channel: 'broadcast', base64: 'AP8=', at: 17 },
    ],
    [
      'what is lost of a channel',
      '{"channel":"user","at":17,"lost":true}',
      { channel: 'user', at: 17, lost: true },
    ],
    ['watching a room', '{"watch":"lobby","id":6}', { watch: 'lobby', id: 6 }],
    ['watching it no more', '{"unwatch":"lobby","id":7}', { unwatch: 'lobby', id: 7 }],
    [
      'who is present',
      '{"presence":"lobby","joined":[{"id":"ann","state":{}}],"changed":[{"id":"cy"}],"left":["bob"]}',
      { presence: 'lobby', joined: [{ id: 'ann', state: {} }], changed: [{ id: 'cy' }], left: ['bob'] },
    ],
    ['text of any script', '{"event":"é☃𝄞","data":"\\"\\\\\\n"}', { event: 'é☃𝄞', data: '"\\\n' }],
  ])('%s', (_, text, frame) => {
    expect(decode(text)).toEqual(frame)
    expect(encode(frame)).toBe(text)
  })
})

describe('to the client', () => {
  test.each([
    [
      'the failure of what asked for no ack',
      { error: { code: 'UNKNOWN_EVENT', message: 'no handler', event: 'jion' } },
      '{"error":{"code":"UNKNOWN_EVENT","message":"no handler","event":"jion"}}',
    ],
    ['hello', { hello: { sid: 'a-b', heartbeat: 25_000 } }, '{"hello":{"sid":"a-b","heartbeat":25000}}'],
    ['an event whose one argument is undefined', { event: 'x', data: undefined }, '{"event":"x"}'],
    ['an ack that is undefined', { ack: 1, data: undefined }, '{"ack":1}'],
    [
      'details that are undefined',
      { ack: 1, error: { code: 'X', message: 'y', details: undefined } },
      '{"ack":1,"error":{"code":"X","message":"y"}}',
    ],
    [
      'what says itself how it travels',
      { event: 'x', data: new Date(0) },
      '{"event":"x","data":"1970-01-01T00:00:00.000Z"}',
    ],
    [
      'bytes of a channel',
      { channel: 'user', data: new Uint8Array([0, 255, 65]), at: 1 },
      '{"channel":"user","base64":"AP9B","at":1}',
    ],
    [
      'those without a position',
      { channel: 'user', data: new Uint8Array() },
      '{"channel":"user","base64":""}',
    ],
  ])('%s', (_, frame, text) => {
    expect(encode(frame)).toBe(text)
  })

  test('bytes of a channel of any length come as they are, under any name of events', () => {
    const data = crypto.getRandomValues(new Uint8Array(65_536))
    const text = json({ eventKey: 'type' }).encode({ channel: 'user', data, at: 1 }) as string
    expect(Buffer.from(JSON.parse(text).base64, 'base64')).toEqual(Buffer.from(data))
  })
})

describe('to the server', () => {
  test.each([
    ['an event without data', '{"event":"x"}', { event: 'x' }],
    ['one argument in args', '{"event":"x","args":[5]}', { event: 'x', args: [5] }],
    ['white space', ' {\n"event" : "x" ,\t"data":1}\r\n', { event: 'x', data: 1 }],
    ['the last of two of the same key', '{"event":"a","event":"b"}', { event: 'b' }],
  ])('%s', (_, text, frame) => {
    expect(decode(text)).toEqual(frame)
  })

  test('the greatest id is the greatest integer that a number holds exactly', () => {
    expect(decode('{"event":"x","id":9007199254740991}')).toEqual({ event: 'x', id: 9_007_199_254_740_991 })
    expect(refusal('{"event":"x","id":9007199254740992}')).toBeInstanceOf(PartylineError)
  })

  test('what is no frame is refused as MALFORMED_FRAME, in words', () => {
    const texts: [text: string | Uint8Array, message: string][] = [
      ['', 'not JSON'],
      ['{', 'not JSON'],
      ["{'event':'x'}", 'not JSON'],
      ['{"event":"x",}', 'not JSON'],
      ['{"event":"x"}{"event":"y"}', 'not JSON'],
      ['\ufeff{"event":"x"}', 'not JSON'],
      ['NaN', 'not JSON'],
      ['[]', 'a frame is a JSON object, such as {"event":"hello","data":1}'],
      ['true', 'a frame is a JSON object, such as {"event":"hello","data":1}'],
      ['{}', 'no "event"'],
      ['{"Event":"x"}', 'no "event"'],
      ['{"__proto__":{"event":"x"}}', '"__proto__" is no key'],
      ['{"event":true}', '"event" is not a non-empty string'],
      ['{"event":["x"]}', '"event" is not a non-empty string'],
      ['{"event":"x","id":true}', '"id" is not a non-negative integer'],
      ['{"event":"x","data":null,"args":[]}', 'both "data" and "args"'],
      ['{"event":"x","args":null}', '"args" is not an array'],
      ['{"event":"x","args":"abc"}', '"args" is not an array'],
      ['{"ack":-1}', '"ack" is not a non-negative integer'],
      ['{"ack":null}', '"ack" is not a non-negative integer'],
      ['{"ack":1,"error":null}', '"error" has no code and message'],
      ['{"ack":1,"error":{"code":"X"}}', '"error" has no code and message'],
      ['{"ping":"1"}', 'a ping or pong carries a number'],
      ['{"pong":1e999}', 'a ping or pong carries a number'],
      ['{"subscribe":5}', '"subscribe" is not a non-empty string'],
      ['{"unsubscribe":null}', '"unsubscribe" is not a non-empty string'],
      ['{"publish":""}', '"publish" is not a non-empty string'],
      ['{"channel":[]}', '"channel" is not a non-empty string'],
      ['{"watch":{}}', '"watch" is not a non-empty string'],
      ['{"unwatch":true}', '"unwatch" is not a non-empty string'],
      ['{"presence":0}', '"presence" is not a non-empty string'],
      [`{"subscribe":"${'x'.repeat(1_025)}"}`, '"subscribe" is longer than 1024 characters'],
      [`{"watch":"${'x'.repeat(1_025)}"}`, '"watch" is longer than 1024 characters'],
      ['{"subscribe":"a","after":-1}', '"after" is not a non-negative integer'],
      ['{"subscribe":"a","after":null}', '"after" is not a non-negative integer'],
      ['{"subscribe":"a","id":"1"}', '"id" is not a non-negative integer'],
      ['{"publish":"a","pos":1.5}', '"pos" is not a non-negative integer'],
      ['{"channel":"a","data":1,"at":"x"}', '"at" is not a non-negative integer'],
      ['{"channel":"a","base64":5}', '"base64" is not a string'],
      ['{"channel":"a","lost":false}', '"lost" is not true'],
      ['{"presence":"a","joined":{}}', '"joined" is not an array of members, each with an id'],
      ['{"presence":"a","joined":[{"id":5}]}', '"joined" is not an array of members, each with an id'],
      ['{"presence":"a","changed":[null]}', '"changed" is not an array of members, each with an id'],
      ['{"presence":"a","left":[{"id":"a"}]}', '"left" is not an array of ids'],
      [new Uint8Array([0x7b, 0x7d]), 'JSON frames are text messages; this one is binary'],
    ]
    for (const [text, message] of texts) {
      expect(refusal(text)).toMatchObject({ name: 'PartylineError', code: 'MALFORMED_FRAME', message })
    }
  })
})

// A request that was misspelt was refused without its id, and whoever waited for its answer waited for ever.
describe('a frame that is refused can be answered where its id can be read', () => {
  test.each([
    ['{"event":"x","data":1,"args":[],"id":7}', 7],
    ['{"event":"x","args":5,"id":0}', 0],
    ['{"event":5,"id":7}', 7],
    ['{"id":7}', 7],
    ['{"event":"x","ack":1,"id":7}', 7],
    [`{"event":"x","data":${'['.repeat(70)}${']'.repeat(70)},"id":7}`, 7],
    ['{"subscribe":5,"id":7}', 7],
    ['{"subscribe":"a","after":"b","id":7}', 7],
    [`{"unsubscribe":"${'x'.repeat(2_000)}","id":7}`, 7],
    ['{"watch":"","id":7}', 7],
    ['{"subscribe":"a","id":-7}', undefined],
    ['{"event":"x","id":-1}', undefined],
    ['{"event":"","id":"7"}', undefined],
    ['{"ack":"7","id":7}', undefined],
    ['{"event":5}', undefined],
    ['[{"id":7}]', undefined],
  ])('%s', (text, id) => {
    expect(refusal(text)).toMatchObject({ code: 'MALFORMED_FRAME', id })
  })
})

describe('options', () => {
  test('`eventKey` names the event both ways', () => {
    const codec = json({ eventKey: 'type' })
    for (const text of [
      '{"type":"x","data":1,"id":2}',
      '{"type":"x","args":[1,2]}',
      '{"type":"x","args":[]}',
    ]) {
      expect(codec.encode(codec.decode(text))).toBe(text)
    }
    expect(codec.decode('{"type":"x","event":"y","data":1}')).toMatchObject({ event: 'x', data: 1 })
    expect(refusal('{"event":"x"}', codec)).toMatchObject({ message: 'no "type"' })
    expect(codec.encode({ ack: 1, data: 2 })).toBe('{"ack":1,"data":2}')
    expect(codec.encode({ ping: 1 })).toBe('{"ping":1}')
    // Of other frames nothing else is read: a member that happens to be called `event` makes none of them an event.
    expect(codec.decode('{"subscribe":"a","event":5,"at":1,"id":2}')).toStrictEqual({ subscribe: 'a', id: 2 })
  })

  test('`messageShorthand` sends one text as { message }, and changes nothing that is read', () => {
    const codec = json({ messageShorthand: true })
    expect(codec.encode({ event: 'x', data: 'hi' })).toBe('{"event":"x","data":{"message":"hi"}}')
    expect(codec.encode({ event: 'x', data: 'hi', id: 1 })).toBe(
      '{"event":"x","data":{"message":"hi"},"id":1}',
    )
    expect(codec.encode({ event: 'x', data: ['hi'] })).toBe('{"event":"x","data":["hi"]}')
    expect(codec.encode({ event: 'x', args: ['hi', 'ho'] })).toBe('{"event":"x","args":["hi","ho"]}')
    expect(codec.encode({ ack: 1, data: 'hi' })).toBe('{"ack":1,"data":"hi"}')
    expect(codec.decode('{"event":"x","data":"hi"}')).toEqual({ event: 'x', data: 'hi' })
  })
})

describe('what JSON cannot carry is refused on the sending side', () => {
  const loop: Record<string, unknown> = {}
  loop.inner = [loop]
  const bytes = new Uint8Array([1])

  test.each([
    ['bytes', bytes],
    ['a buffer', Buffer.from('x')],
    ['an ArrayBuffer', new ArrayBuffer(1)],
    ['a DataView', new DataView(new ArrayBuffer(1))],
    ['numbers in a typed array', new Float64Array(1)],
    ['bytes in an array', [1, [bytes]]],
    ['bytes in an object', { a: { b: bytes } }],
    ['bytes that an object shows of itself', { toJSON: () => ({ bytes }) }],
    ['an object that shows itself as bytes', { toJSON: () => bytes }],
    ['a cycle', loop],
    ['a bigint', 1n],
  ])('%s', (_, data) => {
    for (const codec of [json(), json({ eventKey: 'type' }), json({ messageShorthand: true })]) {
      expect(() => codec.encode({ event: 'x', data })).toThrow(TypeError)
      expect(() => codec.encode({ event: 'x', args: [1, data] })).toThrow(TypeError)
      expect(() => codec.encode({ ack: 1, data })).toThrow(TypeError)
      expect(() => codec.encode({ ack: 1, error: { code: 'X', message: 'y', details: data } })).toThrow(
        TypeError,
      )
    }
  })

  // Entities of some database libraries refer to each other in circles, and have a toJSON that shows the plain part.
  test('but an object in a cycle that shows only a part of itself is fine', () => {
    class Entity {
      owner: unknown = this
      bytes = new Uint8Array(4)

      toJSON() {
        return { id: 5 }
      }
    }
    expect(encode({ event: 'x', data: [new Entity()] })).toBe('{"event":"x","data":[{"id":5}]}')
    class Itself extends Entity {
      override owner: unknown = 1
      override bytes = undefined as never

      override toJSON() {
        return this as never
      }
    }
    expect(encode({ event: 'x', data: new Itself() })).toBe('{"event":"x","data":{"owner":1}}')
  })

  // The search for bytes went into what objects inherit, where JSON.stringify never looks: plain entities were refused for
  // bytes of their prototypes, and an enumerable cycle there ended in a RangeError.
  test('but what an object inherits does not travel, and so is not looked at', () => {
    const heirs = [
      Object.assign(Object.create({ bytes }) as object, { x: 1 }),
      Object.assign(Object.create(loop) as object, { x: 1 }),
    ]
    const round = { self: undefined as unknown }
    round.self = round
    heirs.push(Object.assign(Object.create(round) as object, { x: 1 }))
    for (const heir of heirs) {
      expect(encode({ event: 'x', data: { heir } })).toBe('{"event":"x","data":{"heir":{"x":1}}}')
    }
    expect(encode({ event: 'x', data: new Date(0) })).toBe('{"event":"x","data":"1970-01-01T00:00:00.000Z"}')
    const own = Object.assign(Object.create({ deep: 1 }) as object, { deep: { bytes } })
    expect(() => encode({ event: 'x', data: own })).toThrow(TypeError)
  })

  // It called toJSON without the key that JSON.stringify gives, and methods that use it threw.
  test('an object is asked to show itself as JSON.stringify asks', () => {
    const keys: unknown[] = []
    const shy = {
      toJSON(key: string) {
        keys.push(key)
        return key.length
      },
    }
    expect(encode({ event: 'x', data: shy })).toBe('{"event":"x","data":4}')
    expect(encode({ event: 'x', data: { inner: [shy] } })).toBe('{"event":"x","data":{"inner":[1]}}')
    expect(keys).toEqual(['data', 'data', '0', '0'])
  })
})
