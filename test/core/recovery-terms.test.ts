import { afterEach, describe, expect, test } from 'bun:test'
import {
  type Codec,
  Gateway,
  GatewayContext,
  json,
  On,
  OnClose,
  PartylineError,
  type Socket,
} from 'partyline'
import { msgpack } from 'partyline/msgpack'
import type { MemoryClient } from '../../lib/runtime/memory.ts'
import { nextTurn } from '../support/until.ts'
import { Guest } from './guest.ts'
import { finish, start } from './in-memory.ts'

afterEach(finish)

@Gateway('/desk', { recovery: { window: 60_000 } })
class Desk {
  closed = 0

  constructor(readonly context: GatewayContext) {}

  @On() say(socket: Socket, text: string) {
    socket.emit('you', text, text)
    this.context.emit('all', text)
    return text
  }

  @On() fail() {
    throw new PartylineError('NO', 'no')
  }

  @OnClose() left() {
    this.closed++
  }
}

@Gateway('/default', { recovery: {} })
class Default {}

@Gateway('/plain')
class Plain {}

const TOKEN = /^[\w-]{32}$/

/** The first frame, with what is random in it replaced. */
function told({ client, hello }: Guest): string {
  return String(client.received[0])
    .replace(hello.sid, 'SID')
    .replace(hello.recovery?.token ?? '-', 'TOKEN')
}

describe('the hello', () => {
  test('tells a token that nobody guesses, for how long it is good, and after which position the session begins', async () => {
    const one = await start(Desk)
    const first = await Guest.open(one, '/desk')
    expect(told(first)).toBe(
      '{"hello":{"sid":"SID","heartbeat":25000,"recovery":{"token":"TOKEN","window":60000,"pos":0}}}',
    )
    expect(first.token).toMatch(TOKEN)
    one.app.get(Desk).context.emit('all', 1)
    const second = await Guest.open(one, '/desk')
    expect(told(second)).toEndWith('"recovery":{"token":"TOKEN","window":60000,"pos":1}}}')
    expect(second.token).toMatch(TOKEN)
    expect(second.token).not.toBe(first.token)
    expect(second.frames()).toEqual([])
  })

  test('of a session that is resumed says so, what came from the client, and where it goes on', async () => {
    const one = await start(Desk)
    const guest = await Guest.open(one, '/desk')
    guest.send('{"event":"say","data":"a","id":1,"pos":1}', '{"event":"say","data":"b","pos":2}')
    const again = await guest.returns(3)
    expect(told(again)).toBe(
      '{"hello":{"sid":"SID","heartbeat":25000,"recovery":{"token":"TOKEN","window":60000,"pos":3},' +
        '"recovered":true,"received":2}}',
    )
    expect(again.hello.sid).toBe(guest.hello.sid)
    expect(again.token).not.toBe(guest.token)
  })

  test('of one that could not be resumed says so, and has terms of its own', async () => {
    const guest = await Guest.open(await start(Desk), '/desk')
    expect(told(await guest.resume(0, { token: 'x'.repeat(32) }))).toBe(
      '{"hello":{"sid":"SID","heartbeat":25000,"recovery":{"token":"TOKEN","window":60000,"pos":0},"recovered":false}}',
    )
  })

  test('has the default window where none is given', async () => {
    const guest = await Guest.open(await start(Default), '/default')
    expect(guest.hello.recovery?.window).toBe(120_000)
  })

  test('has no terms where the gateway has no recovery, and who asks all the same is told nothing of it', async () => {
    const one = await start(Plain)
    const guest = await Guest.open(one, '/plain', {
      subprotocols: ['partyline.resume.abc.0', 'partyline.json.v1'],
    })
    expect(told(guest)).toBe('{"hello":{"sid":"SID","heartbeat":25000}}')
    expect(guest.client.subprotocol).toBe('partyline.json.v1')
    guest.send('{"received":0}')
    expect(guest.frames()).toEqual([
      '{"error":{"code":"MALFORMED_FRAME","message":"\\"received\\" is for sessions that can be resumed"}}',
    ])
    expect(one.app.stats()).toMatchObject({ resumesRefused: 0, sessionsResumed: 0 })
  })
})

describe('positions', () => {
  test('are on events, acks, failures and requests, and rise', async () => {
    const one = await start(Desk)
    const guest = await Guest.open(one, '/desk')
    guest.send(
      '{"event":"say","data":"a","id":7}',
      '{"event":"fail","id":8}',
      '{"event":"fail"}',
      '{"event":"x"}',
    )
    guest.send('nonsense')
    const [socket] = [...one.app.sockets] as [Socket]
    void socket.call('confirm', 'sure?', { timeout: 1 })
    void socket.call('confirm', undefined, { timeout: 1 }).catch(() => {})
    socket.emit('none')
    await nextTurn()
    expect(guest.frames()).toEqual([
      '{"event":"you","args":["a","a"],"pos":1}',
      '{"event":"all","data":"a","pos":2}',
      '{"ack":7,"data":"a","pos":3}',
      '{"ack":8,"error":{"code":"NO","message":"no"},"pos":4}',
      '{"error":{"code":"NO","message":"no","event":"fail"},"pos":5}',
      '{"error":{"code":"UNKNOWN_EVENT","message":"no handler for \\"x\\" at /desk","event":"x"},"pos":6}',
      '{"error":{"code":"MALFORMED_FRAME","message":"not JSON"},"pos":7}',
      '{"event":"confirm","data":"sure?","id":1,"pos":8}',
      '{"event":"confirm","args":[],"id":2,"pos":9}',
      '{"event":"none","args":[],"pos":10}',
    ])
    guest.send('{"ack":1,"data":"yes"}')
  })

  test('are not on pongs, pings and received', async () => {
    const one = await start(Desk)
    const guest = await Guest.open(one, '/desk')
    guest.send('{"ping":5}', '{"event":"fail","pos":1}')
    one.clock.advance(50_000)
    await nextTurn()
    expect(guest.frames()).toEqual([
      '{"pong":5}',
      '{"error":{"code":"NO","message":"no","event":"fail"},"pos":1}',
      '{"received":1}',
      '{"ping":1}',
    ])
  })

  test('are the gateway’s: each sees some of them', async () => {
    const one = await start(Desk)
    const [ann, bob] = [await Guest.open(one, '/desk'), await Guest.open(one, '/desk')]
    ann.send('{"event":"say","data":"a"}')
    bob.send('{"event":"say","data":"b"}')
    await nextTurn()
    expect(ann.frames()).toEqual([
      '{"event":"you","args":["a","a"],"pos":1}',
      '{"event":"all","data":"a","pos":2}',
      '{"event":"all","data":"b","pos":4}',
    ])
    expect(bob.frames()).toEqual([
      '{"event":"all","data":"a","pos":2}',
      '{"event":"you","args":["b","b"],"pos":3}',
      '{"event":"all","data":"b","pos":4}',
    ])
  })

  test('leave a broadcast one frame for all, encoded once', async () => {
    const plain = json()
    const encoded: string[] = []
    const counting: Codec = {
      subprotocol: 'counting',
      decode: (message) => plain.decode(message),
      encode(frame) {
        const payload = String(plain.encode(frame))
        encoded.push(payload)
        return payload
      },
    }
    const one = await start(Desk, { codecs: [counting] })
    const guests = await Promise.all(
      [1, 2, 3].map(() => Guest.open(one, '/desk', { subprotocols: ['counting'] })),
    )
    encoded.length = 0
    one.app.get(Desk).context.emit('all', 'x')
    await nextTurn()
    expect(encoded).toEqual(['{"event":"all","data":"x","pos":1}'])
    expect(guests.map((guest) => guest.frames())).toEqual([encoded, encoded, encoded])
  })

  test('stand last in MessagePack, where the hello has terms too', async () => {
    const one = await start(Desk, { codecs: [msgpack()] })
    const client = (await one.app.runtime.connect('/desk', {
      subprotocols: ['partyline.msgpack.v1'],
    })) as MemoryClient
    const [socket] = [...one.app.sockets] as [Socket]
    const hello = Buffer.from(client.received[0] as Uint8Array)
    const token = hello.toString('latin1').match(/token\xd9 (.{32})/)?.[1] ?? ''
    expect(token).toMatch(TOKEN)
    expect(hello.toString('latin1')).toBe(
      `\x92\x03\x83\xa3sid\xd9\x24${socket.id}\xa9heartbeat\xcd\x61\xa8\xa8recovery` +
        `\x83\xa5token\xd9\x20${token}\xa6window\xcd\xea\x60\xa3pos\x00`,
    )
    // [0, "say", ["a"], 7, 1], and then [6, 2]
    client.send(Buffer.from('9500a373617991a1610701', 'hex'))
    client.send(Buffer.from('920602', 'hex'))
    await nextTurn()
    expect(client.received.slice(1).map((bytes) => Buffer.from(bytes as Uint8Array).toString('hex'))).toEqual(
      [
        // [0, "you", ["a", "a"], nil, 1]
        '9500a3796f7592a161a161c001',
        // [0, "all", ["a"], nil, 2]
        '9500a3616c6c91a161c002',
        // [1, 7, "a", 3]
        '940107a16103',
      ],
    )
  })
})

describe('a plain client', () => {
  test('sees the positions of broadcasts, has none of its own, and is not waited for', async () => {
    const one = await start(Desk)
    const client = (await one.app.runtime.connect('/desk')) as MemoryClient
    client.send('{"event":"say","data":"a","id":1,"pos":1}')
    client.send('{"event":"say","data":"a","id":2,"pos":1}')
    expect(client.received).toEqual([
      '{"event":"you","args":["a","a"]}',
      '{"event":"all","data":"a","pos":1}',
      '{"ack":1,"data":"a"}',
      '{"event":"you","args":["a","a"]}',
      '{"event":"all","data":"a","pos":2}',
      '{"ack":2,"data":"a"}',
    ])
    client.send('{"received":1}')
    expect(client.received.at(-1)).toBe(
      '{"error":{"code":"MALFORMED_FRAME","message":"\\"received\\" is for sessions that can be resumed"}}',
    )
    client.vanish()
    expect(one.app.stats()).toMatchObject({ sockets: 0, suspended: 0 })
    await nextTurn()
    expect(one.app.get(Desk).closed).toBe(1)
  })
})
