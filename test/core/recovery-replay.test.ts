import { afterEach, describe, expect, test } from 'bun:test'
import { Gateway, GatewayContext, On, OnResume, OnSuspend, type Socket } from 'partyline'
import { msgpack } from 'partyline/msgpack'
import type { MemoryClient } from '../../lib/runtime/memory.ts'
import { nextTurn } from '../support/until.ts'
import { expectRecovered, Guest, resuming } from './guest.ts'
import { finish, type Started, start } from './in-memory.ts'

afterEach(finish)

@Gateway('/desk', { recovery: {} })
class Desk {
  constructor(readonly context: GatewayContext) {}

  @On() join(socket: Socket, room: string) {
    socket.join(room)
  }

  @On() say(socket: Socket, text: string) {
    socket.emit('you', text)
    this.context.emit('all', text)
    socket.broadcast.emit('others', text)
  }
}

@Gateway('/talkative', { recovery: {} })
class Talkative extends Desk {
  @OnSuspend() suspended(socket: Socket) {
    socket.emit('suspended')
    this.context.emit('gone')
  }

  @OnResume() resumed(socket: Socket) {
    socket.emit('resumed')
    this.context.emit('back')
  }
}

/** The names of the events among these frames, with their positions. */
function names(frames: readonly string[]): string[] {
  return frames.map((text) => {
    const { event, pos } = JSON.parse(text) as { event: string; pos: number }
    return `${event} ${pos}`
  })
}

describe.each([
  ['where core sends to each', { topics: false }],
  ['where the runtime publishes', { topics: true }],
])('%s', (_, runtime) => {
  /** Somebody, the socket of that, and the gateway's context. */
  async function met(one: Started, gateway = Desk) {
    const { context } = one.app.get(gateway)
    const guest = await Guest.open(one, context.path)
    return { guest, context, socket: context.sockets.get(guest.hello.sid) as Socket }
  }

  test('what was sent meanwhile comes once, in order, before anything newer', async () => {
    const one = await start(Desk, {}, runtime)
    const { guest, context, socket } = await met(one)
    const other = await Guest.open(one, '/desk')
    socket.join('a', 'c')
    other.send('{"event":"join","data":"a"}')
    await nextTurn()
    guest.client.vanish()
    await nextTurn()
    socket.emit('direct', 1, 2)
    context.emit('all')
    context.to('a').emit('room')
    context.to('a', 'c', 'nowhere').emit('rooms')
    context.except('b').emit('except')
    other.send('{"event":"say","data":"x"}')
    await nextTurn()
    const again = await guest.resume(0)
    socket.emit('newer')
    await nextTurn()
    const frames = again.frames()
    expect(frames[0]).toBe('{"event":"direct","args":[1,2],"pos":1}')
    expect(frames[1]).toBe('{"event":"all","args":[],"pos":2}')
    expect(names(frames)).toEqual([
      'direct 1',
      'all 2',
      'room 3',
      'rooms 4',
      'except 5',
      'all 7',
      'others 8',
      'newer 9',
    ])
    expect(names(other.frames())).toEqual(['all 2', 'room 3', 'rooms 4', 'except 5', 'you 6', 'all 7'])
  })

  test('what was not meant for it does not come', async () => {
    const one = await start(Desk, {}, runtime)
    const { guest, context, socket } = await met(one)
    const other = await Guest.open(one, '/desk')
    other.send('{"event":"join","data":"a"}', '{"event":"join","data":"b"}')
    socket.join('a')
    guest.client.vanish()
    await nextTurn()
    context.to('b').emit('elsewhere')
    context.except(socket).emit('not you')
    context.except('a').emit('not your room')
    context.to('a').except('a').emit('nobody')
    context.to('a').except(socket, 'c').emit('not you in the room')
    context.to().emit('no room')
    socket.to('a').emit('others')
    socket.broadcast.emit('others')
    context.sockets.get(other.hello.sid)?.emit('other')
    expect(names((await guest.resume(0)).frames())).toEqual([])
  })

  test('rooms count as they were when each event was sent', async () => {
    const one = await start(Desk, {}, runtime)
    const { guest, context, socket } = await met(one)
    const other = await Guest.open(one, '/desk')
    for (const room of ['a', 'b', 'c']) other.send(`{"event":"join","data":"${room}"}`)
    const say = (event: string, room: string): void => context.to(room).emit(event)
    socket.join('a', 'b')
    guest.client.vanish()
    await nextTurn()
    say('a in', 'a')
    say('c before', 'c')
    socket.join('c')
    say('c in', 'c')
    socket.leave('a')
    say('a left', 'a')
    say('b in', 'b')
    context.to('b').except('a').emit('b, not a')
    context.to('b').except('c').emit('b, not c')
    socket.join('a')
    say('a again', 'a')
    socket.leave('c')
    socket.leave('a')
    socket.join('a')
    context.to('a', 'c').emit('once')
    context.to('c').emit('c left')
    expect(names((await guest.resume(0)).frames())).toEqual([
      'a in 1',
      'c in 3',
      'b in 5',
      'b, not a 6',
      'a again 7',
      'once 8',
    ])
  })

  test('rooms that were left before the line broke count for what was sent before that', async () => {
    const one = await start(Desk, {}, runtime)
    const { guest, context, socket } = await met(one)
    const other = await Guest.open(one, '/desk')
    other.send('{"event":"join","data":"a"}')
    guest.client.reading = false
    socket.join('a')
    context.to('a').emit('in')
    socket.leave('a')
    context.to('a').emit('left')
    socket.join('a')
    context.to('a').emit('in again')
    const again = await guest.returns(0)
    expect(names(again.frames())).toEqual(['in 1', 'in again 3'])
  })

  // The line was dead before anybody knew.
  test('what was sent before the line broke, and did not arrive, comes by the client’s own position', async () => {
    const one = await start(Desk, {}, runtime)
    const { guest, context, socket } = await met(one)
    socket.emit('seen')
    await nextTurn()
    expect(guest.frames()).toEqual(['{"event":"seen","args":[],"pos":1}'])
    guest.client.reading = false
    socket.emit('lost')
    context.emit('lost too')
    await nextTurn()
    const again = await guest.resume(1)
    expect(guest.client.closed?.code).toBe(4409)
    expectRecovered(again, guest)
    expect(names(again.frames())).toEqual(['lost 2', 'lost too 3'])
    // It saw the first of these, and not the other.
    const third = await again.returns(2)
    expect(names(third.frames())).toEqual(['lost too 3'])
  })

  test('what is sent while it is being asked whether it may come back comes once', async () => {
    const sends: (() => void)[] = []
    const one = await start(
      [Desk, Talkative],
      {
        authenticate: async () => {
          sends.shift()?.()
          await nextTurn()
          sends.shift()?.()
          return { user: 'ann' }
        },
        guards: [
          () => {
            sends.shift()?.()
            return true
          },
        ],
      },
      runtime,
    )
    const { guest, context } = await met(one, Talkative)
    guest.client.vanish()
    await nextTurn()
    sends.push(
      () => context.emit('one'),
      () => context.emit('two'),
      () => context.emit('three'),
    )
    const again = await guest.resume(2)
    await nextTurn()
    expect(names(again.frames())).toEqual(['one 3', 'two 4', 'three 5', 'resumed 6', 'back 7'])
  })

  test('nothing comes twice or out of order on a line that takes over at once', async () => {
    const one = await start(Talkative, {}, runtime)
    const { guest, context, socket } = await met(one, Talkative)
    const resuming = guest.resume(0)
    socket.emit('a')
    context.emit('b')
    socket.emit('c')
    const again = await resuming
    context.emit('d')
    socket.emit('e')
    await nextTurn()
    const frames = names(again.frames())
    expect(frames.map((one, i) => one.replace(` ${i + 1}`, '')).sort()).toEqual(
      ['a', 'b', 'c', 'd', 'e', 'suspended', 'gone', 'resumed', 'back'].sort(),
    )
  })

  test('each comes back to what was sent in the codec that it uses', async () => {
    const one = await start(Desk, { codecs: [msgpack()] }, runtime)
    const { guest, context } = await met(one)
    const open = (...resume: string[]) =>
      one.app.runtime.connect('/desk', {
        subprotocols: ['partyline.msgpack.v1', ...resume],
      }) as Promise<MemoryClient>
    const client = await open()
    const token = Buffer.from(client.received[0] as Uint8Array)
      .toString('latin1')
      .match(/token\xd9 (.{32})/)?.[1]
    guest.client.vanish()
    client.vanish()
    await nextTurn()
    context.emit('text', 'a')
    context.emit('bytes', new Uint8Array([1, 2]))
    expect(one.logged()).toMatchObject([{ level: 'error', event: 'bytes' }])
    const received = (await open(resuming(token ?? '', 0))).received.slice(1)
    expect(received.map((bytes) => Buffer.from(bytes as Uint8Array).toString('hex'))).toEqual([
      // [0, "text", ["a"], nil, 1], [0, "bytes", [0102], nil, 2]
      '9500a47465787491a161c001',
      '9500a5627974657391c4020102c002',
    ])
    expect(names((await guest.resume(0)).frames())).toEqual(['text 1'])
  })
})
