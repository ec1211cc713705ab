import { expect, test } from 'bun:test'
import { Gateway, Injectable, Module, On, OnClose, OnOpen, type Socket } from 'partyline'
import { Gate } from '../support/gate.ts'
import { until } from '../support/until.ts'
import type { Start } from './start.ts'

export function arriving(start: Start): void {
  test('events wait for the promise of @OnOpen', async () => {
    const gate = new Gate()
    const seen: string[] = []

    @Gateway('/opening')
    class Opening {
      @OnOpen() async opened(socket: Socket) {
        await gate.pass()
        seen.push('opened')
        socket.emit('opened')
      }

      @On() event() {
        seen.push('event')
      }
    }

    const { connect } = await start(Opening)
    const client = await connect('/opening')
    client.send('{"event":"event","id":1}')
    expect(await client.flushed()).toEqual([])
    expect(seen).toEqual([])
    gate.open()
    expect(await client.take(2)).toEqual(['{"event":"opened","args":[]}', '{"ack":1}'])
    expect(seen).toEqual(['opened', 'event'])
  })

  test('when @OnOpen fails the socket is closed with 1011, its events are dropped and the cause is logged', async () => {
    const gate = new Gate()
    const handled: unknown[] = []

    @Gateway('/broken')
    class Broken {
      @OnOpen() async opened() {
        await gate.pass()
        throw new Error('no database')
      }

      @On() event(_: Socket, data: unknown) {
        handled.push(data)
      }
    }

    const { app, connect, logged } = await start(Broken)
    const client = await connect('/broken')
    client.send('{"event":"event","data":1}')
    expect(await client.flushed()).toEqual([])
    gate.open()
    expect(await client.closed()).toEqual({ code: 1_011, reason: 'the server failed' })
    await app.stop()
    expect(handled).toEqual([])
    expect(logged()).toMatchObject([{ message: '@OnOpen failed', error: new Error('no database') }])
  })

  test('a client that goes while its gateway is still being made leaves nothing behind', async () => {
    const gate = new Gate()
    const notes: string[] = []

    @Injectable({ scope: 'connection' })
    class Profile {
      constructor() {
        notes.push('made')
      }

      dispose() {
        notes.push('disposed')
      }
    }

    @Gateway('/slow', { scope: 'connection' })
    class Slow {
      constructor(readonly profile: Profile) {}

      @OnOpen() opened() {
        notes.push('opened')
      }

      @On() event() {
        notes.push('event')
      }

      @OnClose() closed() {
        notes.push('closed')
      }
    }

    @Module({
      gateways: [Slow],
      providers: [
        {
          provide: Profile,
          scope: 'connection',
          useFactory: async () => {
            await gate.pass()
            return new Profile()
          },
        },
      ],
    })
    class SlowModule {}

    const { app, connect } = await start(SlowModule)
    const client = await connect('/slow')
    client.send('{"event":"event"}')
    await until(() => gate.arrived === 1, 'the factory')
    client.close()
    // The server answers a close frame, so it has seen it.
    await client.closed()
    gate.open()
    await until(() => notes.includes('disposed'), 'the provider to be disposed of')
    await app.stop()
    expect(notes).toEqual(['made', 'disposed'])
  })
}
