import { expect, test } from 'bun:test'
import {
  type Codec,
  contextOf,
  Gateway,
  GatewayContext,
  Inject,
  Injectable,
  json,
  Module,
  On,
  OnOpen,
  type Socket,
} from 'partyline'
import { until } from '../support/until.ts'
import type { Client } from './client.ts'
import type { Start } from './start.ts'

@Gateway('/emits')
class Emits {
  constructor(readonly context: GatewayContext) {}

  @OnOpen() opened(socket: Socket) {
    socket.join('room', 'other room')
  }

  /** Every way to one's own socket, in one turn. */
  @On() mixed(socket: Socket) {
    socket.emit('n', 1)
    this.context.emit('n', 2)
    socket.emit('n', 3)
    this.context.to('room').emit('n', 4)
    socket.emit('n', 5)
    socket.emit('n', 6)
    this.context.to('room', 'other room').emit('n', 7)
    this.context.emit('n', 8)
    this.context.emit('n', 9)
    socket.emit('n', 10)
    return 11
  }

  @On() async mixedLater(socket: Socket) {
    await new Promise((resolve) => setTimeout(resolve, 1))
    return this.mixed(socket)
  }

  @On() async mixedAtOnce(socket: Socket) {
    await Promise.resolve()
    return this.mixed(socket)
  }

  @On() async burst(socket: Socket, count: number) {
    for (let i = 0; i < count; i++) {
      socket.emit('n', i)
      if (i % 10 === 9) await new Promise((resolve) => setTimeout(resolve, 0))
    }
  }

  @On() whoIs(_: Socket, index: number) {
    return this.context.sockets.at(index)?.query.get('name')
  }

  @On() names() {
    return [...this.context.sockets].map(({ query }) => query.get('name'))
  }
}

@Gateway('/news')
class News {}

@Injectable()
class Desk {
  constructor(@Inject(contextOf(News)) readonly news: GatewayContext) {}
}

@Module({ gateways: [Emits, News], providers: [Desk] })
class EmitsModule {}

const n = (value: number): string => `{"event":"n","data":${value}}`

/** Resolves once the app has seen so many sockets in all. */
async function party(start: Start, names: string[]) {
  const running = await start(EmitsModule)
  const clients: Client[] = []
  for (const name of names) clients.push(await running.connect(`/emits?name=${name}`))
  await until(() => running.app.sockets.size === names.length, 'everybody to arrive')
  return { ...running, clients: clients as [Client, ...Client[]] }
}

export function emitting(start: Start): void {
  test.each(['mixed', 'mixedLater', 'mixedAtOnce'])(
    'what is sent to one socket in one turn arrives in order, by whichever way it was sent (%s)',
    async (event) => {
      const { clients } = await party(start, ['a', 'b'])
      const [a, b] = clients as [Client, Client]
      a.send(`{"event":"${event}","id":0}`)
      expect(await a.take(11)).toEqual([...[1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map(n), '{"ack":0,"data":11}'])
      expect(await b.take(5)).toEqual([2, 4, 7, 8, 9].map(n))
      expect(await b.flushed()).toEqual([])
    },
  )

  test('what is sent over several turns arrives in order', async () => {
    const { clients } = await party(start, ['a'])
    clients[0].send('{"event":"burst","data":500,"id":1}')
    const numbers = Array.from({ length: 500 }, (_, i) => n(i))
    expect(await clients[0].take(501)).toEqual([...numbers, '{"ack":1}'])
  })

  test('a service emits on a gateway at any time, outside of any handler', async () => {
    const { app, connect } = await party(start, [])
    const { news } = app.get(Desk)
    const [one, two] = [await connect('/news'), await connect('/news')]
    await until(() => news.sockets.size === 2, 'both')
    news.emit('headline', 'rain')
    await Promise.resolve()
    news.sockets.at(1)?.emit('headline', 'for you')
    expect(await one.next()).toBe('{"event":"headline","data":"rain"}')
    expect(await two.take(2)).toEqual([
      '{"event":"headline","data":"rain"}',
      '{"event":"headline","data":"for you"}',
    ])
    expect(await one.flushed()).toEqual([])
  })

  test('`context.sockets` holds everybody of the gateway in order of arrival', async () => {
    const { app, clients } = await party(start, ['a', 'b', 'c'])
    const { sockets } = app.get(Emits).context
    const ask = clients[0].ask.bind(clients[0])
    expect(await ask('{"event":"names","id":1}')).toBe('{"ack":1,"data":["a","b","c"]}')
    expect(await ask('{"event":"whoIs","data":0,"id":2}')).toBe('{"ack":2,"data":"a"}')
    expect(await ask('{"event":"whoIs","data":-1,"id":3}')).toBe('{"ack":3,"data":"c"}')
    expect(await ask('{"event":"whoIs","data":-3,"id":4}')).toBe('{"ack":4,"data":"a"}')
    expect([sockets.at(3), sockets.at(-4), sockets.get('nobody')]).toEqual([undefined, undefined, undefined])
    const second = sockets.at(1) as Socket
    expect(sockets.get(second.id)).toBe(second)
    clients[1]?.close()
    await until(() => sockets.size === 2, 'the second to be gone')
    expect(await ask('{"event":"names","id":5}')).toBe('{"ack":5,"data":["a","c"]}')
    expect(sockets.get(second.id)).toBeUndefined()
  })

  test('`app.sockets` holds everybody of all gateways', async () => {
    const { app, connect } = await party(start, ['a'])
    await connect('/news?name=n')
    await until(() => app.sockets.size === 2, 'both')
    expect([...app.sockets].map(({ path, query }) => `${path} ${query.get('name')}`)).toEqual([
      '/emits a',
      '/news n',
    ])
    const last = app.sockets.at(-1) as Socket
    expect(last.path).toBe('/news')
    expect(app.sockets.get(last.id)).toBe(last)
    expect(app.get(Emits).context.sockets.get(last.id)).toBeUndefined()
  })

  test('a line that broke does not keep an emit from the others', async () => {
    const { app, clients } = await party(start, ['a', 'b', 'c'])
    clients[1]?.vanish()
    const { context } = app.get(Emits)
    for (let i = 0; i < 3; i++) context.emit('n', i)
    for (let i = 3; i < 6; i++) context.to('room', 'other room').emit('n', i)
    for (const client of [clients[0], clients[2] as Client]) {
      expect(await client.take(6)).toEqual([0, 1, 2, 3, 4, 5].map(n))
    }
  })

  test('an audience can be kept and used again, and tells who is in it', async () => {
    const { app, clients } = await party(start, ['a', 'b'])
    const { context } = app.get(Emits)
    const everybody = context.except()
    const room = context.to('room')
    const others = room.except(context.sockets.at(0) as Socket)
    expect(
      [everybody, room, others].map(({ sockets }) => sockets.map(({ query }) => query.get('name'))),
    ).toEqual([['a', 'b'], ['a', 'b'], ['b']])
    others.emit('n', 1)
    room.emit('n', 2)
    others.emit('n', 3)
    expect(await clients[1]?.take(3)).toEqual([1, 2, 3].map(n))
    expect(await clients[0].flushed()).toEqual([n(2)])
  })

  test('data that JSON cannot carry is refused where it is emitted', async () => {
    const { app } = await party(start, ['a'])
    const { context } = app.get(Emits)
    const socket = context.sockets.at(0) as Socket
    const loop: { self?: unknown } = {}
    loop.self = loop
    for (const data of [new Uint8Array(2), { deep: [new ArrayBuffer(1)] }, loop, 1n]) {
      expect(() => socket.emit('n', data)).toThrow(TypeError)
      expect(() => context.emit('n', data)).toThrow(TypeError)
      expect(() => context.to('room', 'other room').emit('n', data)).toThrow(TypeError)
    }
  })

  // What a handler emits threw as soon as one client had chosen a codec that could not carry it.
  test('a client whose codec cannot carry an event misses it, and fails nobody', async () => {
    const plain = json()
    const loose: Codec = {
      subprotocol: 'loose',
      decode: plain.decode,
      encode: (frame) =>
        JSON.stringify(frame, (_, value) => (typeof value === 'bigint' ? `${value}n` : value)),
    }
    const { app, connect, logged } = await start(EmitsModule, { codecs: [loose] })
    const able = await connect('/emits?name=able', { subprotocols: ['loose'] })
    expect(await able.next()).toStartWith('{"hello"')
    const unable = await connect('/emits?name=unable')
    const { context } = app.get(Emits)
    await until(() => context.sockets.size === 2, 'both')
    for (const audience of [context.except(), context.to('room'), context.to('room', 'other room')]) {
      audience.emit('n', 1n)
      audience.emit('n', 2)
    }
    expect(await able.take(6)).toEqual(
      Array.from({ length: 3 }, () => ['{"event":"n","data":"1n"}', n(2)]).flat(),
    )
    expect(await unable.take(3)).toEqual([n(2), n(2), n(2)])
    const log = logged()
    expect(log).toHaveLength(3)
    for (const entry of log) {
      expect(entry).toMatchObject({
        level: 'error',
        gateway: 'Emits',
        event: 'n',
        error: expect.any(TypeError),
      })
      expect(entry.message).toBe(
        'an event was not sent to those who use partyline.json.v1, which cannot carry it',
      )
    }
    // Nobody is left who could get it: that is the emitter's to know.
    const able1 = context.sockets.at(0) as Socket
    for (const audience of [context, context.to('room'), context.to('room', 'other room')]) {
      expect(() => audience.except(able1).emit('n', 1n)).toThrow(TypeError)
    }
    expect(await unable.flushed()).toEqual([])
  })
}
