import { afterEach, describe, expect, test } from 'bun:test'
import {
  type CallOptions,
  event,
  Gateway,
  GatewayContext,
  On,
  OnClose,
  OnMessage,
  OnOpen,
  PartylineError,
  type Socket,
} from 'partyline'
import { z } from 'zod'
import type { MemoryClient } from '../../lib/runtime/memory.ts'
import { nextTurn } from '../support/until.ts'
import { finish, start } from './in-memory.ts'

afterEach(finish)

const confirm = event('confirm', { data: z.string(), reply: z.object({ yes: z.coerce.boolean() }) })
const pair = event('pair', { args: z.tuple([z.string(), z.number()]) })
const none = event('none', { args: z.tuple([]) })

@Gateway('/shop')
class Shop {
  constructor(readonly context: GatewayContext) {}

  @On() buy(socket: Socket, item: string) {
    return socket.call('confirm', item)
  }
}

/** A plain client, and its socket. */
async function met(options: Parameters<typeof start>[1] = {}) {
  const one = await start(Shop, options)
  const client = (await one.app.runtime.connect('/shop')) as MemoryClient
  const [socket] = [...one.app.sockets] as [Socket]
  return { one, client, socket }
}

/** How a call ended. */
function outcome(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    (data) => ({ data }),
    (error: PartylineError) => ({
      error: error.code ?? error.name,
      message: error.message,
      details: error.details,
    }),
  )
}

describe('a request to a client', () => {
  test('is answered with what the client answers, each under an id of its own', async () => {
    const { client, socket } = await met()
    const answers = [socket.call('a', 1), socket.call('b'), socket.call('c', [1, 2])]
    await nextTurn()
    expect(client.received).toEqual([
      '{"event":"a","data":1,"id":1}',
      '{"event":"b","args":[],"id":2}',
      '{"event":"c","data":[1,2],"id":3}',
    ])
    client.send('{"ack":3,"data":"three"}')
    client.send('{"ack":1}')
    client.send('{"ack":2,"data":null}')
    expect(await Promise.all(answers)).toEqual([undefined, null, 'three'])
    expect(client.received).toHaveLength(3)
  })

  test('fails with what the client failed with', async () => {
    const { client, socket } = await met()
    const call = outcome(socket.call('a'))
    client.send('{"ack":1,"error":{"code":"SOLD_OUT","message":"no more","details":[1]}}')
    expect(await call).toEqual({ error: 'SOLD_OUT', message: 'no more', details: [1] })
  })

  test('is what its descriptor makes of it: data, a list of arguments, and the answer through its schema', async () => {
    const { client, socket } = await met()
    const answers = [socket.call(confirm, 'sure?'), socket.call(pair, ['a', 1]), socket.call(none)]
    await nextTurn()
    expect(client.received).toEqual([
      '{"event":"confirm","data":"sure?","id":1}',
      '{"event":"pair","args":["a",1],"id":2}',
      '{"event":"none","args":[],"id":3}',
    ])
    client.send('{"ack":1,"data":{"yes":1,"more":2}}')
    client.send('{"ack":2,"data":"as it is"}')
    client.send('{"ack":3}')
    expect(await Promise.all(answers)).toEqual([{ yes: true }, 'as it is', undefined])
  })

  test('that is answered with what the schema refuses is INVALID_DATA', async () => {
    const { client, socket } = await met()
    const call = outcome(socket.call(confirm, 'sure?'))
    client.send('{"ack":1,"data":5}')
    expect(await call).toMatchObject({
      error: 'INVALID_DATA',
      message: expect.stringContaining('the answer to "confirm" does not fit: '),
      details: [{ path: [] }],
    })
  })

  // For everybody's answers together it was the end, and one client could bring it about.
  test('whose schema throws at the answer is INVALID_DATA too', async () => {
    const { client, socket } = await met()
    const parsed = event('parsed', { reply: z.string().transform((text) => JSON.parse(text) as unknown) })
    const call = socket.call(parsed).catch((error: unknown) => error)
    client.send('{"ack":1,"data":"{"}')
    const error = (await call) as PartylineError
    expect([error.code, error.message]).toEqual(['INVALID_DATA', 'the answer to "parsed" does not fit'])
    expect(error.cause).toBeInstanceOf(SyntaxError)
  })

  test('with data that the schema refuses is not sent, where what is emitted is held against schemas', async () => {
    const { client, socket } = await met({ checkOutgoing: true })
    expect(await outcome(socket.call(confirm, 5 as never))).toMatchObject({ error: 'TypeError' })
    expect(client.received).toEqual([])
  })

  test('that cannot be encoded is not sent, and leaves nothing behind', async () => {
    const { one, client, socket } = await met({ limits: { pending: 1, buffer: 100 } })
    expect(await outcome(socket.call('a', new Uint8Array(1)))).toMatchObject({ error: 'TypeError' })
    expect(await outcome(socket.call('a', 'x'.repeat(500)))).toMatchObject({ error: 'RangeError' })
    const call = socket.call('b')
    client.send('{"ack":3,"data":1}')
    expect(await call).toBe(1)
    expect(one.app.stats().callsRefused).toBe(0)
  })

  test('times out by the clock: after 10 seconds, or as said', async () => {
    const { one, client, socket } = await met()
    const wait = async (milliseconds: number, options?: CallOptions) => {
      let ended: unknown
      void outcome(socket.call('a', 1, options)).then((one) => (ended = one))
      one.clock.advance(milliseconds - 1)
      await nextTurn()
      expect(ended).toBeUndefined()
      one.clock.advance(1)
      await nextTurn()
      expect(ended).toMatchObject({
        error: 'TIMEOUT',
        message: `"a" was not answered within ${milliseconds} ms`,
      })
    }
    await wait(10_000)
    await wait(300, { timeout: 300 })
    // What comes too late is no mistake, and no answer to another.
    const call = socket.call('b', 1, { timeout: Number.POSITIVE_INFINITY })
    for (const id of [1, 2]) client.send(`{"ack":${id},"data":"late"}`)
    one.clock.advance(10 ** 7)
    client.send('{"ack":3,"data":"in time"}')
    expect(await call).toBe('in time')
    expect(client.received).toHaveLength(3)
  })

  // A timer of more milliseconds than it takes fires at once.
  test('waits as long as a timer can, where it is to wait longer', async () => {
    const { one, client, socket } = await met()
    const waits: number[] = []
    const { setTimeout } = one.clock
    one.clock.setTimeout = (task, milliseconds) => {
      waits.push(milliseconds)
      return setTimeout.call(one.clock, task, milliseconds)
    }
    const call = socket.call('a', 1, { timeout: 2 ** 40 })
    client.send('{"ack":1,"data":1}')
    expect(await call).toBe(1)
    expect(waits).toEqual([2 ** 31 - 1])
  })

  test('is DISCONNECTED when the client goes, and when it has gone', async () => {
    const { client, socket } = await met()
    const calls = [outcome(socket.call('a')), outcome(socket.call('b'))]
    client.vanish()
    const gone = { error: 'DISCONNECTED', message: 'the client went before it answered' }
    expect(await Promise.all(calls)).toMatchObject([gone, gone])
    expect(await outcome(socket.call('c'))).toMatchObject({
      error: 'DISCONNECTED',
      message: '"c" was not sent: the client is gone',
    })
  })

  test('is DISCONNECTED when the socket is closed, and while the app stops', async () => {
    const { one, socket } = await met()
    const call = outcome(socket.call('a'))
    socket.close()
    expect(await call).toMatchObject({ error: 'DISCONNECTED' })
    const client = (await one.app.runtime.connect('/shop')) as MemoryClient
    client.send('{"event":"buy","data":"book","id":1}')
    const stopping = one.app.stop()
    await nextTurn()
    one.clock.advance(10_000)
    await stopping
    expect(client.closed?.code).toBe(1001)
    expect(one.logged()).toMatchObject([{ level: 'warn' }])
  })

  test('is OVERLOADED where `limits.pending` wait already, and counted', async () => {
    const { one, client, socket } = await met({ limits: { pending: 2 } })
    const calls = [socket.call('a'), socket.call('b')]
    expect(await outcome(socket.call('c'))).toMatchObject({
      error: 'OVERLOADED',
      message: '2 requests to this client wait for their answers already',
    })
    expect(one.app.stats().callsRefused).toBe(1)
    client.send('{"ack":1,"data":1}')
    calls.push(socket.call('d'))
    client.send('{"ack":2,"data":2}')
    client.send('{"ack":3,"data":3}')
    expect(await Promise.all(calls)).toEqual([1, 2, 3])
    expect(client.received).toHaveLength(3)
  })

  test('of a raw gateway is a mistake', async () => {
    @Gateway('/raw', { protocol: 'raw' })
    class Raw {
      @OnMessage() message() {}
    }

    const one = await start(Raw)
    await one.app.runtime.connect('/raw')
    const [socket] = [...one.app.sockets] as [Socket]
    expect(await outcome(socket.call('a'))).toEqual({
      error: 'TypeError',
      message: 'a raw gateway has no frames in which a client could answer: use send',
      details: undefined,
    })
  })

  test('can be made while it arrives, and is refused when it has left', async () => {
    const ends: unknown[] = []

    @Gateway('/coming')
    class Coming {
      @OnOpen() async opened(socket: Socket) {
        socket.data.name = await socket.call('name?')
      }

      @On() name(socket: Socket) {
        return socket.data.name as unknown
      }

      @OnClose() async closed(socket: Socket) {
        ends.push(await outcome(socket.call('bye')))
      }
    }

    const one = await start(Coming)
    const client = (await one.app.runtime.connect('/coming')) as MemoryClient
    client.send('{"event":"name","id":7}')
    client.send('{"ack":1,"data":"Ann"}')
    await nextTurn()
    expect(client.received).toEqual(['{"event":"name?","args":[],"id":1}', '{"ack":7,"data":"Ann"}'])
    client.close()
    await nextTurn()
    expect(ends).toMatchObject([{ error: 'DISCONNECTED' }])
  })
})
