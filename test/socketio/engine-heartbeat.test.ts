import { describe, expect, test } from 'bun:test'
import type { Clock } from '../../lib/protocol/clock.ts'
import { HandClock } from '../support/clock.ts'
import { nextTurn } from '../support/until.ts'
import { TIMES, told, World } from './engine-world.ts'

/** A clock whose timers for pings fire that much late. */
function latePings(late: number): { hand: HandClock; clock: Clock } {
  const hand = new HandClock()
  const setTimeout: Clock['setTimeout'] = (task, milliseconds) =>
    hand.setTimeout(task, milliseconds + (milliseconds === TIMES.pingInterval ? late : 0))
  return {
    hand,
    clock: { now: () => hand.now(), setTimeout, clearTimeout: (timer) => hand.clearTimeout(timer) },
  }
}

describe('by polling', () => {
  test('pings come at their interval, from the pong on', async () => {
    const world = new World()
    const sid = await world.begin()
    for (let i = 0; i < 3; i++) {
      const poll = world.poll(sid)
      world.clock.advance(299)
      expect(world.last.socket.writable).toBe(true)
      world.clock.advance(1)
      expect(await told(poll)).toEqual([200, '2'])
      world.clock.advance(199)
      expect(await told(world.post(sid, '3'))).toEqual([200, 'ok'])
    }
    expect(world.last.messages).toEqual([])
    expect(world.clock.pending).toBe(1)
  })

  test('without a pong the session is closed', async () => {
    const world = new World()
    const sid = await world.begin()
    const poll = world.poll(sid)
    world.clock.advance(300)
    await poll
    const next = world.poll(sid)
    world.clock.advance(199)
    expect(world.last.socket.isOpen).toBe(true)
    world.clock.advance(1)
    expect(world.last.ends).toEqual([{ cause: 'ping timeout', code: 4408, reason: 'no pong came' }])
    expect(await told(next)).toEqual([200, '1'])
    expect((await world.poll(sid)).status).toBe(400)
    world.expectNothingLeft()
  })

  test('each session of a server is pinged, and ended, in its own time, though others have gone', async () => {
    const world = new World()
    const pinged: number[] = []
    for (const i of [0, 1, 2, 3]) {
      const sid = await world.begin()
      void world.poll(sid).then(() => pinged.push(i))
      world.clock.advance(50)
    }
    const after = async (milliseconds: number): Promise<[pinged: number[], ended: (0 | 1)[]]> => {
      world.clock.advance(milliseconds)
      await nextTurn()
      return [pinged.splice(0), world.seen.map(({ ends }) => (ends.length > 0 ? 1 : 0))]
    }
    // The first and one in between go before their pings.
    world.seen[0]?.socket.terminate()
    world.seen[2]?.socket.terminate()
    await after(0)
    expect(await after(149)).toEqual([[], [1, 0, 1, 0]])
    expect(await after(1)).toEqual([[1], [1, 0, 1, 0]])
    expect(await after(100)).toEqual([[3], [1, 0, 1, 0]])
    expect(await after(99)).toEqual([[], [1, 0, 1, 0]])
    expect(await after(1)).toEqual([[], [1, 1, 1, 0]])
    expect(await after(100)).toEqual([[], [1, 1, 1, 1]])
  })

  test('timers that are a little late make nobody come in time', async () => {
    const hand = new HandClock()
    const setTimeout: Clock['setTimeout'] = (task, milliseconds) => hand.setTimeout(task, milliseconds + 2)
    const clock = {
      now: () => hand.now(),
      setTimeout,
      clearTimeout: (timer: unknown) => hand.clearTimeout(timer),
    }
    const world = new World({}, undefined, { clock })
    const [late, later] = [await world.begin(), await world.begin()]
    hand.advance(500)
    expect((await world.poll(late)).status).toBe(400)
    expect(world.seen.map(({ ends }) => ends.length)).toEqual([1, 0])
    // Once, and not once for the ping and once for the pong.
    hand.advance(2)
    expect((await world.poll(later)).status).toBe(400)
    expect(world.seen[1]?.ends[0]?.cause).toBe('ping timeout')
    expect([world.server.size, hand.pending]).toEqual([0, 0])
  })

  test('who has not come for a ping is not let in because the server was late with it', async () => {
    // A busy server whose timer for the ping fired 40 ms late answered who came back after interval and timeout.
    const { hand, clock } = latePings(40)
    const world = new World({}, undefined, { clock })
    const [absent, waiting, timely] = [await world.begin(), await world.begin(), await world.begin()]
    const poll = world.poll(waiting)
    hand.advance(499)
    expect(await told(world.poll(timely))).toEqual([200, '2'])
    hand.advance(1)
    expect((await world.poll(absent)).status).toBe(400)
    // Who got it late has the time to answer it.
    expect(await told(poll)).toEqual([200, '2'])
    const next = world.poll(waiting)
    hand.advance(19)
    expect(world.seen.map(({ ends }) => ends.length)).toEqual([1, 0, 0])
    hand.advance(1)
    expect(await told(next)).toEqual([200, '1'])
    expect((await world.poll(waiting)).status).toBe(400)
    expect((await world.poll(timely)).status).toBe(400)
    expect([world.server.size, hand.pending]).toEqual([0, 0])
  })

  test('who comes while the server stands still for longer than the timeout is not sent away', async () => {
    const { hand, clock } = latePings(400)
    const world = new World({}, undefined, { clock })
    const sid = await world.begin()
    // The timer goes first, and then what the client has sent meanwhile is read.
    hand.advance(700)
    expect(await told(world.poll(sid))).toEqual([200, '2'])
    const next = world.poll(sid)
    hand.advance(150)
    expect(await told(world.post(sid, '3'))).toEqual([200, 'ok'])
    expect(world.last.ends).toEqual([])
    world.last.socket.close()
    expect(await told(next)).toEqual([200, '1'])
  })

  test('who never comes back is forgotten, with all that waits for it', async () => {
    const world = new World()
    for (let i = 0; i < 100; i++) await world.begin()
    for (const { socket } of world.seen) socket.send('x')
    world.clock.advance(500)
    world.expectNothingLeft()
  })

  test('who is waiting to be read on is not missed', async () => {
    const world = new World()
    const sid = await world.begin()
    world.last.socket.pause()
    const post = world.post(sid, '4a\x1e3')
    await world.clock.advance(5_000)
    expect(world.last.socket.isOpen).toBe(true)
    world.last.socket.resume()
    expect(await told(post)).toEqual([200, 'ok'])
    expect(world.last.messages).toEqual(['a'])
  })
})

describe('by WebSocket', () => {
  test('pings come at their interval, from the pong on', async () => {
    const world = new World()
    const client = await world.socket()
    for (let i = 1; i <= 3; i++) {
      world.clock.advance(300)
      expect(client.received.slice(1)).toEqual(Array(i).fill('2'))
      world.clock.advance(199)
      client.send('3')
    }
    expect(client.closed).toBeUndefined()
    expect(world.clock.pending).toBe(1)
  })

  test('without a pong the session is closed', async () => {
    const world = new World()
    const client = await world.socket()
    world.clock.advance(499)
    expect(client.closed).toBeUndefined()
    world.clock.advance(1)
    expect(client.closed?.code).toBe(4408)
    expect(world.last.ends[0]?.cause).toBe('ping timeout')
    world.expectNothingLeft()
  })

  test('a message in place of the pong buys time once, since the pong may stand behind it', async () => {
    const world = new World()
    const client = await world.socket()
    world.clock.advance(300)
    client.send('4a')
    world.clock.advance(399)
    expect(client.closed).toBeUndefined()
    // The one ping is not sent again.
    expect(client.received.slice(1)).toEqual(['2', '4a'])
    world.clock.advance(1)
    expect(client.closed?.code).toBe(4408)
  })

  test('a pong that nobody asked for changes nothing', async () => {
    const world = new World()
    const client = await world.socket()
    world.clock.advance(200)
    client.send('3')
    world.clock.advance(100)
    expect(client.received.slice(1)).toEqual(['2'])
  })
})

test('a heartbeat goes on over WebSocket where it began by polling', async () => {
  const world = new World()
  const { line, sid } = await world.beginUpgrade()
  world.clock.advance(300)
  // The poll that the client has ended for the upgrade did not bring it.
  line.send('2probe')
  line.send('5')
  expect(line.received).toEqual(['3probe', '2'])
  world.clock.advance(199)
  line.send('3')
  world.clock.advance(300)
  expect(line.received).toEqual(['3probe', '2', '2'])
  world.clock.advance(200)
  expect(line.closed?.code).toBe(4408)
  expect((await world.poll(sid)).status).toBe(400)
  world.expectNothingLeft()
})
