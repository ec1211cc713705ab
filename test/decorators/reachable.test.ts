import { afterEach, describe, expect, test } from 'bun:test'
import { Gateway, On, OnAny, OnClose, OnOpen, type Socket, type SocketEvent } from 'partyline'
import { finish, start } from '../core/in-memory.ts'

afterEach(finish)

const calls: string[] = []

class Base {
  inherited() {
    calls.push('inherited')
  }
}

@Gateway('/guarded')
class Guarded extends Base {
  static fixed() {
    calls.push('fixed')
  }

  readonly field = () => calls.push('field')

  undecorated() {
    calls.push('undecorated')
  }

  get getter() {
    calls.push('getter')
    return () => calls.push('getter called')
  }

  dispose() {
    calls.push('dispose')
  }

  @OnOpen() opened() {
    calls.push('opened')
  }

  @OnClose() closed() {
    calls.push('closed')
  }

  @On('public') handler() {
    return 'reached'
  }
}

/** None of these is an event that the gateway has a handler for. */
const unreachable = [
  ...['undecorated', 'inherited', 'fixed', 'field', 'getter', 'handler', 'dispose'],
  ...[
    'opened',
    'closed',
    'open',
    'close',
    'connected',
    'disconnected',
    'message',
    'any',
    'event',
    'firstMessage',
  ],
  ...['constructor', '__proto__', 'prototype', 'toString', 'valueOf', 'hasOwnProperty', '__defineGetter__'],
  ...['size', 'get', 'has', 'forEach', 'then', 'undefined', 'null', ' public', 'Public'],
]

describe('an event of a name that no handler has', () => {
  test.each(unreachable)('%p is answered UNKNOWN_EVENT, and nothing is called', async (name) => {
    const { connect } = await start(Guarded)
    const client = await connect('/guarded')
    calls.length = 0
    expect(await client.ask(`{"event":"${name}","data":{"a":1},"id":1}`)).toBe(
      `{"ack":1,"error":{"code":"UNKNOWN_EVENT","message":"no handler for \\"${name}\\" at /guarded"}}`,
    )
    expect(await client.ask(`{"event":"${name}"}`)).toBe(
      `{"error":{"code":"UNKNOWN_EVENT","message":"no handler for \\"${name}\\" at /guarded","event":"${name}"}}`,
    )
    expect(calls).toEqual([])
    expect(await client.ask('{"event":"public","id":2}')).toBe('{"ack":2,"data":"reached"}')
  })
})

test('such names can be events: with an explicit name, they reach that handler and nothing else', async () => {
  @Gateway('/odd')
  class Odd {
    @On('constructor') a() {
      return 'constructor handled'
    }

    @On('__proto__') b() {
      return '__proto__ handled'
    }

    @On('open') c() {
      return 'open handled'
    }

    @On() override() {
      return 'override handled'
    }

    @OnOpen() opened(socket: Socket) {
      socket.data.opened = true
    }
  }

  const { connect } = await start(Odd)
  const client = await connect('/odd')
  for (const name of ['constructor', '__proto__', 'open', 'override']) {
    expect(await client.ask(`{"event":"${name}","id":1}`)).toBe(`{"ack":1,"data":"${name} handled"}`)
  }
})

test('@OnAny sees such names as what they are: names', async () => {
  @Gateway('/any')
  class Any {
    @OnAny() any(_: Socket, event: SocketEvent) {
      return `${typeof event.name} ${event.name}`
    }
  }

  const { connect } = await start(Any)
  const client = await connect('/any')
  for (const name of ['constructor', '__proto__', 'any', 'closed']) {
    expect(await client.ask(`{"event":"${name}","id":1}`)).toBe(`{"ack":1,"data":"string ${name}"}`)
  }
})

test('events that nobody handles can be ignored; requests are answered all the same', async () => {
  @Gateway('/lenient', { unknownEvents: 'ignore' })
  class Lenient {
    undecorated() {
      calls.push('undecorated')
    }

    @On() known() {
      return 'known'
    }
  }

  const { connect } = await start(Lenient)
  const client = await connect('/lenient')
  calls.length = 0
  client.send('{"event":"undecorated"}', '{"event":"constructor","data":1}')
  expect(await client.ask('{"event":"known","id":1}')).toBe('{"ack":1,"data":"known"}')
  expect(await client.ask('{"event":"undecorated","id":2}')).toBe(
    '{"ack":2,"error":{"code":"UNKNOWN_EVENT","message":"no handler for \\"undecorated\\" at /lenient"}}',
  )
  expect(calls).toEqual([])
})
