import { afterEach, describe, expect, test } from 'bun:test'
import {
  type CloseReason,
  Gateway,
  GatewayContext,
  On,
  OnClose,
  OnOpen,
  OnSuspend,
  type Socket,
} from 'partyline'
import { Gate } from '../support/gate.ts'
import { nextTurn } from '../support/until.ts'
import { expectNew, expectRecovered, Guest } from './guest.ts'
import { finish, start } from './in-memory.ts'

afterEach(finish)

/** What happened to sockets, in order. */
const notes: string[] = []
afterEach(() => void notes.splice(0))

@Gateway('/desk', { recovery: { window: 60_000 } })
class Desk {
  constructor(readonly context: GatewayContext) {}

  @On() event() {
    return 'fine'
  }

  @On() bye(socket: Socket) {
    socket.close(4_001, 'as you wish')
  }

  @OnSuspend() suspended(_: Socket, { code, reason }: CloseReason) {
    notes.push(`suspended ${code} ${reason}`.trim())
  }

  @OnClose() closed(_: Socket, { code, reason }: CloseReason) {
    notes.push(`closed ${code} ${reason}`.trim())
  }
}

const suspended = { sockets: 1, suspended: 1, sessionsExpired: 0 }
const over = { sockets: 0, suspended: 0, sessionsExpired: 0 }

describe('how a line ends decides whether its session goes on', () => {
  test.each([1006, 1008, 1011, 1012, 1013, 1014, 4408])('%d suspends it', async (code) => {
    const one = await start(Desk)
    const guest = await Guest.open(one, '/desk')
    if (code === 1006) guest.client.vanish()
    else guest.client.close(code, 'so')
    expect(one.app.stats()).toMatchObject(suspended)
    await nextTurn()
    expect(notes).toEqual([`suspended ${code} ${code === 1006 ? '' : 'so'}`.trim()])
    expectRecovered(await guest.resume(0), guest)
    expect(one.app.stats()).toMatchObject({ sockets: 1, suspended: 0, sessionsResumed: 1 })
  })

  test.each([1000, 1001, 1002, 1003, 1005, 1007, 1009, 1015, 3000, 4000, 4401, 4403, 4409, 4429])(
    '%d ends it',
    async (code) => {
      const one = await start(Desk)
      const guest = await Guest.open(one, '/desk')
      guest.client.close(code)
      expect(one.app.stats()).toMatchObject(over)
      await nextTurn()
      expect(notes).toEqual([`closed ${code}`])
      expectNew(await guest.resume(0), guest)
      expect(one.app.stats()).toMatchObject({ resumesRefused: 1, sessionsResumed: 0 })
    },
  )

  test('a message that is too large ends it', async () => {
    const one = await start(Desk, { limits: { payload: 50 } })
    const guest = await Guest.open(one, '/desk')
    guest.send('x'.repeat(51))
    expect(one.app.stats()).toMatchObject({ ...over, payloadTooBig: 1 })
    expectNew(await guest.resume(0), guest)
    await nextTurn()
    expect(notes).toEqual(['closed 1009 message too big'])
  })

  test('silence suspends it', async () => {
    const one = await start(Desk, { limits: { heartbeat: 1_000 } })
    const guest = await Guest.open(one, '/desk')
    one.clock.advance(4_000)
    expect(guest.client.closed).toEqual({ code: 4408, reason: 'heartbeat lost' })
    expect(one.app.stats()).toMatchObject({ ...suspended, heartbeatsLost: 1 })
    await nextTurn()
    expect(notes).toEqual(['suspended 4408 heartbeat lost'])
    expectRecovered(await guest.resume(0), guest)
  })

  test('a slow consumer is suspended, and gets what it had no place for', async () => {
    const one = await start(Desk, { limits: { buffer: 100 } })
    const guest = await Guest.open(one, '/desk')
    const [socket] = [...one.app.sockets] as [Socket]
    guest.client.reading = false
    for (let i = 0; i < 20; i++) socket.emit('n', i)
    await nextTurn()
    for (let i = 20; i < 100 && socket.connected; i++) {
      socket.emit('n', i)
      await nextTurn()
    }
    expect(guest.client.closed).toEqual({ code: 1008, reason: 'slow consumer' })
    expect(one.app.stats()).toMatchObject({ ...suspended, slowConsumers: 1 })
    expect(socket.bufferedAmount).toBe(0)
    expect(one.logged()).toMatchObject([{ level: 'warn' }])
    expect(notes).toEqual(['suspended 1008 slow consumer'])
    const again = await guest.resume(18)
    expect(again.frames().slice(0, 2)).toEqual([
      '{"event":"n","data":18,"pos":19}',
      '{"event":"n","data":19,"pos":20}',
    ])
  })

  test('`socket.close` ends it, whatever its code', async () => {
    const one = await start(Desk)
    const guest = await Guest.open(one, '/desk')
    guest.send('{"event":"bye"}')
    expect(one.app.stats()).toMatchObject(over)
    expectNew(await guest.resume(0), guest)
    const [socket] = [...one.app.sockets] as [Socket]
    socket.close(1012)
    await nextTurn()
    expect(notes).toEqual(['closed 4001 as you wish', 'closed 1012'])
  })

  // What waited went out first, which closed the slow consumer: its session was neither closed nor suspended any more.
  test('`socket.close` ends it also where what waits is too much for the line', async () => {
    const one = await start(Desk, { limits: { buffer: 100 } })
    const guest = await Guest.open(one, '/desk')
    const [socket] = [...one.app.sockets] as [Socket]
    guest.client.reading = false
    for (let i = 0; i < 50; i++) socket.emit('n', i)
    socket.close(4_001)
    expect(one.app.stats()).toMatchObject({ ...over, slowConsumers: 1 })
    await nextTurn()
    expect(notes.at(-1)).toBe('closed 4001')
    expect(one.logged()).toMatchObject([{ level: 'warn' }])
    expectNew(await guest.resume(0), guest)
  })

  test('a flood ends it, though its line may break while it is held', async () => {
    const one = await start(Desk, { limits: { burst: 1, rate: 1 } })
    const [one_, two] = [await Guest.open(one, '/desk'), await Guest.open(one, '/desk')]
    for (const guest of [one_, two]) guest.send('{"event":"event"}', '{"event":"event"}', '{"event":"event"}')
    expectNew(await one_.resume(0), one_)
    two.client.vanish()
    expectNew(await two.resume(0), two)
    one.clock.advance(1_000)
    expect(one_.client.closed?.code).toBe(4429)
    expectNew(await one_.resume(0), one_)
    await nextTurn()
    expect(notes).toEqual(['closed 1006', 'closed 4429 too many events'])
  })

  test('an @OnOpen that fails ends it', async () => {
    @Gateway('/broken', { recovery: {} })
    class Broken {
      @OnOpen() opened() {
        throw new Error('on purpose')
      }
    }

    const one = await start(Broken)
    const guest = await Guest.open(one, '/broken')
    await nextTurn()
    expect(guest.client.closed?.code).toBe(1011)
    expect(one.app.stats()).toMatchObject(over)
    expect(one.logged()).toHaveLength(1)
  })

  // Its line is gone, so nothing of it ever came to an end.
  test('an @OnOpen that fails while its session is suspended ends it', async () => {
    const gate = new Gate()

    @Gateway('/broken', { recovery: {} })
    class Broken {
      @OnOpen() async opened() {
        await gate.pass()
        throw new Error('on purpose')
      }
    }

    const one = await start(Broken)
    const guest = await Guest.open(one, '/broken')
    guest.client.vanish()
    expect(one.app.stats()).toMatchObject(suspended)
    gate.open()
    await nextTurn()
    expect(one.app.stats()).toMatchObject(over)
    expectNew(await guest.resume(0), guest)
    await nextTurn()
    expect(one.logged()).toHaveLength(2)
  })
})

describe('a suspended session', () => {
  test('keeps its rooms, its data and its identity, and is in every audience', async () => {
    const one = await start(Desk, { authenticate: () => ({ user: 'ann', claims: { role: 'clerk' } }) })
    const { context } = one.app.get(Desk)
    const guest = await Guest.open(one, '/desk')
    const socket = context.sockets.get(guest.hello.sid) as Socket
    socket.join('a', 'b')
    socket.data.name = 'Ann'
    expect([socket.connected, socket.suspended]).toEqual([true, false])
    guest.client.vanish()
    expect([socket.connected, socket.suspended]).toEqual([false, true])
    socket.leave('b')
    socket.join('c')
    expect([...context.rooms]).toEqual([
      ['a', 1],
      ['c', 1],
    ])
    expect(context.to('c').sockets).toEqual([socket])
    expect([...socket.rooms]).toEqual(['a', 'c'])
    expect(socket.identity).toMatchObject({ user: 'ann' })
    const health = await one.app.runtime.fetch(new Request('http://localhost/healthz'))
    expect(await health.json()).toEqual({ status: 'ok', connections: 0 })

    await guest.resume(0)
    expect(context.sockets.get(guest.hello.sid)).toBe(socket)
    expect([socket.connected, socket.suspended, socket.data.name]).toEqual([true, false, 'Ann'])
    expect([...socket.rooms]).toEqual(['a', 'c'])
    expect([...context.rooms]).toEqual([
      ['a', 1],
      ['c', 1],
    ])
  })

  test('has the handshake of its latest line, and its identity', async () => {
    const one = await start(Desk, {
      authenticate: ({ url }) => ({ user: 'ann', claims: { n: url.searchParams.get('n') } }),
    })
    const guest = await Guest.open(one, '/desk?n=1', { ip: '10.0.0.1' })
    const [socket] = [...one.app.sockets] as [Socket]
    guest.client.vanish()
    expect([socket.query.get('n'), socket.handshake.ip]).toEqual(['1', '10.0.0.1'])
    await guest.resume(0, { path: '/desk?n=2', ip: '10.0.0.2' })
    expect([socket.query.get('n'), socket.handshake.ip]).toEqual(['2', '10.0.0.2'])
    expect(socket.identity?.claims).toEqual({ n: '2' })
  })

  test('is ended by `socket.close`, with its code and reason', async () => {
    const one = await start(Desk)
    const guest = await Guest.open(one, '/desk')
    const [socket] = [...one.app.sockets] as [Socket]
    guest.client.vanish()
    socket.close(4_002, 'enough')
    socket.close()
    expect(one.app.stats()).toMatchObject(over)
    await nextTurn()
    expect(notes).toEqual(['suspended 1006', 'closed 4002 enough'])
    expectNew(await guest.resume(0), guest)
  })

  test('ends when the app stops, with 1001', async () => {
    const one = await start(Desk)
    const guests = [await Guest.open(one, '/desk'), await Guest.open(one, '/desk')]
    guests[0]?.client.vanish()
    await one.app.stop()
    expect(notes).toEqual([
      'suspended 1006',
      'closed 1001 the server is going away',
      'closed 1001 the server is going away',
    ])
    expect(one.app.stats()).toMatchObject({ ...over, keptBytes: 0 })
  })
})
