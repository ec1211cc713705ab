import { afterEach, describe, expect, test } from 'bun:test'
import { Gateway, On, OnClose, OnOpen, type Socket } from 'partyline'
import { finish, start } from '../core/in-memory.ts'

afterEach(finish)

const unknown = (event: string, path: string, id: number) =>
  `{"ack":${id},"error":{"code":"UNKNOWN_EVENT","message":"no handler for \\"${event}\\" at ${path}"}}`

describe('the event of a handler', () => {
  const named = Symbol('named')

  @Gateway('/names')
  class Names {
    readonly name = 'Names'

    @On() plain() {
      return `plain of ${this.name}`
    }

    @On('with spaces & ünicode') explicit() {
      return `explicit of ${this.name}`
    }

    @On('by symbol') [named]() {
      return `symbol of ${this.name}`
    }

    @On() 'quoted-name'() {
      return `quoted of ${this.name}`
    }

    @On('one') @On('two') several() {
      return `several of ${this.name}`
    }
  }

  test.each([
    ['plain', 'plain'],
    ['with spaces & ünicode', 'explicit'],
    ['by symbol', 'symbol'],
    ['quoted-name', 'quoted'],
    ['one', 'several'],
    ['two', 'several'],
  ])('%p reaches its method, with the gateway as this', async (event, method) => {
    const { connect } = await start(Names)
    const client = await connect('/names')
    expect(await client.ask(`{"event":"${event}","id":1}`)).toBe(`{"ack":1,"data":"${method} of Names"}`)
  })

  test.each(['explicit', 'several', 'named', 'Symbol(named)', 'Plain', 'plain '])(
    '%p reaches none',
    async (event) => {
      const { connect } = await start(Names)
      const client = await connect('/names')
      expect(await client.ask(`{"event":"${event}","id":1}`)).toBe(unknown(event, '/names', 1))
    },
  )
})

test('a handler gets the socket and all the arguments of the event', async () => {
  @Gateway('/arguments')
  class Arguments {
    @On() count(socket: Socket, ...args: unknown[]) {
      return [socket.path, ...args]
    }
  }

  const { connect } = await start(Arguments)
  const client = await connect('/arguments')
  expect(await client.ask('{"event":"count","id":1}')).toBe('{"ack":1,"data":["/arguments"]}')
  expect(await client.ask('{"event":"count","data":[1,2],"id":2}')).toBe(
    '{"ack":2,"data":["/arguments",[1,2]]}',
  )
  expect(await client.ask('{"event":"count","args":[1,2],"id":3}')).toBe(
    '{"ack":3,"data":["/arguments",1,2]}',
  )
})

describe('a class that extends another', () => {
  const notes: string[] = []

  class Talk {
    @OnOpen() opened() {
      notes.push('opened by Talk')
    }

    @OnClose() closed() {
      notes.push('closed by Talk')
    }

    @On() kept() {
      return 'kept of Talk'
    }

    @On() overridden() {
      return 'overridden of Talk'
    }

    @On('first name') renamed() {
      return 'renamed of Talk'
    }

    @On('once') @On('twice') narrowed() {
      return 'narrowed of Talk'
    }
  }

  @Gateway('/chat')
  class Chat extends Talk {
    override opened() {
      notes.push('opened by Chat')
    }

    @OnClose() override closed() {
      notes.push('closed by Chat')
    }

    override overridden() {
      return `overridden of Chat, after ${super.overridden()}`
    }

    @On('second name') override renamed() {
      return 'renamed of Chat'
    }

    @On('twice') override narrowed() {
      return 'narrowed of Chat'
    }

    @On() own() {
      return 'own of Chat'
    }
  }

  @Gateway('/late')
  class LateChat extends Chat {
    override kept() {
      return 'kept of LateChat'
    }
  }

  @Gateway('/talk')
  class JustTalk extends Talk {}

  test.each([
    ['inherits a handler', '/chat', 'kept', 'kept of Talk'],
    ['replaces one that it overrides', '/chat', 'overridden', 'overridden of Chat, after overridden of Talk'],
    ['replaces the event too where it says so', '/chat', 'second name', 'renamed of Chat'],
    ['replaces all events of a method where it says one', '/chat', 'twice', 'narrowed of Chat'],
    ['adds its own', '/chat', 'own', 'own of Chat'],
    ['inherits over two steps', '/late', 'second name', 'renamed of Chat'],
    ['overrides over two steps', '/late', 'kept', 'kept of LateChat'],
    ['changes nothing for the others', '/talk', 'first name', 'renamed of Talk'],
  ])('%s', async (_, path, event, answer) => {
    const { connect } = await start([Chat, LateChat, JustTalk])
    const client = await connect(path)
    expect(await client.ask(`{"event":"${event}","id":1}`)).toBe(`{"ack":1,"data":"${answer}"}`)
  })

  test.each([
    ['/chat', 'first name'],
    ['/chat', 'once'],
    ['/late', 'once'],
    ['/talk', 'own'],
    ['/talk', 'second name'],
  ])('at %s there is no %p any more', async (path, event) => {
    const { connect } = await start([Chat, LateChat, JustTalk])
    const client = await connect(path)
    expect(await client.ask(`{"event":"${event}","id":1}`)).toBe(unknown(event, path, 1))
  })

  test.each([
    ['/chat', ['opened by Chat', 'closed by Chat']],
    ['/talk', ['opened by Talk', 'closed by Talk']],
  ])('@OnOpen and @OnClose at %s', async (path, expected) => {
    const { app, connect } = await start([Chat, JustTalk])
    notes.length = 0
    await connect(path)
    await app.stop()
    expect(notes).toEqual(expected)
  })
})

test('one method can be for several things', async () => {
  const notes: string[] = []

  @Gateway('/busy')
  class Busy {
    @OnOpen() @OnClose() @On() note(socket: Socket, what?: unknown) {
      notes.push(typeof what === 'object' ? `closed ${socket.connected}` : `${what} ${socket.connected}`)
    }
  }

  const { app, connect } = await start(Busy)
  const client = await connect('/busy')
  client.send('{"event":"note","data":"event"}')
  await app.stop()
  expect(notes).toEqual(['undefined true', 'event true', 'closed false'])
})

test("what another decorator puts in a method's place is the handler", async () => {
  function loud(_: object, __: string, descriptor: TypedPropertyDescriptor<() => string>) {
    const { value } = descriptor
    descriptor.value = function (this: unknown) {
      return `${value?.call(this)}!`
    }
  }

  @Gateway('/loud')
  class Loud {
    readonly name = 'Ada'

    @On() @loud above() {
      return this.name
    }

    @loud @On() below() {
      return this.name
    }
  }

  const { connect } = await start(Loud)
  const client = await connect('/loud')
  expect(await client.ask('{"event":"above","id":1}')).toBe('{"ack":1,"data":"Ada!"}')
  expect(await client.ask('{"event":"below","id":2}')).toBe('{"ack":2,"data":"Ada!"}')
})
