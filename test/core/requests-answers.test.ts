import { afterEach, describe, expect, test } from 'bun:test'
import { event, Gateway, GatewayContext, On, PartylineError, type Socket } from 'partyline'
import { msgpack } from 'partyline/msgpack'
import { z } from 'zod'
import type { MemoryClient } from '../../lib/runtime/memory.ts'
import { Gate } from '../support/gate.ts'
import { nextTurn } from '../support/until.ts'
import { finish, type Started, start } from './in-memory.ts'

afterEach(finish)

/** What was handled, in order. */
const handled: unknown[] = []
let gate = new Gate()
afterEach(() => {
  handled.length = 0
  gate = new Gate()
})

@Gateway('/shop')
class Shop {
  constructor(readonly context: GatewayContext) {}

  @On() async buy(socket: Socket, item: string) {
    const answer = await socket.call('confirm', item)
    handled.push([item, answer])
    return answer
  }

  @On() note(_: Socket, data: unknown) {
    handled.push(data)
  }

  @On() async later(socket: Socket) {
    await gate.pass()
    handled.push(await socket.call('more?'))
  }

  @On() async twice(socket: Socket) {
    return [await socket.call('first'), await socket.call('second')]
  }
}

@Gateway('/raw', { protocol: 'raw' })
class Raw {
  constructor(readonly context: GatewayContext) {}
}

@Gateway('/typed', { eventKey: 'type' })
class Typed {}

const plain = async (one: Started, path = '/shop') => (await one.app.runtime.connect(path)) as MemoryClient

describe('an answer', () => {
  test('is not queued behind the handler that waits for it, nor behind what waits after that', async () => {
    const client = await plain(await start(Shop))
    client.send('{"event":"buy","data":"book","id":1}')
    client.send('{"event":"note","data":"later"}')
    client.send('{"event":"twice","id":2}')
    client.send('{"ack":1,"data":true}')
    await nextTurn()
    expect(handled).toEqual([['book', true], 'later'])
    client.send('{"ack":2,"data":"a"}')
    await nextTurn()
    client.send('{"ack":3,"data":"b"}')
    await nextTurn()
    expect(client.received).toEqual([
      '{"event":"confirm","data":"book","id":1}',
      '{"ack":1,"data":true}',
      '{"event":"first","args":[],"id":2}',
      '{"event":"second","args":[],"id":3}',
      '{"ack":2,"data":["a","b"]}',
    ])
  })

  test('is read though the line of what waits is long, and was so before', async () => {
    const one = await start(Shop, { limits: { waiting: 4 } })
    const client = await plain(one)
    client.send('{"event":"buy","data":"a","id":1}')
    for (let i = 0; i < 4; i++) client.send(`{"event":"note","data":${i}}`)
    // Nothing is refused silently, and the answer comes behind it.
    client.send('{"event":"note","data":"too many","id":2}')
    client.send('{"ack":1,"data":true}')
    await nextTurn()
    expect(handled).toEqual([['a', true], 0, 1, 2, 3])
    expect(client.received.map((text) => String(text).slice(0, 30))).toEqual([
      '{"event":"confirm","data":"a",',
      '{"ack":2,"error":{"code":"OVER',
      '{"ack":1,"data":true}',
    ])
  })

  test('is read where reading was held back before the request was sent', async () => {
    const one = await start(Shop, { limits: { waiting: 4 } })
    const client = await plain(one)
    for (let i = 0; i < 4; i++) client.send('{"event":"later"}')
    // It is not read as yet.
    client.send('{"ping":1}')
    expect(client.received).toEqual([])
    gate.open()
    for (let id = 1; id <= 4; id++) {
      await nextTurn()
      client.send(`{"ack":${id},"data":${id}}`)
    }
    await nextTurn()
    expect(handled).toEqual([1, 2, 3, 4])
    expect(client.received.slice(0, 2)).toEqual(['{"event":"more?","args":[],"id":1}', '{"pong":1}'])
  })

  test('to nothing is malformed; one that is late or comes twice is ignored', async () => {
    const one = await start(Shop)
    const client = await plain(one)
    const [socket] = [...one.app.sockets] as [Socket]
    const none = (id: number) =>
      `{"error":{"code":"MALFORMED_FRAME","message":"\\"ack\\" ${id} answers no request of the server's"}}`
    client.send('{"ack":1,"data":1}')
    client.send('{"ack":0,"data":1}')
    const call = socket.call('a')
    client.send('{"ack":2,"data":1}')
    client.send('{"ack":1,"data":"first"}')
    client.send('{"ack":1,"data":"second"}')
    client.send('{"ack":1,"error":{"code":"X","message":"third"}}')
    expect(await call).toBe('first')
    client.send('{"error":{"code":"X","message":"of nothing"}}')
    await nextTurn()
    expect(client.received).toEqual([
      none(1),
      none(0),
      '{"event":"a","args":[],"id":1}',
      none(2),
      '{"error":{"code":"MALFORMED_FRAME","message":"an \\"error\\" of the client\'s answers a request, whose \\"ack\\" it has"}}',
    ])
    expect(one.app.stats().malformedFrames).toBe(4)
  })

  test.each([
    '{"ack":1,"error":5}',
    '{"ack":1,"error":{"code":5,"message":"x"}}',
    '{"ack":1.5}',
    '{"ack":"1"}',
    '{"ack":1,"data":{"__proto__":1}}',
    `{"ack":1,"data":${'['.repeat(70)}${']'.repeat(70)}}`,
  ])('that is malformed is no answer: %s', async (frame) => {
    const one = await start(Shop)
    const client = await plain(one)
    const [socket] = [...one.app.sockets] as [Socket]
    const call = socket.call('a')
    client.send(frame)
    expect(one.app.stats().malformedFrames).toBe(1)
    client.send('{"ack":1,"data":"good"}')
    expect(await call).toBe('good')
  })

  test('reaches the one who asked where the handler passes it on', async () => {
    const client = await plain(await start(Shop))
    client.send('{"event":"buy","data":"a","id":9}')
    client.send('{"ack":1,"error":{"code":"SOLD_OUT","message":"no more"}}')
    await nextTurn()
    expect(client.received.at(-1)).toBe('{"ack":9,"error":{"code":"SOLD_OUT","message":"no more"}}')
  })

  test('is of the client’s own codec and dialect', async () => {
    const one = await start([Shop, Typed], { codecs: [msgpack()] })
    const typed = await plain(one, '/typed')
    const packed = (await one.app.runtime.connect('/shop', {
      subprotocols: ['partyline.msgpack.v1'],
    })) as MemoryClient
    const [first, second] = [...one.app.sockets] as [Socket, Socket]
    const [inShop, inTyped] = first.path === '/shop' ? [first, second] : [second, first]
    const answers = [inTyped.call('a', 1), inShop.call('b', new Uint8Array([1]))]
    await nextTurn()
    expect(typed.received).toEqual(['{"type":"a","data":1,"id":1}'])
    // [0, "b", [01], 1]
    expect(Buffer.from(packed.received[1] as Uint8Array).toString('hex')).toBe('9400a16291c4010101')
    typed.send('{"ack":1,"data":2}')
    // [1, 1, 02]
    packed.send(new Uint8Array([0x93, 1, 1, 0xc4, 1, 2]))
    expect(await Promise.all(answers)).toEqual([2, new Uint8Array([2])])
  })
})

describe('a request to several', () => {
  const ask = event('ask', { data: z.number(), reply: z.number() })

  /** So many clients, of which the first so many are in the room `a`. */
  async function met(total: number, inside: number) {
    const one = await start(Shop, { limits: { pending: 2 } })
    const { context } = one.app.get(Shop)
    const clients: MemoryClient[] = []
    for (let i = 0; i < total; i++) clients.push(await plain(one))
    const sockets = [...context.sockets]
    for (const socket of sockets.slice(0, inside)) socket.join('a')
    return { one, context, clients, sockets }
  }

  test('resolves to an answer or failure for each, in order of arrival', async () => {
    const { one, context, clients, sockets } = await met(6, 0)
    for (let i = 0; i < 2; i++) void sockets[5]?.call('busy').catch(() => {})
    const call = context.call(ask, 7, { timeout: 500 })
    await nextTurn()
    expect(clients.map(({ received }) => received.at(-1))).toEqual([
      ...Array<string>(5).fill('{"event":"ask","data":7,"id":1}'),
      '{"event":"busy","args":[],"id":2}',
    ])
    clients[4]?.vanish()
    clients[3]?.send('{"ack":1,"error":{"code":"NO","message":"no"}}')
    clients[2]?.send('{"ack":1,"data":"odd"}')
    clients[1]?.send('{"ack":1,"data":8}')
    one.clock.advance(500)
    const answers = await call
    expect(answers.map(({ socket }) => socket)).toEqual(sockets)
    expect(answers.map(({ data, error }) => error?.code ?? data)).toEqual([
      'TIMEOUT',
      8,
      'INVALID_DATA',
      'NO',
      'DISCONNECTED',
      'OVERLOADED',
    ])
    expect(answers.every(({ error }) => error === undefined || error instanceof PartylineError)).toBe(true)
  })

  test('is sent to those in the room, less the excluded, and to nobody in an empty one', async () => {
    const { context, clients, sockets } = await met(4, 3)
    const call = context
      .to('a', 'b')
      .except(sockets[1] as Socket)
      .call('ask')
    await nextTurn()
    expect(clients.map(({ received }) => received.length)).toEqual([1, 0, 1, 0])
    clients[0]?.send('{"ack":1,"data":0}')
    clients[2]?.send('{"ack":1,"data":2}')
    expect((await call).map(({ data }) => data)).toEqual([0, 2])
    expect(await context.to('b').call('ask')).toEqual([])
  })

  test('throws for what no client is to blame for', async () => {
    const { context } = await met(2, 0)
    await expect(context.call('ask', new Uint8Array(1))).rejects.toThrow(TypeError)
    const raw = await start(Raw)
    await plain(raw, '/raw')
    await expect(raw.app.get(Raw).context.call('ask')).rejects.toThrow('a raw gateway has no frames')
  })
})
