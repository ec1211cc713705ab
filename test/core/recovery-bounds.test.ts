import { afterEach, describe, expect, test } from 'bun:test'
import { Gateway, GatewayContext, On, OnClose, type RecoveryOptions, type Socket } from 'partyline'
import { nextTurn } from '../support/until.ts'
import { expectNew, expectRecovered, Guest } from './guest.ts'
import { finish, mistakesIn, start } from './in-memory.ts'

afterEach(finish)

let closed = 0
afterEach(() => {
  closed = 0
})

function deskWith(recovery: RecoveryOptions) {
  @Gateway('/desk', { recovery })
  class Desk {
    constructor(readonly context: GatewayContext) {}

    @On() echo(_: Socket, data: unknown) {
      return data
    }

    @OnClose() closed() {
      closed++
    }
  }

  return Desk
}

async function met(recovery: RecoveryOptions, limits = {}) {
  const Desk = deskWith(recovery)
  const one = await start(Desk, { limits })
  const { context } = one.app.get(Desk)
  const guest = await Guest.open(one, '/desk')
  const socket = context.sockets.get(guest.hello.sid) as Socket
  return { one, context, guest, socket }
}

describe('the limit', () => {
  test('of messages to one session is what it may miss, and one more is too many', async () => {
    const { one, guest, socket } = await met({ limit: 3 })
    guest.client.vanish()
    for (let i = 1; i <= 3; i++) socket.emit('n', i)
    const again = await guest.resume(0)
    expectRecovered(again, guest)
    expect(again.frames()).toHaveLength(3)
    again.client.vanish()
    for (let i = 4; i <= 7; i++) socket.emit('n', i)
    expect(one.app.stats()).toMatchObject({ keptEvicted: 4, resumesRefused: 0 })
    expectNew(await again.resume(3), again)
    expect(one.app.stats()).toMatchObject({ keptEvicted: 4, resumesRefused: 1, sockets: 1, suspended: 0 })
    await nextTurn()
    // Its client has another session now, so that nobody comes back to it.
    expect(closed).toBe(1)
    expectNew(await again.resume(7), again)
  })

  test('does not matter to who has what was given up', async () => {
    const { one, guest, socket } = await met({ limit: 3 })
    for (let i = 1; i <= 7; i++) socket.emit('n', i)
    expect(one.app.stats().keptEvicted).toBe(4)
    const again = await guest.returns(4)
    expectRecovered(again, guest)
    expect(again.frames()).toEqual([5, 6, 7].map((n) => `{"event":"n","data":${n},"pos":${n}}`))
  })

  test('counts broadcasts as well, where they were meant for the session', async () => {
    const { context, guest, socket } = await met({ limit: 3 })
    guest.client.vanish()
    for (let i = 1; i <= 9; i++) context.except(socket).emit('others')
    for (let i = 1; i <= 3; i++) context.emit('all')
    const again = await guest.resume(0)
    expectRecovered(again, guest)
    again.client.vanish()
    for (let i = 1; i <= 3; i++) context.emit('all')
    socket.emit('one more')
    expectNew(await again.resume(3), again)
  })

  test('is as good for rooms that were left: who needs to know more begins anew', async () => {
    const { one, context, guest, socket } = await met({ limit: 3 })
    await Guest.open(one, '/desk')
    const visit = (): void => {
      socket.join('a')
      context.except(socket).emit('others')
      socket.leave('a')
    }
    guest.client.vanish()
    for (let i = 1; i <= 3; i++) visit()
    const again = await guest.resume(0)
    expectRecovered(again, guest)
    again.client.vanish()
    for (let i = 1; i <= 4; i++) visit()
    expectNew(await again.resume(0), again)
  })
})

test('the window is how long a session waits, and begins anew each time', async () => {
  const { one, guest } = await met({ window: 1_000 })
  guest.client.vanish()
  one.clock.advance(999)
  const again = await guest.resume(0)
  expectRecovered(again, guest)
  again.client.vanish()
  one.clock.advance(999)
  expect(one.app.stats()).toMatchObject({ suspended: 1, sessionsExpired: 0 })
  one.clock.advance(1)
  expect(one.app.stats()).toMatchObject({ sockets: 0, suspended: 0, sessionsExpired: 1, keptBytes: 0 })
  await nextTurn()
  expect(closed).toBe(1)
  expectNew(await again.resume(0), again)
  expect(one.app.stats()).toMatchObject({ sessionsExpired: 1, resumesRefused: 1, sessionsResumed: 1 })
})

describe('the bytes of a gateway', () => {
  test('are never exceeded, whatever is kept, and are counted down to 0', async () => {
    const { one, context, guest, socket } = await met({ bytes: 5_000 })
    const others = await Promise.all([1, 2, 3].map(() => Guest.open(one, '/desk')))
    for (let i = 0; i < 100; i++) {
      socket.emit('n', 'x'.repeat(i))
      context.emit('all', 'x'.repeat(i))
      for (const other of others) other.send(`{"event":"echo","data":"${'x'.repeat(i)}","id":${i}}`)
      expect(one.app.stats().keptBytes).toBeLessThanOrEqual(5_000)
    }
    expect(one.app.stats().keptBytes).toBeGreaterThan(3_000)
    expect(one.app.stats().keptEvicted).toBeGreaterThan(100)
    expectNew(await guest.returns(0), guest)
    for (const other of others) other.client.close()
    // Broadcasts are forgotten when nobody can ask for them any more.
    for (let i = 0; i < 20; i++) one.clock.advance(25_000)
    expect(one.app.stats().keptBytes).toBe(0)
  })

  test('take broadcasts first, the oldest first, and then what is for one session alone', async () => {
    const { one, context, guest, socket } = await met({ bytes: 1_000 })
    const size = '{"event":"n","data":"","pos":1}'.length + 128
    const emits = Math.floor(1_000 / size)
    context.emit('n', '')
    for (let i = 0; i < emits; i++) socket.emit('n', '')
    expect(one.app.stats().keptEvicted).toBe(1)
    expectRecovered(await guest.resume(1), guest)
    socket.emit('n', '')
    expect(one.app.stats().keptEvicted).toBe(2)
  })

  test('refuse who needs what was given up, and no other', async () => {
    const { one, context, guest } = await met({ bytes: 1_000 })
    const other = await Guest.open(one, '/desk')
    guest.client.vanish()
    for (let i = 1; i <= 20; i++) context.emit('n', i)
    other.client.vanish()
    expectNew(await guest.resume(0), guest)
    expectRecovered(await other.resume(20), other)
  })

  test('hold no message that is larger than they are', async () => {
    const { one, context, guest, socket } = await met({ bytes: 200 })
    socket.emit('n', 'x'.repeat(300))
    context.emit('n', 'x'.repeat(300))
    expect(one.app.stats()).toMatchObject({ keptBytes: 0, keptEvicted: 2 })
    expectRecovered(await guest.returns(2), guest)
  })
})

test('a client that never says what it has cannot make the server keep more than the limit', async () => {
  const { one, guest, socket } = await met({ limit: 10 }, { burst: 10_000 })
  for (let i = 1; i <= 2_000; i++) {
    guest.send(`{"event":"echo","data":${i},"id":${i},"pos":${i}}`)
    socket.join(`room ${i}`)
    socket.leave(`room ${i}`)
  }
  expect(one.app.stats().keptBytes).toBeLessThan(10 * 200)
  expect(one.app.stats().keptEvicted).toBe(1_990)
})

describe('limits.connections', () => {
  test('is for lines: whose line is gone takes no place of another', async () => {
    const { one, guest } = await met({}, { connections: 2, connectionsPerAddress: 2 })
    guest.client.vanish()
    const others = [await Guest.open(one, '/desk'), await Guest.open(one, '/desk')]
    await expect(guest.resume(0)).rejects.toThrow('refused with 503')
    others[0]?.client.close()
    expectRecovered(await guest.resume(0), guest)
    await expect(Guest.open(one, '/desk')).rejects.toThrow('refused with 503')
  })

  // Who came and went again could make the server keep as many sessions as come in a window.
  test('bounds those that wait too: for a new session, the one that has waited longest gives way', async () => {
    const { one, guest } = await met({}, { connections: 3 })
    const [second, third] = [await Guest.open(one, '/desk'), await Guest.open(one, '/desk')]
    for (const one of [second, guest, third]) one.client.vanish()
    expect(one.app.stats()).toMatchObject({ sockets: 3, suspended: 3, sessionsExpired: 0 })
    for (let i = 0; i < 10; i++) (await Guest.open(one, '/desk')).client.close()
    expect(one.app.stats()).toMatchObject({ sockets: 2, suspended: 2, sessionsExpired: 1 })
    await Guest.open(one, '/desk')
    expectRecovered(await guest.resume(0), guest)
    expectRecovered(await third.resume(0), third)
    await nextTurn()
    expect(closed).toBe(11)
    third.client.close()
  })
})

describe('mistakes in recovery are found at boot', () => {
  test.each([
    ['window', 0],
    ['window', -1],
    ['window', 1.5],
    ['window', Number.NaN],
    ['window', Number.POSITIVE_INFINITY],
    ['limit', 0],
    ['limit', Number.POSITIVE_INFINITY],
    ['bytes', 0.5],
    ['bytes', '5' as unknown as number],
  ])('%s of %p', (option, value) => {
    expect(mistakesIn(deskWith({ [option]: value }))).toEqual([
      `Desk's recovery.${option} is ${value}: it is a whole number from 1 on.`,
    ])
  })

  // A timer of more milliseconds than this fires at once.
  test('a window that no timer can wait for', () => {
    expect(mistakesIn(deskWith({ window: 2 ** 31 }))).toEqual([
      "Desk's recovery.window is 2147483648: a timer waits for 2147483647 milliseconds at most, which is 24 days.",
    ])
    expect(mistakesIn(deskWith({ window: 2 ** 31 - 1 }))).toEqual([])
  })

  test('a raw gateway', () => {
    @Gateway('/raw', { protocol: 'raw', recovery: {} })
    class Raw {}

    expect(mistakesIn(Raw)).toEqual([
      "Raw has recovery and protocol: 'raw': without frames nothing has a position. Leave one of them out.",
    ])
  })

  test('and what is left undefined is none', () => {
    expect(mistakesIn(deskWith({ window: undefined, limit: undefined }))).toEqual([])
  })
})
