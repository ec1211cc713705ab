import { expect, test } from 'bun:test'
import { type CloseReason, Gateway, GatewayContext, On, OnClose, OnOpen, type Socket } from 'partyline'
import { HandClock } from '../support/clock.ts'
import { Gate } from '../support/gate.ts'
import { nextTurn, until } from '../support/until.ts'
import type { Start } from './start.ts'

/** A gateway that notes what happens to its sockets. */
function diary() {
  const notes: string[] = []

  @Gateway('/diary')
  class Diary {
    @OnOpen() opened(socket: Socket) {
      socket.join('room')
      notes.push('opened')
    }

    @On() bye(socket: Socket) {
      socket.close(4_001, 'as you wish')
      notes.push(`connected ${socket.connected}`)
    }

    @On() note(_: Socket, text: string) {
      notes.push(text)
    }

    @OnClose() closed(socket: Socket, { code, reason }: CloseReason) {
      notes.push(`closed ${code} ${reason} was in ${[...socket.rooms]}`)
    }
  }

  return { Diary, notes }
}

export function leaving(start: Start): void {
  test('@OnOpen comes first, then the events, then @OnClose with the code and reason of the client', async () => {
    const { Diary, notes } = diary()
    const { app, connect } = await start(Diary)
    const client = await connect('/diary')
    client.send('{"event":"note","data":"hello"}')
    client.close(4_000, 'enough')
    await until(() => notes.length === 3, '@OnClose')
    expect(notes).toEqual(['opened', 'hello', 'closed 4000 enough was in room'])
    expect(app.sockets.size).toBe(0)
  })

  test('a line that breaks without a close frame is closed with 1006', async () => {
    const { Diary, notes } = diary()
    const { connect } = await start(Diary)
    const client = await connect('/diary')
    client.vanish()
    await until(() => notes.length === 2, '@OnClose')
    expect(notes[1]).toBe('closed 1006  was in room')
  })

  test('`socket.close` closes with its code and reason, and @OnClose comes once, after the handler', async () => {
    const { Diary, notes } = diary()
    const { app, connect } = await start(Diary)
    const client = await connect('/diary')
    client.send('{"event":"bye"}', '{"event":"note","data":"too late"}')
    expect(await client.closed()).toEqual({ code: 4_001, reason: 'as you wish' })
    await app.stop()
    expect(notes).toEqual(['opened', 'connected false', 'closed 4001 as you wish was in room'])
  })

  test.each(['at once', 'later'])(
    'what was sent before `socket.close` arrives before the end (%s)',
    async (when) => {
      @Gateway('/last')
      class Last {
        constructor(private readonly context: GatewayContext) {}

        @On() async leave(socket: Socket, when: string) {
          if (when === 'later') await nextTurn()
          socket.emit('last', 1)
          this.context.emit('last', 2)
          socket.emit('last', 3)
          socket.close()
          socket.emit('lost')
        }
      }

      const { connect } = await start(Last)
      const client = await connect('/last')
      client.send(`{"event":"leave","data":"${when}"}`)
      await client.closed()
      expect(client.received).toEqual([1, 2, 3].map((n) => `{"event":"last","data":${n}}`))
    },
  )

  test('@OnClose waits for a handler that closed its socket and then went on', async () => {
    const gate = new Gate()
    const notes: string[] = []

    @Gateway('/leaving')
    class Leaving {
      @On() async leave(socket: Socket) {
        socket.close()
        await gate.pass()
        notes.push('handled')
      }

      @OnClose() closed() {
        notes.push('closed')
      }
    }

    const { app, connect } = await start(Leaving)
    const client = await connect('/leaving')
    client.send('{"event":"leave"}')
    await client.closed()
    await until(() => app.sockets.size === 0, 'the socket to be gone')
    gate.open()
    await app.stop()
    expect(notes).toEqual(['handled', 'closed'])
  })

  test('@OnClose comes after all events that came before the end', async () => {
    const gate = new Gate()
    const notes: string[] = []

    @Gateway('/ending')
    class Ending {
      @On() async slow(_: Socket, text: string) {
        await gate.pass()
        notes.push(text)
      }

      @OnClose() closed() {
        notes.push('closed')
      }
    }

    const { app, connect } = await start(Ending)
    const client = await connect('/ending')
    client.send('{"event":"slow","data":"first"}', '{"event":"slow","data":"second"}')
    client.close()
    await until(() => app.sockets.size === 0, 'the socket to be gone')
    expect(notes).toEqual([])
    gate.open()
    await until(() => notes.length === 3, '@OnClose')
    expect(notes).toEqual(['first', 'second', 'closed'])
  })

  test('a handler that never ends holds back @OnClose for as long as the limit says, and what waited is dropped', async () => {
    const gate = new Gate()
    const clock = new HandClock()
    const notes: string[] = []

    @Gateway('/stuck')
    class Stuck {
      @On() stick() {
        notes.push('stuck')
        return gate.pass()
      }

      @OnClose() closed() {
        notes.push('closed')
      }
    }

    const { app, connect } = await start(Stuck, { clock, limits: { farewell: 700 } })
    const client = await connect('/stuck')
    client.send('{"event":"stick"}', '{"event":"stick"}')
    await until(() => gate.arrived === 1, 'the handler')
    client.close()
    await until(() => app.sockets.size === 0, 'the socket to be gone')
    clock.advance(699)
    await Promise.resolve()
    expect(notes).toEqual(['stuck'])
    clock.advance(1)
    await until(() => notes.length === 2, '@OnClose')
    gate.open()
    await app.stop()
    expect(notes).toEqual(['stuck', 'closed'])
  })

  test('when @OnClose fails its cause is logged and others go on', async () => {
    @Gateway('/broken')
    class Broken {
      @On() event() {
        return 'fine'
      }

      @OnClose() async closed() {
        throw new Error('on purpose')
      }
    }

    const { app, connect, log, logged } = await start(Broken)
    const [leaving, staying] = [await connect('/broken'), await connect('/broken')]
    leaving.close()
    await until(() => log.entries.length > 0, 'the log')
    expect(logged()).toMatchObject([{ message: '@OnClose failed', error: new Error('on purpose') }])
    expect(await staying.ask('{"event":"event","id":1}')).toBe('{"ack":1,"data":"fine"}')
    await app.stop()
    expect(logged()).toHaveLength(1)
  })

  test('who has gone is in no audience any more, and @OnClose tells the others', async () => {
    @Gateway('/room')
    class Room {
      constructor(private readonly room: GatewayContext) {}

      @OnClose() closed(socket: Socket) {
        this.room.emit('left', {
          others: this.room.sockets.size,
          self: this.room.sockets.get(socket.id) === socket,
        })
      }
    }

    const { connect } = await start(Room)
    const [leaving, staying] = [await connect('/room'), await connect('/room')]
    leaving.close()
    expect(await staying.next()).toBe('{"event":"left","data":{"others":1,"self":false}}')
  })

  test('whatever is done with a socket that has gone is harmless', async () => {
    const sockets: Socket[] = []

    @Gateway('/gone')
    class Gone {
      @OnOpen() opened(socket: Socket) {
        sockets.push(socket)
      }
    }

    const { app, connect } = await start(Gone)
    const [gone, other] = [await connect('/gone'), await connect('/gone')]
    gone.close()
    await until(() => app.sockets.size === 1, 'the socket to be gone')
    const socket = sockets[0] as Socket
    socket.emit('late', 1)
    socket.send('late')
    socket.join('room')
    socket.leave('room')
    socket.close()
    socket.broadcast.emit('from beyond')
    expect(socket.connected).toBe(false)
    expect([...socket.rooms]).toEqual([])
    expect(socket.bufferedAmount).toBe(0)
    expect(await other.next()).toBe('{"event":"from beyond","args":[]}')
  })
}
