import { afterEach, describe, expect, test } from 'bun:test'
import { Gateway, GatewayContext, On, type RecoveryOptions, type Socket } from 'partyline'
import { nextTurn } from '../support/until.ts'
import { expectNew, expectRecovered, Guest } from './guest.ts'
import { finish, start } from './in-memory.ts'

afterEach(finish)

/** What a gateway keeps of a broadcast without much in it. */
const BROADCAST = 450

/** A guest who is in the room `a` and hears nothing, and others in `a` and `b`. */
async function met(recovery: RecoveryOptions) {
  @Gateway('/desk', { recovery })
  class Desk {
    constructor(readonly context: GatewayContext) {}

    @On() join(socket: Socket, room: string) {
      socket.join(room)
    }
  }

  const one = await start(Desk, { limits: { heartbeat: 1_000 } })
  const { context } = one.app.get(Desk)
  const join = async (room: string): Promise<Guest> => {
    const guest = await Guest.open(one, '/desk')
    guest.send(`{"event":"join","data":"${room}"}`)
    return guest
  }
  const [guest, inA, inB] = [await join('a'), await join('a'), await join('b')]
  const socketOf = ({ hello }: Guest) => context.sockets.get(hello.sid) as Socket
  /** Sends so much to the room `b` that nothing else is kept. */
  const crowdOut = (): void => {
    for (let i = 0; i < 10; i++) context.to('b').emit('crowd', i)
  }
  return { one, context, guest, inA, inB, socket: socketOf(guest), socketOf, crowdOut }
}

const small = { bytes: 4 * BROADCAST }

describe('what is gone', () => {
  test('is missed by those only for whom it was: bytes that others fill do no harm', async () => {
    const { one, guest, inB, crowdOut } = await met(small)
    for (const { client } of [guest, inB]) client.vanish()
    crowdOut()
    expect(one.app.stats().keptEvicted).toBeGreaterThan(5)
    expectRecovered(await guest.resume(0), guest)
    expectNew(await inB.resume(0), inB)
  })

  test('is missed by whoever was in the room then, also where others have filled the bytes since', async () => {
    const { context, guest, crowdOut } = await met(small)
    guest.client.vanish()
    context.to('a').emit('missed')
    crowdOut()
    expectNew(await guest.resume(0), guest)
  })

  test('is missed by everybody where it was for everybody', async () => {
    const { context, guest, inB, crowdOut } = await met(small)
    context.emit('all')
    await nextTurn()
    for (const { client } of [guest, inB]) client.vanish()
    crowdOut()
    // It had seen that.
    expectRecovered(await guest.resume(1), guest)
    expectNew(await inB.resume(0), inB)
  })

  test('is not missed by who came later, or entered the room later', async () => {
    const { one, context, crowdOut } = await met(small)
    const early = await Guest.open(one, '/desk')
    context.to('a').emit('before')
    const late = await Guest.open(one, '/desk')
    for (const guest of [early, late]) guest.send('{"event":"join","data":"a"}')
    for (const { client } of [early, late]) client.vanish()
    crowdOut()
    expectRecovered(await early.resume(0), early)
    expectRecovered(await late.resume(1), late)
  })

  test('is not missed by who spoke: those who were left out hear nothing of it', async () => {
    const { one, guest, inA, socket, socketOf, crowdOut } = await met(small)
    for (let i = 0; i < 5; i++) socket.to('a').emit('said by the guest')
    crowdOut()
    const again = await guest.returns(0)
    expectRecovered(again, guest)
    // The other one hears what the guest says, and the guest what the other says.
    expectNew(await inA.returns(0), inA)
    const other = await Guest.open(one, '/desk')
    other.send('{"event":"join","data":"a"}')
    socketOf(other).to('a').emit('said by the other')
    socket.to('a').emit('said by the guest')
    crowdOut()
    await nextTurn()
    again.client.vanish()
    const [heard, ...more] = again.frames().map((text) => JSON.parse(text) as { event: string; pos: number })
    expect([heard?.event, more]).toEqual(['said by the other', []])
    expectRecovered(await again.resume(heard?.pos ?? 0), guest)
  })

  test('is not missed by the members of a room that was left out', async () => {
    const { context, guest, socket, crowdOut } = await met(small)
    socket.join('muted')
    for (let i = 0; i < 5; i++) context.to('a').except('muted').emit('not for the muted')
    crowdOut()
    const again = await guest.returns(0)
    expectRecovered(again, guest)
    socket.leave('muted')
    again.client.vanish()
    context.to('a').except('muted').emit('for the guest')
    crowdOut()
    expectNew(await again.resume(0), again)
  })

  test.each(['itself', 'its room'])(
    'is missed where there were several, of which only the last left it out: %s',
    async (what) => {
      const { context, guest, socket, crowdOut } = await met(small)
      socket.join('muted')
      guest.client.vanish()
      context.to('a').emit('missed')
      context
        .to('a')
        .except(what === 'itself' ? socket : 'muted')
        .emit('left out')
      crowdOut()
      expectNew(await guest.resume(0), guest)
    },
  )

  test('of a room that was left is missed for as long as it may have been meant', async () => {
    const { context, guest, socket, crowdOut } = await met(small)
    guest.client.vanish()
    context.to('a').emit('missed')
    socket.leave('a')
    crowdOut()
    expectNew(await guest.resume(0), guest)
  })

  test('of a room that was left is not missed by who has seen something since', async () => {
    const { context, guest, socket, crowdOut } = await met(small)
    context.to('a').emit('seen')
    socket.leave('a')
    socket.emit('seen')
    guest.client.vanish()
    context.to('a').emit('not meant')
    crowdOut()
    expectRecovered(await guest.resume(2), guest)
  })

  test('is not known of each of very many rooms: then who has seen less begins anew', async () => {
    const { context, guest, inB, socketOf } = await met({ bytes: 5_120 })
    const other = socketOf(inB)
    for (let i = 0; i < 50; i++) {
      other.join(`room ${i}`)
      context.to(`room ${i}`).emit('n')
    }
    expectNew(await guest.returns(0), guest)
  })
})

describe('what is too old to be kept', () => {
  /** What the gateway keeps broadcasts for: the window, and as long as a dead line may be taken for a live one. */
  const AGE = 5_000 + 6 * 1_000

  test('is not missed by who had nothing to hear', async () => {
    const { one, guest, inB, context } = await met({ window: 5_000 })
    context.to('b').emit('n')
    for (let t = 0; t < 2 * AGE; t += 500) {
      one.clock.advance(500)
      for (const one of [guest, inB]) one.send('{"ping":1}')
    }
    expect(one.app.stats().keptBytes).toBe(0)
    expectRecovered(await guest.returns(0), guest)
  })

  // It was given the rest, and nobody was told.
  test('is missed by who still talks and has read nothing for so long', async () => {
    const { one, guest, context } = await met({ window: 5_000 })
    guest.client.reading = false
    context.to('a').emit('old')
    for (let t = 0; t <= AGE; t += 500) {
      one.clock.advance(500)
      guest.send('{"ping":1}')
    }
    context.to('a').emit('new')
    expectNew(await guest.returns(0), guest)
  })
})
