import { afterEach, describe, expect, test } from 'bun:test'
import {
  type CloseReason,
  Gateway,
  GatewayContext,
  On,
  OnClose,
  OnResume,
  OnSuspend,
  type Socket,
} from 'partyline'
import { Gate } from '../support/gate.ts'
import { nextTurn } from '../support/until.ts'
import { expectNew, expectRecovered, Guest, resuming } from './guest.ts'
import { finishByHand, startByHand } from './hand-line.ts'
import { finish, start } from './in-memory.ts'

afterEach(finish)

/** What happened, in order. */
const notes: unknown[] = []
let gate = new Gate()
afterEach(() => {
  notes.length = 0
  gate = new Gate()
})

@Gateway('/desk', { recovery: {} })
class Desk {
  constructor(readonly context: GatewayContext) {}

  @On() note(_: Socket, data: unknown) {
    notes.push(data)
  }

  @On() slow() {
    return gate.pass()
  }

  @OnSuspend() suspended(_: Socket, { code, reason }: CloseReason) {
    notes.push(`suspend ${code} ${reason}`)
  }

  @OnResume() resumed() {
    notes.push('resume')
  }

  @OnClose() closed(_: Socket, { code }: CloseReason) {
    notes.push(`close ${code}`)
  }
}

const note = (pos: number) => `{"event":"note","data":${pos},"pos":${pos}}`

describe('a session that is resumed while its line lives', () => {
  test('leaves that line, with 4409, and goes on over the new one', async () => {
    const one = await start(Desk)
    const guest = await Guest.open(one, '/desk')
    guest.send(note(1))
    const again = await guest.resume(0)
    expectRecovered(again, guest)
    expect(guest.client.closed).toEqual({ code: 4409, reason: 'resumed elsewhere' })
    again.send(note(2))
    one.app.get(Desk).context.emit('all')
    await nextTurn()
    expect(notes).toEqual([1, 'suspend 4409 resumed elsewhere', 'resume', 2])
    expect(again.frames()).toEqual(['{"event":"all","args":[],"pos":1}'])
    expect(one.app.stats()).toMatchObject({ sockets: 1, suspended: 0, sessionsResumed: 1 })
  })

  test('is not reached by what still comes on the old line, nor by its end', async () => {
    const one = await startByHand(Desk)
    const old = await one.connect('/desk')
    const again = await one.connect('/desk', { resume: resuming(old.token, 0) })
    expect([old.closes, again.closes]).toEqual([[4409], []])
    old.arrives(note(7))
    old.ends(1000)
    old.ends(4409)
    again.arrives(note(1))
    await nextTurn()
    expect(notes).toEqual(['suspend 4409 resumed elsewhere', 'resume', 1])
    expect(one.app.stats()).toMatchObject({ sockets: 1, suspended: 0 })
    again.ends(1006)
    expect(one.app.stats()).toMatchObject({ sockets: 1, suspended: 1 })
    old.ends(1000)
    old.arrives(note(2))
    await nextTurn()
    expect(notes.slice(3)).toEqual(['suspend 1006 '])
    expect(one.app.stats()).toMatchObject({ sockets: 1, suspended: 1 })
    await finishByHand(one, [])
  })

  // The methods ran the other way round.
  test('and whose new line is too slow for what it missed is suspended again', async () => {
    const one = await startByHand(Desk, { limits: { buffer: 100 } })
    const old = await one.connect('/desk')
    const [socket] = [...one.app.sockets] as [Socket]
    old.ends(1006)
    await nextTurn()
    socket.emit('missed')
    const slow = await one.connect('/desk', { resume: resuming(old.token, 0), bufferedAmount: 801 })
    expect(slow.closes).toEqual([1008])
    expect(one.app.stats()).toMatchObject({ suspended: 1, slowConsumers: 1 })
    expect(socket.bufferedAmount).toBe(0)
    await nextTurn()
    expect(notes).toEqual(['suspend 1006 ', 'resume', 'suspend 1008 slow consumer'])
    expect(one.logged()).toMatchObject([{ level: 'warn' }])
    const again = await one.connect('/desk', { resume: resuming(slow.token, 0) })
    expect(again.sent.slice(1)).toEqual(['{"event":"missed","args":[],"pos":1}'])
    slow.ends(1008)
    await nextTurn()
    expect(notes.slice(3)).toEqual(['resume'])
    await finishByHand(one, [again])
  })

  // Its old line had been behind for long.
  test('has a line anew that may take its time', async () => {
    const one = await startByHand(Desk, { limits: { buffer: 100 } })
    const old = await one.connect('/desk', { bufferedAmount: 101 })
    const [socket] = [...one.app.sockets] as [Socket]
    socket.emit('n')
    await nextTurn()
    one.clock.advance(4_900)
    old.ends(1006)
    const again = await one.connect('/desk', { resume: resuming(old.token, 0), bufferedAmount: 101 })
    socket.emit('n')
    await nextTurn()
    one.clock.advance(4_900)
    expect(again.closes).toEqual([])
    one.clock.advance(500)
    expect(again.closes).toEqual([1008])
    one.logged()
    again.ends(1008)
    await finishByHand(one, [])
  })

  test('counts as one connection of its latest address', async () => {
    const one = await start(Desk, { limits: { connectionsPerAddress: 2, connections: 5 } })
    const from = (ip: string) => Guest.open(one, '/desk', { ip })
    let guest = await from('a')
    for (let i = 0; i < 5; i++) guest = await guest.resume(0, { ip: i % 2 === 0 ? 'b' : 'a' })
    guest.client.vanish()
    guest = await guest.resume(0, { ip: 'b' })
    const others = [await from('a'), await from('a'), await from('b')]
    await expect(from('a')).rejects.toThrow('refused with 429')
    await expect(from('b')).rejects.toThrow('refused with 429')
    others.push(await from('c'))
    await expect(from('d')).rejects.toThrow('refused with 503')
    for (const { client } of [guest, ...others]) client.close()
    for (let i = 0; i < 5; i++) await from('x'.repeat(i + 1))
  })

  test('is read on the new line, though the old one was held back', async () => {
    const one = await start(Desk, { limits: { waiting: 4 } })
    const guest = await Guest.open(one, '/desk')
    guest.send('{"event":"slow","pos":1}', note(2), note(3), note(4), note(5), note(6))
    const again = await guest.resume(0)
    expect(again.hello.received).toBe(4)
    for (let pos = 2; pos <= 20; pos++) again.send(note(pos))
    gate.open()
    await nextTurn()
    const numbers = notes.filter((note) => typeof note === 'number')
    expect(numbers).toEqual(Array.from({ length: 19 }, (_, i) => i + 2))
    expect(again.frames().map((text) => text.slice(0, 12))).toEqual([])
  })

  test('once for each time, by several at once', async () => {
    const one = await start(Desk, { authenticate: async () => ({ user: 'ann' }) })
    const guest = await Guest.open(one, '/desk')
    const all = await Promise.all([0, 1, 2].map(() => guest.resume(0)))
    await nextTurn()
    expect(all.map(({ client }) => client.closed?.code)).toEqual([4409, 4409, undefined])
    expect(one.app.stats()).toMatchObject({ sockets: 1, suspended: 0, sessionsResumed: 3 })
    expect(notes.filter((note) => note === 'resume')).toHaveLength(3)
  })

  test('and cannot be is over, and its line closed with 4409', async () => {
    const one = await start(Desk)
    const guest = await Guest.open(one, '/desk')
    expectNew(await guest.resume(5), guest)
    expect(guest.client.closed).toEqual({ code: 4409, reason: 'not recovered' })
    await nextTurn()
    expect(notes).toEqual(['close 4409'])
    expect(one.app.stats()).toMatchObject({ sockets: 1, suspended: 0 })
  })

  // What waited was flushed to a line that is too slow, which left it a second time.
  test('leaves a line that is too slow once', async () => {
    const one = await startByHand(Desk, { limits: { buffer: 100 } })
    const old = await one.connect('/desk')
    old.bufferedAmount = 801
    const [socket] = [...one.app.sockets] as [Socket]
    const open = await one.knock('/desk', { resume: resuming(old.token, 0) })
    socket.emit('n')
    const again = open()
    await nextTurn()
    expect(old.closes).toEqual([4409])
    expect(notes).toEqual(['suspend 4409 resumed elsewhere', 'resume'])
    expect(again.sent.slice(1)).toEqual(['{"event":"n","args":[],"pos":1}'])
    expect(one.app.stats()).toMatchObject({ sockets: 1, suspended: 0, slowConsumers: 0 })
    expect(await (await one.app.runtime.fetch(new Request('http://localhost/healthz'))).json()).toEqual({
      status: 'ok',
      connections: 1,
    })
    await finishByHand(one, [again])
  })
})
