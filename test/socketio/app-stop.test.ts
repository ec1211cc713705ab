import { afterEach, describe, expect, test } from 'bun:test'
import { Gateway, Module, On, OnClose, type Socket } from 'partyline'
import { socketio } from 'partyline/socketio'
import { type Started, start } from '../core/in-memory.ts'
import { Gate } from '../support/gate.ts'
import { nextTurn } from '../support/until.ts'
import { SocketioClient, SocketioPoller } from './app-world.ts'

let gate = new Gate()
let notes: unknown[] = []

@Gateway('/')
class Main {
  @On() echo(_: Socket, what: unknown): unknown {
    return what
  }

  @On() async slow(): Promise<string> {
    await gate.pass()
    notes.push('handled')
    return 'done'
  }

  @OnClose() closed(socket: Socket, { code }: { code: number }): void {
    notes.push([socket.path, code])
  }
}

@Gateway('/other')
class Other extends Main {}

@Module({ gateways: [Main, Other] })
class All {}

const options = { dialects: [socketio()] }

afterEach(() => {
  gate = new Gate()
  notes = []
})

/** Stops an app; whether it has come to its end. */
function stopping({ app }: Started, deadline?: number): { done: Promise<void>; isOver: boolean } {
  const state = { isOver: false, done: Promise.resolve() }
  state.done = app.stop(deadline === undefined ? {} : { deadline }).then(() => {
    state.isOver = true
  })
  return state
}

async function advance({ clock }: Started, milliseconds: number): Promise<void> {
  for (let left = milliseconds; left > 0; left -= 10) {
    clock.advance(Math.min(10, left))
    await nextTurn()
  }
}

describe('an app that stops', () => {
  test('finishes what has begun, answers it, and then closes the connection once, with 1001', async () => {
    const one = await start(All, options)
    const client = await SocketioClient.in(one)
    await client.ask('40/other,')
    client.send('421["slow"]')
    await nextTurn()
    const stop = stopping(one)
    await nextTurn()
    // The other namespace has nothing to wait for, and leaves without a word: its client would not come back else.
    expect(await client.ask('422["echo"]')).toEqual([expect.stringContaining('"code":"OVERLOADED"')])
    expect([notes, client.closed, stop.isOver]).toEqual([[['/other', 1001]], undefined, false])
    expect(await client.ask('42/other,["echo"]', '40/third,')).toEqual([
      '44/third,{"message":"Invalid namespace"}',
    ])
    gate.open()
    await stop.done
    expect(client.take()).toEqual(['431["done"]'])
    expect(client.closed?.code).toBe(1001)
    expect(notes).toEqual([['/other', 1001], 'handled', ['/', 1001]])
    expect(one.logged()).toEqual([])
  })

  test('takes nobody in any more', async () => {
    const one = await start(All, options)
    const client = await SocketioClient.in(one)
    client.send('421["slow"]')
    await nextTurn()
    const stop = stopping(one)
    await nextTurn()
    const refused = await SocketioPoller.knock(one)
    expect([refused.status, await refused.json()]).toEqual([
      503,
      { code: 4, message: 'the server is going away' },
    ])
    expect((await client.ask('40/other,'))[0]).toBe(
      '44/other,{"message":"the server is going away","data":{"code":"UNAVAILABLE"}}',
    )
    gate.open()
    await stop.done
  })

  test('answers who polls, before and after the end of what was begun', async () => {
    const one = await start(All, options)
    const poller = await SocketioPoller.in(one)
    const idle = await SocketioPoller.in(one)
    const [poll, last] = [poller.poll(), idle.poll()]
    await poller.post('421["slow"]')
    const stop = stopping(one)
    await nextTurn()
    expect(await last).toEqual(['1'])
    gate.open()
    expect(await poll).toEqual(['431["done"]'])
    await advance(one, 20)
    await stop.done
    expect(notes).toEqual([['/', 1001], 'handled', ['/', 1001]])
    expect(one.clock.pending).toBe(0)
  })

  test('waits a while for a poll, and no longer', async () => {
    const one = await start(All, options)
    const [late, never] = [await SocketioPoller.in(one), await SocketioPoller.in(one)]
    await late.post('421["echo",1]')
    await never.post('421["echo",2]')
    const stop = stopping(one, 10_000)
    await nextTurn()
    expect(await late.poll()).toEqual(['431[1]'])
    await advance(one, 1_000)
    expect(stop.isOver).toBe(false)
    await advance(one, 1_500)
    await stop.done
    expect(one.logged()).toMatchObject([{ message: 'stopping took too long: what is left is cut off' }])
    expect(one.clock.pending).toBe(0)
  })

  test('leaves a handler behind that hangs, and ends in time', async () => {
    const one = await start(All, options)
    const client = await SocketioClient.in(one)
    client.send('421["slow"]')
    await nextTurn()
    const stop = stopping(one, 1_000)
    await advance(one, 1_100)
    await stop.done
    expect(client.closed?.code).toBe(1001)
    expect(one.logged()).toHaveLength(1)
    gate.open()
    await nextTurn()
    expect(one.clock.pending).toBe(0)
  })

  test('ends those who are in no namespace', async () => {
    const one = await start(All, options)
    const client = await SocketioClient.open(one)
    const poller = await SocketioPoller.open(one)
    const poll = poller.poll()
    await one.app.stop()
    expect(client.closed?.code).toBe(1001)
    expect(await poll).toEqual(['1'])
    expect(one.clock.pending).toBe(0)
  })
})
