import { describe, expect, test } from 'bun:test'
import { parsePacket } from '../../lib/socketio/packet.ts'
import { connected, World } from './fakes.ts'

const bounds = { depth: 64, attachments: 10 }

describe('what a client sends is read', () => {
  test.each([
    ['0', { kind: 'connect', namespace: '/', auth: undefined }],
    ['0/admin,', { kind: 'connect', namespace: '/admin', auth: undefined }],
    ['0/admin', { kind: 'connect', namespace: '/admin' }],
    ['0{"token":"123"}', { kind: 'connect', namespace: '/', auth: { token: '123' } }],
    ['0/admin,{"token":"123"}', { kind: 'connect', namespace: '/admin', auth: { token: '123' } }],
    ['0/chat?token=a,b', 'a payload that is no JSON'],
    ['0/chat?token=a,', { kind: 'connect', namespace: '/chat', query: 'token=a' }],
    ['0/chat?a=1?b,', { kind: 'connect', namespace: '/chat', query: 'a=1?b' }],
    ['0/?a=1,{"b":"?"}', { kind: 'connect', namespace: '/', query: 'a=1', auth: { b: '?' } }],
    ['0/admin,{"q":"a?b,c"}', { kind: 'connect', namespace: '/admin', query: '', auth: { q: 'a?b,c' } }],
    ['1', { kind: 'disconnect', namespace: '/' }],
    ['1/admin,', { kind: 'disconnect', namespace: '/admin' }],
    ['1/admin', { kind: 'disconnect', namespace: '/admin' }],
    ['2["foo"]', { kind: 'event', namespace: '/', id: undefined, list: ['foo'], attachments: 0 }],
    ['2/admin,["bar"]', { kind: 'event', namespace: '/admin', list: ['bar'] }],
    ['212["foo"]', { kind: 'event', namespace: '/', id: 12, list: ['foo'] }],
    ['2/admin,456["foo",1,"2",{"3":[true]}]', { id: 456, list: ['foo', 1, '2', { 3: [true] }] }],
    ['20["foo"]', { kind: 'event', id: 0 }],
    ['29007199254740991["foo"]', { kind: 'event', id: 9007199254740991 }],
    ['2[5,"six"]', { kind: 'event', list: [5, 'six'] }],
    ['2[""]', { kind: 'event', list: [''] }],
    ['3/admin,13["bar"]', { kind: 'ack', namespace: '/admin', id: 13, list: ['bar'] }],
    ['312[]', { kind: 'ack', id: 12, list: [] }],
    ['51-["baz",{"_placeholder":true,"num":0}]', { kind: 'event', attachments: 1 }],
    ['52-/admin,7["baz",{"_placeholder":true,"num":0},1]', { namespace: '/admin', id: 7, attachments: 2 }],
    ['61-15["bar",{"_placeholder":true,"num":0}]', { kind: 'ack', id: 15, attachments: 1 }],
  ])('as the packet that it is: %s', (text, expected) => {
    if (typeof expected === 'string') expect(() => parsePacket(text, bounds)).toThrow(expected)
    else expect(parsePacket(text, bounds)).toMatchObject(expected as object)
  })
})

test.each([
  ['', 'no type of a packet'],
  ['abc', 'no type of a packet'],
  ['7', 'no type of a packet'],
  ['9["foo"]', 'no type of a packet'],
  [' 2["foo"]', 'no type of a packet'],
  ['0[]', 'a CONNECT packet whose payload is no object'],
  ['0"token"', 'a CONNECT packet whose payload is no object'],
  ['0null', 'a CONNECT packet whose payload is no object'],
  ['0{', 'a payload that is no JSON'],
  ['1{}', 'a DISCONNECT packet with a payload'],
  ['1/admin,[]', 'a DISCONNECT packet with a payload'],
  ['2', 'a payload that is no array'],
  ['2/admin,', 'a payload that is no array'],
  ['212', 'a payload that is no array'],
  ['2{}', 'a payload that is no array'],
  ['2"foo"', 'a payload that is no array'],
  ['2[]', 'an event without a name'],
  ['2[null]', 'an event without a name'],
  ['2[{}]', 'an event without a name'],
  ['2[["foo"]]', 'an event without a name'],
  ['2abc["message",1]', 'a payload that is no JSON'],
  ['2-1["foo"]', 'a payload that is no JSON'],
  ['2["foo"', 'a payload that is no JSON'],
  ['2["foo"] x', 'a payload that is no JSON'],
  ['2["connect"]', 'an event with the reserved name "connect"'],
  ['2["connect_error"]', 'an event with the reserved name "connect_error"'],
  ['2["disconnect"]', 'an event with the reserved name "disconnect"'],
  ['2["disconnecting"]', 'an event with the reserved name "disconnecting"'],
  ['2["newListener"]', 'an event with the reserved name "newListener"'],
  ['2["removeListener"]', 'an event with the reserved name "removeListener"'],
  ['29007199254740992["foo"]', 'an id that is too large'],
  [`2${'1'.repeat(400)}["foo"]`, 'an id that is too large'],
  ['3["foo"]', 'an ACK packet without an id'],
  ['31', 'a payload that is no array'],
  ['31{}', 'a payload that is no array'],
  ['4{"message":"no"}', 'a CONNECT_ERROR packet, which only servers send'],
  ['5["foo"]', 'no number of attachments'],
  ['5-["foo"]', 'no number of attachments'],
  ['50-["foo"]', 'no number of attachments'],
  ['51["foo"]', 'no number of attachments'],
  ['5', 'no number of attachments'],
  ['511-["foo"]', 'more than 10 binary attachments'],
  [`5${'9'.repeat(300)}-["foo"]`, 'no number of attachments'],
  [`0/${'n'.repeat(1_024)},`, 'a namespace of more than 1024 characters'],
  [`0/${'n'.repeat(2_000)}`, 'a namespace of more than 1024 characters'],
])('%j is no packet, and closes the connection', (text, reason) => {
  expect(() => parsePacket(text, bounds)).toThrow(reason)
  const world = connected()
  const { session } = world
  world.receive(text)
  expect(world.engine.end).toEqual({ cause: 'forced close', code: 1002, reason })
  expect(session.ends).toEqual([[1002, reason]])
  expect(session.frames).toEqual([])
})

test('what is no packet closes a connection that is in no namespace', () => {
  const world = new World()
  world.receive('abc')
  expect(world.fault).toBe('no type of a packet')
  expect(world.clock.pending).toBe(0)
})

test('what is nested too deep, or names a prototype, is answered', () => {
  const world = connected()
  world.receive(`21["deep",${'['.repeat(64)}${']'.repeat(64)}]`, '22["proto",{"__proto__":{"a":1}}]')
  world.receive(`23["fits",${'['.repeat(63)}${']'.repeat(63)}]`)
  const { failures, frames } = world.session
  expect(failures).toMatchObject([
    { code: 'MALFORMED_FRAME', id: 1, message: 'nested deeper than 64 levels' },
    { code: 'MALFORMED_FRAME', id: 2, message: '"__proto__" is no key' },
  ])
  expect(frames).toMatchObject([{ event: 'fits', id: 3 }])
  expect(world.engine.isOpen).toBe(true)
})
