import { connect } from 'partyline/client'
import { msgpack } from 'partyline/msgpack'
import type { Socket } from 'socket.io-client'
import { connected, next, same, turn, until, type World } from './world.ts'

/** What unmodified clients do, by any way. */
export const cases = {
  async 'auth reaches the gateway, and its first event the listener'(world: World) {
    const socket = world.open('/', { auth: { token: 'abc', list: [1] } })
    same(await next(socket, 'auth'), [{ token: 'abc', list: [1] }])
    same(await next(world.open('/', { auth: (tell) => tell({ late: true }) }), 'auth'), [{ late: true }])
    same(await next(world.open(), 'auth'), [{}])
    if (socket.id === socket.io.engine.id) throw new Error('the id is the transport’s')
    await world.settled(socket)
  },

  async 'who is let in is known, who is not gets CONNECT_ERROR with data'(world: World) {
    const ann = await world.enter('/members', { auth: { token: 'right' } })
    same(await ann.emitWithAck('who'), 'ann')
    await refused(world.open('/members', { auth: { token: 'wrong' } }), 'nobody is known here', {
      code: 'UNAUTHENTICATED',
    })
    await refused(world.open('/guarded'), 'show a ticket', { code: 'NO_TICKET', details: { desk: 3 } })
    await refused(world.open('/nowhere'), 'Invalid namespace', undefined)
    const guest = world.open('/guarded')
    await next(guest, 'connect_error')
    guest.auth = { ticket: 1 }
    guest.connect()
    await connected(guest)
    same(await guest.emitWithAck('where'), '/guarded')
  },

  async 'namespaces share a connection, and are left one by one'(world: World) {
    const main = await world.enter('/')
    const other = main.io.socket('/other')
    await connected(other)
    if (main.id === other.id) throw new Error('they have the same id')
    same(await other.emitWithAck('where'), '/other')
    const { engine } = main.io

    other.emit('named', world.name)
    other.disconnect()
    same((await main.emitWithAck('ended', world.name)).code, 1000)
    other.connect()
    await connected(other)

    const told = next(other, 'disconnect')
    other.emit('leave', 1000)
    same((await told)[0], 'io server disconnect')
    same(await main.emitWithAck('echo', 'still here'), 'still here')
    other.connect()
    await connected(other)
    same(await other.emitWithAck('where'), '/other')
    await world.settled(main)
    if (main.io.engine !== engine) throw new Error('there was another connection meanwhile')
  },

  async 'a client that goes is gone'(world: World) {
    const [watch, goes] = await Promise.all([world.enter(), world.enter()])
    goes.emit('named', world.name)
    goes.disconnect()
    same((await watch.emitWithAck('ended', world.name)).code, 1000)
  },

  async 'binary data goes both ways, wherever it is'(world: World) {
    const socket = await world.enter()
    const bytes = new Uint8Array([0, 1, 2, 255])
    const args = [bytes, 'text', { deep: [{ bytes }, bytes.buffer] }, new Uint8Array(0)]
    const back = next(socket, 'back')
    socket.emit('back', ...args)
    same(await back, args)
    same(await acked(socket, 'echo', ...args), args)
    await world.settled(socket)
    same(await acked(socket, 'echo', ...args), args)
    const large = new Uint8Array(500_000).map((_, i) => i * 7)
    same(await socket.emitWithAck('echo', large), large)
  },

  async 'large messages go both ways'(world: World) {
    const socket = await world.enter()
    const text = 'ä€x"\\'.repeat(100_000).slice(0, 500_000)
    same(await socket.emitWithAck('echo', text.slice(0, 300_000)), text.slice(0, 300_000))
    await world.settled(socket)
    const flat = 'x'.repeat(500_000)
    same(await Promise.all([0, 1, 2].map((n) => acked(socket, 'echo', n, flat))), [
      [0, flat],
      [1, flat],
      [2, flat],
    ])
  },

  async 'acks answer, fail and come too late, as the server sees fit'(world: World) {
    const socket = await world.enter()
    same(await acked(socket, 'echo', 1, [2], { three: null }, 'vier'), [1, [2], { three: null }, 'vier'])
    same(await acked(socket, 'named', 'x'), [])
    const failure = { error: { code: 'SEAT_TAKEN', message: 'seat 7 is taken', details: { seat: 7 } } }
    same(await socket.emitWithAck('refuses'), failure)
    same((await socket.emitWithAck('unheard of')).error.code, 'UNKNOWN_EVENT')
    same(await rejection(socket.timeout(100).emitWithAck('never')), 'operation has timed out')
    same(await socket.timeout(5_000).emitWithAck('echo', 'in time'), 'in time')
  },

  async 'acks answer the server, fail and come too late, as the client sees fit'(world: World) {
    const socket = await world.enter()
    const replies: Record<string, unknown[]> = {
      one: [{ n: 1 }],
      none: [],
      several: [1, new Uint8Array([2])],
      failure: [{ error: { code: 'TIRED', message: 'not now', details: 7 } }],
    }
    socket.on('question', (name: string, answer: (...args: unknown[]) => void) => {
      const values = replies[name]
      if (values !== undefined) answer(...values)
    })
    same(await socket.emitWithAck('ask', 'one', 5_000), { answer: { n: 1 } })
    same(await socket.emitWithAck('ask', 'none', 5_000), {})
    same(await socket.emitWithAck('ask', 'several', 5_000), { answer: [1, new Uint8Array([2])] })
    same(await socket.emitWithAck('ask', 'failure', 5_000), { code: 'TIRED', message: 'not now', details: 7 })
    same((await socket.emitWithAck('ask', 'silence', 50)).code, 'TIMEOUT')
  },

  async '200 messages keep their order, across an upgrade'(world: World) {
    const socket = world.open()
    const got: number[] = []
    const expected = Array.from({ length: 200 }, (_, i) => i)
    socket.on('n', (n: number) => void got.push(n))
    socket.emit('count', 200)
    for (const n of expected) {
      socket.emit('n', n)
      if (n % 5 === 4) await turn()
    }
    await until(() => got.length >= 200, '200 messages')
    same(got, expected)
    same(await socket.emitWithAck('taken'), expected)
    await world.settled(socket)
  },

  async 'a client whose line is cut comes back by itself'(world: World) {
    const proxy = await world.proxy()
    let asked = 0
    const socket = world.open('/', { auth: (tell) => tell({ asked: ++asked }) }, proxy.url)
    const told: unknown[] = []
    socket.on('auth', (auth: unknown) => void told.push(auth))
    await until(() => told.length > 0, 'a welcome')
    await world.settled(socket)
    const { id } = socket
    const lost = next(socket, 'disconnect')
    await proxy.cut()
    same(/^transport (close|error)$/.test(String((await lost)[0])), true)
    await until(() => told.length > 1, 'a second welcome')
    same(told, [{ asked: 1 }, { asked: 2 }])
    if (socket.id === id) throw new Error('it has the id that it had')
    if (socket.recovered) throw new Error('nothing can be recovered here')
    same(await socket.emitWithAck('echo', 'hello again'), 'hello again')
  },

  async 'a client that the server sends away for a while comes back by itself'(world: World) {
    const socket = await world.enter()
    const lost = next(socket, 'disconnect')
    socket.emit('leave', 1012)
    same((await lost)[0], 'transport close')
    await connected(socket)
    same(await socket.emitWithAck('echo', 1), 1)
  },

  async 'a session goes on after a cut, and gets what it missed'(world: World) {
    const proxy = await world.proxy()
    const [desk, other] = await Promise.all([world.enter('/desk', {}, proxy.url), world.enter('/desk')])
    const heard = listen(desk)
    await desk.emitWithAck('join', world.name)
    await other.emitWithAck('say', world.name, 'one')
    await until(() => heard.length === 1, 'the first word')
    const { id } = desk

    for (const [i, text] of ['two', 'three'].entries()) {
      await world.settled(desk)
      const lost = next(desk, 'disconnect')
      await proxy.refuse()
      await lost
      await other.emitWithAck('say', world.name, text)
      await proxy.restore()
      await connected(desk)
      same(desk.recovered, true)
      same(desk.id, id)
      await until(() => heard.length > i + 1, 'what was missed')
      same(await desk.emitWithAck('whoami'), id)
    }
    await other.emitWithAck('say', world.name, 'four')
    await until(() => heard.length > 3, 'the last word')
    same(heard, ['one', 'two', 'three', 'four'])
  },

  async 'a session goes on though nothing was received before the cut'(world: World) {
    const proxy = await world.proxy()
    const [desk, other] = await Promise.all([world.enter('/desk', {}, proxy.url), world.enter('/desk')])
    const heard = listen(desk)
    await desk.emitWithAck('join', world.name)
    await world.settled(desk)
    const lost = next(desk, 'disconnect')
    await proxy.refuse()
    await lost
    await other.emitWithAck('say', world.name, 'one')
    await proxy.restore()
    await connected(desk)
    same(desk.recovered, true)
    await until(() => heard.length > 0, 'what was missed')
    same(heard, ['one'])
  },

  async 'a client of each wire stands in one room, and all hear each'(world: World) {
    const { server, WebSocket } = world.platform
    const heard: Record<string, string[]> = { json: [], msgpack: [], polling: [], websocket: [], own: [] }
    const hear = (name: string) => (text: string, place: { from: string }) => {
      if (place.from === world.name) heard[name]?.push(text)
    }
    const say: Record<string, (text: string) => unknown> = {}
    for (const [name, codec] of Object.entries({ json: undefined, msgpack: msgpack() })) {
      const client = connect(`${server}/rooms`, { ...(codec && { codec }), WebSocket })
      world.after(() => client.close())
      client.on('said', hear(name))
      say[name] = (text) => client.emit('say', world.name, text)
      await client.call('join', world.name)
    }
    const ways = { polling: ['polling'], websocket: ['websocket'], own: undefined }
    for (const [name, transports] of Object.entries(ways)) {
      const socket = await world.enter('/rooms', transports && { transports })
      socket.on('said', hear(name))
      say[name] = (text) => socket.emit('say', world.name, text)
      await socket.emitWithAck('join', world.name)
    }
    const names = Object.keys(heard)
    for (const name of names) {
      const before = heard.json?.length ?? 0
      say[name]?.(`${name} €`)
      await until(() => Object.values(heard).every(({ length }) => length > before), `what ${name} says`)
    }
    const expected = names.map((name) => `${name} €`)
    same(heard, Object.fromEntries(names.map((name) => [name, expected])))
  },
}

export type CaseName = keyof typeof cases

/** All that an ack brings. */
function acked(socket: Socket, event: string, ...args: unknown[]): Promise<unknown[]> {
  return new Promise((resolve, reject) => {
    socket.timeout(20_000).emit(event, ...args, (error: unknown, ...values: unknown[]) => {
      if (error) reject(error)
      else resolve(values)
    })
  })
}

async function refused(socket: Socket, message: string, data: unknown): Promise<void> {
  const [error] = (await next(socket, 'connect_error')) as [Error & { data?: unknown }]
  same([error.message, error.data], [message, data])
  same(socket.connected, false)
  socket.io.engine.close()
}

async function rejection(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    (value) => `resolved to ${value}`,
    (error: Error) => error.message,
  )
}

/** What is said in a room, as it comes. */
function listen(socket: Socket): string[] {
  const heard: string[] = []
  socket.on('said', (text: string) => void heard.push(text))
  return heard
}
