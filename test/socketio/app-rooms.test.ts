import { afterEach, describe, expect, test } from 'bun:test'
import { Gateway, GatewayContext, On, OnOpen, type Socket } from 'partyline'
import { msgpack } from 'partyline/msgpack'
import { socketio } from 'partyline/socketio'
import { finish, type Started, start } from '../core/in-memory.ts'
import { nextTurn } from '../support/until.ts'
import { SocketioClient, SocketioPoller } from './app-world.ts'

/** How often it was written out. */
class Counted {
  times = 0

  toJSON(): string {
    return `written ${++this.times} times`
  }
}

@Gateway('/chat')
class Chat {
  constructor(readonly context: GatewayContext) {}

  @OnOpen() opened(socket: Socket): void {
    socket.join('all', socket.query.get('name') ?? 'nobody')
  }

  @On() say(socket: Socket, text: unknown): void {
    socket.to('all').emit('said', text)
  }

  @On() tell(_: Socket, text: unknown): void {
    this.context.to('all').emit('told', text)
    this.context.emit('told all', text)
  }

  @On() leave(socket: Socket): void {
    socket.leave('all')
  }

  @On() both(socket: Socket): void {
    socket.to('ada', 'all', 'bob').except('eve').emit('once')
  }
}

@Gateway('/rooms/:name')
class Rooms {
  constructor(readonly context: GatewayContext) {}

  @On() all(_: Socket, what: unknown): void {
    this.context.emit('all', what)
  }
}

@Gateway('/present', { presence: { watch: () => true } })
class Present {
  constructor(readonly context: GatewayContext) {}

  @On() join(socket: Socket, room: string): void {
    socket.join(room)
  }
}

@Gateway('/feed/:facility', { channels: {} })
class Feed {
  @On() echo(_: Socket, what: unknown): unknown {
    return what
  }
}

const options = { dialects: [socketio()], codecs: [msgpack()] }
/** `["said", "hi"]` in MessagePack: an event and its data. */
const TYPED = 'partyline.msgpack.v1'

/** One client of each kind in the room `all`. */
async function everyKind(one: Started) {
  const plain = (await one.app.runtime.connect('/chat?name=plain')) as never as { received: unknown[] }
  const framed = (await one.app.runtime.connect('/chat?name=framed', {
    subprotocols: ['partyline.json.v1'],
  })) as typeof plain
  const packed = (await one.app.runtime.connect('/chat?name=packed', {
    subprotocols: [TYPED],
  })) as typeof plain
  const ada = await SocketioClient.in(one, '40/chat,', { query: '&name=ada' })
  const bob = await SocketioPoller.in(one, '40/chat,', { query: '&name=bob' })
  framed.received.length = packed.received.length = 0
  const take = (client: typeof plain): unknown[] => client.received.splice(0)
  return { plain: () => take(plain), framed: () => take(framed), packed: () => take(packed), ada, bob }
}

describe.each([
  ['where core sends to each', false],
  ['where the runtime publishes', true],
])('%s', (_, topics) => {
  afterEach(finish)

  test('clients of every kind stand in one room, and get the same broadcast', async () => {
    const one = await start(Chat, options, { topics })
    const { plain, framed, packed, ada, bob } = await everyKind(one)
    const heard = bob.poll()
    await ada.ask('42/chat,["say","hi"]')
    expect([plain(), framed()]).toEqual([['{"event":"said","data":"hi"}'], ['{"event":"said","data":"hi"}']])
    expect(packed()).toEqual([expect.any(Uint8Array)])
    expect(await heard).toEqual(['42/chat,["said","hi"]'])
    expect(ada.take()).toEqual([])
    const next = bob.poll()
    await bob.post('42/chat,["tell",[1]]')
    expect(ada.take()).toEqual(['42/chat,["told",[1]]', '42/chat,["told all",[1]]'])
    expect(await next).toEqual(['42/chat,["told",[1]]', '42/chat,["told all",[1]]'])
    expect(plain()).toHaveLength(2)
    expect(packed()).toHaveLength(2)
  })

  test('a broadcast is written once for each wire, whoever there is', async () => {
    const one = await start(Chat, options, { topics })
    const clients = [await SocketioClient.in(one, '40/chat,'), await SocketioClient.in(one, '40/chat,')]
    await one.app.runtime.connect('/chat')
    const what = new Counted()
    one.app.get(Chat).context.emit('x', what)
    await nextTurn()
    // JSON and Socket.IO; each looks for bytes beforehand or afterwards.
    const { times } = what
    const more = [await SocketioClient.in(one, '40/chat,'), await SocketioClient.in(one, '40/chat,')]
    await one.app.runtime.connect('/chat')
    one.app.get(Chat).context.emit('x', what)
    await nextTurn()
    expect(what.times).toBe(2 * times)
    const [first, ...others] = [...clients, ...more].map((client) => client.take().at(-1))
    expect(first).toContain('written')
    expect(others).toEqual([first, first, first])
  })

  test('sockets are left out, of whichever kind, and nobody gets anything twice', async () => {
    const one = await start(Chat, options, { topics })
    const { plain, packed, ada, bob } = await everyKind(one)
    const eve = await SocketioClient.in(one, '40/chat,', { query: '&name=eve' })
    const heard = bob.poll()
    expect(await ada.ask('42/chat,["both"]')).toEqual([])
    expect([plain(), packed().length, eve.take(), await heard]).toEqual([
      ...[['{"event":"once","args":[]}'], 1, [], ['42/chat,["once"]']],
    ])
  })

  test('who left the room hears no more of it, and what was said before', async () => {
    const one = await start(Chat, options, { topics })
    const ada = await SocketioClient.in(one, '40/chat,')
    one.app.get(Chat).context.to('all').emit('before')
    const heard = await ada.ask('42/chat,["leave"]')
    one.app.get(Chat).context.to('all').emit('after')
    one.app.get(Chat).context.emit('to all')
    await nextTurn()
    expect([...heard, ...ada.take()]).toEqual(['42/chat,["before"]', '42/chat,["to all"]'])
    expect(one.app.stats().rooms).toBe(1)
  })

  test('what is emitted and what is published keeps its order', async () => {
    const one = await start(Chat, options, { topics })
    const ada = await SocketioClient.in(one, '40/chat,')
    const [socket] = one.app.sockets
    for (let i = 0; i < 3; i++) {
      socket?.emit('one', i)
      one.app.get(Chat).context.to('all').emit('all', i)
    }
    await nextTurn()
    expect(ada.take()).toEqual([0, 1, 2].flatMap((i) => [`42/chat,["one",${i}]`, `42/chat,["all",${i}]`]))
  })

  test('a gateway with parameters is many namespaces, and one audience', async () => {
    const one = await start(Rooms, options, { topics })
    const [a, b] = [await SocketioClient.in(one, '40/rooms/a,'), await SocketioClient.in(one, '40/rooms/b,')]
    await a.ask('40/rooms/b,')
    const plain = await one.connect('/rooms/c')
    await b.ask('42/rooms/b,["all",1]')
    expect(a.take()).toEqual(['42/rooms/a,["all",1]', '42/rooms/b,["all",1]'])
    expect(await plain.next()).toBe('{"event":"all","data":1}')
    one.app.get(Rooms).context.emit('bytes', new Uint8Array([7]))
    await nextTurn()
    expect(a.take()).toEqual([
      ...['a', 'b'].flatMap((name) => [
        `451-/rooms/${name},["bytes",{"_placeholder":true,"num":0}]`,
        Uint8Array.of(7),
      ]),
    ])
    // JSON cannot carry it, which is logged, and disturbs nobody.
    expect(one.logged()).toHaveLength(1)
  })
})

describe('what Socket.IO cannot carry', () => {
  afterEach(finish)

  test('is sent to all others, and logged; it fails its handler where nobody else is', async () => {
    const one = await start(Chat, options)
    const { context } = one.app.get(Chat)
    const ada = await SocketioClient.in(one, '40/chat,')
    expect(() => context.emit('disconnect', 1)).toThrow('is an event of Socket.IO')
    const plain = await one.connect('/chat')
    context.emit('disconnect', 1)
    expect(await plain.next()).toBe('{"event":"disconnect","data":1}')
    expect(ada.take()).toEqual([])
    expect(one.logged()).toMatchObject([{ level: 'error', event: 'disconnect', gateway: 'Chat' }])
  })
})

describe('presence and channels', () => {
  afterEach(finish)

  test("Socket.IO's clients are members like others; they watch by events of the app's own", async () => {
    const one = await start(Present, options)
    const watcher = await one.app.runtime.connect('/present', { subprotocols: ['partyline.json.v1'] })
    if (watcher instanceof Response) throw new Error('refused')
    watcher.send('{"watch":"x","id":1}')
    await nextTurn()
    const before = watcher.received.length
    const ada = await SocketioClient.in(one, '40/present,')
    await ada.ask('42/present,["join","x"]')
    one.clock.advance(1_000)
    await nextTurn()
    const joined = watcher.received.slice(before).map(String)
    expect(joined).toEqual([expect.stringMatching(/^\{"presence":"x","joined":\[\{"id":"[^"]+"/)])
    expect(await ada.ask('42/present,1["watch","x"]')).toEqual([
      expect.stringContaining('"code":"UNKNOWN_EVENT"'),
    ])
    await ada.ask('41/present,')
    one.clock.advance(1_000)
    await nextTurn()
    expect(String(watcher.received.at(-1))).toStartWith('{"presence":"x","left":')
  })

  test('a gateway with channels takes events by Socket.IO, and has no channels there', async () => {
    const one = await start(Feed, options)
    const ada = await SocketioClient.in(one, '40/feed/x,', { query: '&channels=broadcast' })
    expect(await ada.ask('42/feed/x,1["echo",7]', '42/feed/x,2["subscribe","broadcast"]')).toEqual([
      '43/feed/x,1[7]',
      expect.stringContaining('"code":"UNKNOWN_EVENT"'),
    ])
  })
})
