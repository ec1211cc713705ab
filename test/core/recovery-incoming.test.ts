import { afterEach, describe, expect, test } from 'bun:test'
import { Gateway, On, PartylineError, type Socket } from 'partyline'
import { Gate } from '../support/gate.ts'
import { nextTurn } from '../support/until.ts'
import { expectRecovered, Guest } from './guest.ts'
import { finish, start } from './in-memory.ts'

afterEach(finish)

/** What was handled, in order. */
const handled: unknown[] = []
let gate = new Gate()
afterEach(() => {
  handled.length = 0
  gate = new Gate()
})

@Gateway('/desk', { recovery: {} })
class Desk {
  @On() note(_: Socket, data: unknown) {
    handled.push(data)
    return `noted ${data}`
  }

  @On() refuse(_: Socket, data: unknown) {
    handled.push(data)
    throw new PartylineError('NO', 'no')
  }

  @On() async slow(_: Socket, data: unknown) {
    handled.push(data)
    await gate.pass()
    return `done ${data}`
  }
}

const note = (pos: number, id?: number) =>
  JSON.stringify({ event: 'note', data: `n${pos}`, id, pos: pos === 0 ? undefined : pos })

describe('what a client sends with positions', () => {
  test('is handled once, whatever comes twice', async () => {
    const guest = await Guest.open(await start(Desk), '/desk')
    guest.send(note(1), note(1), note(2, 5), note(2, 5), note(1), note(3))
    expect(handled).toEqual(['n1', 'n2', 'n3'])
    expect(guest.frames()).toEqual(['{"ack":5,"data":"noted n2","pos":1}'])
  })

  test('may have gaps, and is handled anew in another session', async () => {
    const one = await start(Desk)
    const guest = await Guest.open(one, '/desk')
    guest.send(note(10), note(9), note(9_007_199_254_740_991), note(11))
    expect(handled).toEqual(['n10', 'n9007199254740991'])
    const other = await Guest.open(one, '/desk')
    other.send(note(1))
    expect(handled).toHaveLength(3)
  })

  test('is handled as ever where it has none', async () => {
    const guest = await Guest.open(await start(Desk), '/desk')
    guest.send(note(5), note(0), note(0), note(6))
    expect(handled).toEqual(['n5', 'n0', 'n0', 'n6'])
  })

  test.each(['-1', '0.5', '"1"', 'null', '1e300', '[]'])('is malformed with %s in its place', async (pos) => {
    const guest = await Guest.open(await start(Desk), '/desk')
    guest.send(`{"event":"note","id":3,"pos":${pos}}`, `{"ack":1,"pos":${pos}}`)
    const error = '"error":{"code":"MALFORMED_FRAME","message":"\\"pos\\" is not a non-negative integer"}'
    expect(guest.frames()).toEqual([`{"ack":3,${error},"pos":1}`, `{${error},"pos":2}`])
    expect(handled).toEqual([])
  })

  test('is not handled again after the line broke, and answered from memory', async () => {
    const one = await start(Desk)
    const guest = await Guest.open(one, '/desk')
    guest.client.reading = false
    guest.send(note(1, 1), '{"event":"refuse","data":"r","id":2,"pos":2}')
    const again = await guest.returns(0)
    expect(again.hello.received).toBe(2)
    const answers = [
      '{"ack":1,"data":"noted n1","pos":1}',
      '{"ack":2,"error":{"code":"NO","message":"no"},"pos":2}',
    ]
    expect(again.frames()).toEqual(answers)
    // It may send them again all the same.
    again.send(note(1, 1), '{"event":"refuse","data":"r","id":2,"pos":2}', note(3, 3))
    expect(again.frames()).toEqual(['{"ack":3,"data":"noted n3","pos":3}'])
    expect(handled).toEqual(['n1', 'r', 'n3'])
    const third = await again.returns(0)
    expect(third.frames()).toEqual([...answers, '{"ack":3,"data":"noted n3","pos":3}'])
  })

  test('is answered once where its handler ends while the session is suspended, or on the next line', async () => {
    const one = await start(Desk)
    const guest = await Guest.open(one, '/desk')
    const slow = '{"event":"slow","data":1,"id":1,"pos":1}'
    guest.send(slow, note(2, 2))
    const again = await guest.returns(0)
    expect(again.hello.received).toBe(2)
    again.send(slow, note(2, 2), note(3, 3))
    await nextTurn()
    expect(again.frames()).toEqual([])
    again.client.vanish()
    gate.open()
    await nextTurn()
    expect(handled).toEqual([1, 'n2', 'n3'])
    expect((await again.resume(0)).frames()).toEqual([
      '{"ack":1,"data":"done 1","pos":1}',
      '{"ack":2,"data":"noted n2","pos":2}',
      '{"ack":3,"data":"noted n3","pos":3}',
    ])
  })

  test('counts as handled also where it was refused', async () => {
    const one = await start(Desk, { limits: { pending: 1, burst: 3, rate: 1 } })
    const guest = await Guest.open(one, '/desk')
    guest.send('{"event":"slow","data":1,"id":1,"pos":1}', note(2, 2), note(3), note(4, 4))
    guest.send(note(2, 2), note(4, 4))
    const again = await guest.returns(0)
    expect(again.hello.received).toBe(4)
    expect(again.frames().map((text) => text.slice(0, 40))).toEqual([
      '{"ack":2,"error":{"code":"OVERLOADED","m',
      '{"ack":4,"error":{"code":"RATE_LIMITED",',
    ])
    gate.open()
  })

  test('that was not read before the line broke comes again with the next', async () => {
    const one = await start(Desk, { limits: { waiting: 2 } })
    const guest = await Guest.open(one, '/desk')
    const frames = [1, 2, 3, 4, 5].map((n) => `{"event":"slow","data":${n},"id":${n},"pos":${n}}`)
    // From two that wait on, nothing more is read.
    guest.send(...frames)
    const again = await guest.returns(0)
    expect(again.hello.received).toBe(3)
    again.send(...frames)
    gate.open()
    await nextTurn()
    expect(handled).toEqual([1, 2, 3, 4, 5])
    expect(again.frames()).toEqual([1, 2, 3, 4, 5].map((n) => `{"ack":${n},"data":"done ${n}","pos":${n}}`))
  })
})

describe('received', () => {
  test('is said after 32 positions of the client’s, and at a heartbeat for the rest', async () => {
    const one = await start(Desk)
    const guest = await Guest.open(one, '/desk')
    for (let pos = 1; pos <= 33; pos++) guest.send(note(pos), note(pos))
    expect(guest.frames()).toEqual(['{"received":32}'])
    one.clock.advance(25_000)
    await nextTurn()
    expect(guest.frames()).toEqual(['{"received":33}'])
    guest.send('{"ping":1}')
    one.clock.advance(25_000)
    await nextTurn()
    expect(guest.frames()).toEqual(['{"pong":1}'])
  })

  test('frees what was kept for the client', async () => {
    const one = await start(Desk)
    const guest = await Guest.open(one, '/desk')
    guest.send(note(1, 1), note(2, 2), note(3, 3))
    const kept = one.app.stats().keptBytes
    expect(kept).toBeGreaterThan(0)
    guest.send('{"received":2}')
    expect(one.app.stats().keptBytes).toBe(kept / 3)
    guest.send('{"received":2}', '{"received":1}', '{"received":0}')
    expect(one.app.stats().keptBytes).toBe(kept / 3)
    guest.send('{"received":3}')
    expect(one.app.stats().keptBytes).toBe(0)
    expect(guest.frames()).toHaveLength(3)
    expectRecovered(await guest.returns(3), guest)
  })

  test('of what was never sent is malformed, and frees nothing', async () => {
    const one = await start(Desk)
    const guest = await Guest.open(one, '/desk')
    guest.send(note(1, 1), '{"received":2}', '{"received":-1}', '{"received":null}', '{"received":9e15}')
    expect(guest.frames().slice(1)).toEqual([
      '{"error":{"code":"MALFORMED_FRAME","message":"\\"received\\" 2 was never sent"},"pos":2}',
      '{"error":{"code":"MALFORMED_FRAME","message":"\\"received\\" is not a non-negative integer"},"pos":3}',
      '{"error":{"code":"MALFORMED_FRAME","message":"\\"received\\" is not a non-negative integer"},"pos":4}',
      '{"error":{"code":"MALFORMED_FRAME","message":"\\"received\\" 9000000000000000 was never sent"},"pos":5}',
    ])
    expect((await guest.returns(0)).frames()).toHaveLength(5)
  })

  test('by the position with which a client comes back counts too', async () => {
    const one = await start(Desk)
    const guest = await Guest.open(one, '/desk')
    guest.send(note(1, 1), note(2, 2))
    const again = await guest.returns(2)
    expect(again.frames()).toEqual([])
    expect(one.app.stats().keptBytes).toBe(0)
  })
})
