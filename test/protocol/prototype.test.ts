import { describe, expect, test } from 'bun:test'
import { json, PartylineError } from 'partyline'

const codec = json()

function refusal(text: string): unknown {
  try {
    codec.decode(text)
  } catch (error) {
    if (error instanceof PartylineError) return error.toBody()
    throw error
  }
}

describe('a key that names the prototype does not get through', () => {
  test.each([
    ['in the data', '{"event":"x","data":{"__proto__":{"admin":true}}}'],
    ['deep in it', '{"event":"x","data":[1,{"a":{"b":[{"__proto__":1}]}}]}'],
    ['in the arguments', '{"event":"x","args":[{"__proto__":1},2]}'],
    ['in the frame', '{"event":"x","__proto__":{"id":7}}'],
    ['as an escape', '{"event":"x","data":{"\\u005f_proto__":1}}'],
    ['half an escape', '{"event":"x","data":{"__pr\\u006fto__":1}}'],
    ['in what answers', '{"ack":1,"data":{"__proto__":1}}'],
    // Beside plain data nothing was looked into, though a failure has more than that.
    [
      'in the details of a failure',
      '{"ack":1,"data":1,"error":{"code":"X","message":"y","details":{"__proto__":{"admin":true}}}}',
    ],
    ['in what is published', '{"publish":"x","data":{"__proto__":1}}'],
  ])('%s', (_, text) => {
    expect(refusal(text)).toEqual({ code: 'MALFORMED_FRAME', message: '"__proto__" is no key' })
  })

  test.each([
    ['the word as a text', '{"event":"x","data":"__proto__"}'],
    ['escapes in texts and keys', '{"event":"x","data":{"caf\\u00e9":"\\u005f"}}'],
    ['keys that only look like it', '{"event":"x","data":{"__proto":1,"proto__":2,"constructor":3}}'],
  ])('%s is no such key', (_, text) => {
    expect(codec.decode(text)).toEqual(JSON.parse(text))
  })

  test('of a key that stands twice the last counts, as in JSON.parse, and the first is gone', () => {
    const { data } = codec.decode('{"event":"x","data":{"role":"admin","role":"guest"}}') as { data: object }
    expect(Object.entries(data)).toEqual([['role', 'guest']])
  })
})
