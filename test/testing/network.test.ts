import { describe, expect, test } from 'bun:test'
import type { TestAppOptions, TestClient } from 'partyline/testing'
import { closeHouses, house } from './house.ts'

closeHouses()

/** What the client hears of numbers that it has the server send back. */
function hearing(client: TestClient): unknown[] {
  const heard: unknown[] = []
  client.on('echo', (data) => heard.push(data))
  return heard
}

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i)
}

describe('a delay', () => {
  test('holds every message back for that long, there and back', async () => {
    const app = await house()
    const ann = await app.connect('/party')
    const heard = hearing(ann)
    ann.network.set({ delay: 100 })
    ann.emit('echo', 1)
    await app.advance(99)
    expect(app.notes).toEqual([])
    await app.advance(1)
    expect(app.notes).toEqual([1])
    await app.advance(99)
    expect(heard).toEqual([])
    await app.advance(1)
    expect(heard).toEqual([1])
  })

  test('that differs changes no order', async () => {
    const app = await house()
    const ann = await app.connect('/party')
    const heard = hearing(ann)
    ann.network.set({ delay: [0, 1_000] })
    for (const n of numbers(20)) {
      ann.emit('echo', n)
      await app.advance(10)
    }
    expect(heard.length).toBeLessThan(20)
    await app.advance(2_000)
    expect(heard).toEqual(numbers(20))
  })

  test('lets time pass while somebody connects', async () => {
    const app = await house()
    app.network.set({ delay: 250 })
    const begin = app.clock.now()
    await app.connect('/party')
    expect(app.clock.now() - begin).toBe(500)
    await app.line('/party')
    expect(app.clock.now() - begin).toBe(1_000)
  })
})

describe('a cut', () => {
  test('is seen by both sides at once, and loses what was on its way', async () => {
    const app = await house()
    const line = await app.line('/plain')
    line.network.set({ delay: 10 })
    line.send('{"event":"echo","data":1}')
    line.network.cut()
    expect(line.closed).toEqual({ code: 1006, reason: '' })
    expect(app.sockets.size).toBe(0)
    await app.advance(100)
    await line.expectNothing()
  })

  test('that one side alone sees loses what was on its way, too', async () => {
    const app = await house()
    const [one, other] = [await app.line('/plain'), await app.line('/plain')]
    app.network.set({ delay: 10 })
    for (const socket of app.sockets) socket.emit('n', 1)
    for (const line of [one, other]) line.send('{"event":"echo","data":1}')
    await app.settle()
    one.network.cut({ seenBy: 'server' })
    other.network.cut({ seenBy: 'client' })
    await app.advance(100)
    expect([one.received, one.isOpen, other.received, other.isOpen]).toEqual([[], true, [], false])
    one.network.cut()
    expect(one.closed).toEqual({ code: 1006, reason: '' })
    other.network.cut()
    expect(app.sockets.size).toBe(0)
  })

  test('comes after so many messages of either side, if that is asked for', async () => {
    const app = await house()
    const line = await app.line('/plain')
    line.network.cut({ after: 3 })
    line.send('{"event":"echo","data":1}')
    await line.expectMessage()
    expect(line.isOpen).toBe(true)
    line.send('{"event":"echo","data":2}', '{"event":"echo","data":3}')
    await line.expectClosed(1006)
    await line.expectNothing()
  })

  test('that only the client sees leaves the server to find out', async () => {
    const app = await house({ limits: { heartbeat: 1_000 } })
    const line = await app.line('/plain', { subprotocols: ['partyline.json.v1'] })
    line.network.cut({ seenBy: 'client' })
    expect(line.closed?.code).toBe(1006)
    expect(app.sockets.size).toBe(1)
    await app.advance(4_000)
    expect(app.sockets.size).toBe(0)
    expect(app.stats().heartbeatsLost).toBe(1)
  })

  test('that only the server sees leaves the client to find out', async () => {
    const app = await house({ limits: { heartbeat: 1_000 } })
    const ann = await app.connect('/party')
    ann.network.cut({ seenBy: 'server' })
    expect([ann.state, app.stats().suspended]).toEqual(['open', 1])
    await app.advance(1_499)
    expect(ann.state).toBe('open')
    await app.advance(600)
    await ann.expectState('open', { recovered: true })
  })

  test('by chance comes in place of a message', async () => {
    const app = await house()
    const line = await app.line('/plain')
    line.network.set({ cut: 1 })
    line.send('{"event":"echo","data":1}')
    await line.expectClosed(1006)
    await line.expectNothing()
  })
})

describe('a half-open line', () => {
  test('carries nothing in either direction, and tells neither side', async () => {
    const app = await house()
    const line = await app.line('/plain', { subprotocols: ['partyline.json.v1'] })
    await line.expectMessage()
    line.network.halfOpen()
    line.send('{"event":"echo","data":1}')
    app.sockets.at(0)?.emit('echo', 2)
    await line.expectNothing()
    expect([line.isOpen, app.sockets.size]).toEqual([true, 1])
  })

  test('is noticed by the heartbeats of both', async () => {
    const app = await house({ limits: { heartbeat: 1_000 } })
    const ann = await app.connect('/party')
    ann.network.halfOpen()
    ann.emit('echo', 'after all')
    await app.advance(1_499)
    expect([ann.state, app.notes]).toEqual(['open', []])
    await app.advance(600)
    await ann.expectState('open', { recovered: true })
    await ann.expectEvent('echo', 'after all')

    const line = await app.line('/plain', { subprotocols: ['partyline.json.v1'] })
    line.network.halfOpen()
    await app.advance(4_000)
    expect([line.isOpen, app.sockets.size]).toEqual([true, 1])
    line.close()
    await line.expectClosed(1006)
  })

  test('by chance is so from a message on', async () => {
    const app = await house()
    const line = await app.line('/plain')
    line.network.set({ halfOpen: 1 })
    line.send('{"event":"echo","data":1}')
    await line.expectNothing()
    line.network.set({ halfOpen: 0 })
    line.send('{"event":"echo","data":2}')
    await line.expectNothing()
    expect(line.isOpen).toBe(true)
  })
})

describe('a stalled network', () => {
  test('loses nothing, and lets everything through when it goes on', async () => {
    const app = await house()
    const ann = await app.connect('/party')
    const heard = hearing(ann)
    app.network.stall()
    for (const n of numbers(3)) ann.emit('echo', n)
    const bob = app.client('/party')
    await app.advance(1_000)
    expect([heard, bob.state]).toEqual([[], 'connecting'])
    app.network.resume()
    await ann.expectEvent('echo', 0)
    expect(heard).toEqual(numbers(3))
    await bob.expectState('open')
  })
})

describe('a network that is down', () => {
  test('has no lines, until it is up again', async () => {
    const app = await house()
    const ann = await app.connect('/party')
    const bob = await app.connect('/party')
    ann.network.down()
    await app.advance(20_000)
    expect([ann.state, bob.state, app.sockets.size]).toEqual(['reconnecting', 'open', 2])
    ann.network.up()
    await app.advance(30_000)
    await ann.expectState('open', { recovered: true })
    app.network.down()
    expect([ann.state, bob.state]).toEqual(['reconnecting', 'reconnecting'])
    app.network.heal()
    await app.advance(30_000)
    expect([ann.state, bob.state]).toEqual(['open', 'open'])
  })
})

describe('what comes twice', () => {
  test('is handled twice where nothing has positions', async () => {
    const app = await house()
    const line = await app.line('/plain')
    line.network.set({ duplicate: 1 })
    for (const n of numbers(50)) line.send(`{"event":"echo","data":${n}}`)
    await app.settle()
    line.network.heal()
    line.send(...Array<string>(9).fill('{"event":"echo","data":"the end"}'))
    await app.settle()
    const came = line.take().map((text) => JSON.parse(text as string).data)
    for (const n of numbers(50)) expect(came.filter((one) => one === n).length).toBeGreaterThan(1)
    // Some of them after others that were sent later.
    expect(came.filter((n, i) => n < came[i - 1]).length).toBeGreaterThan(0)
  })

  test('is handled once where it has', async () => {
    const app = await house()
    const ann = await app.connect('/party')
    const heard = hearing(ann)
    ann.network.set({ duplicate: 1 })
    for (const n of numbers(50)) ann.emit('echo', n)
    await app.settle()
    expect([app.notes, heard]).toEqual([numbers(50), numbers(50)])
  })
})

describe('a slow reader', () => {
  test('takes its time, while the rest waits at the server', async () => {
    const app = await house()
    const line = await app.line('/raw')
    line.network.set({ reading: 100 })
    const [socket] = [...app.sockets]
    for (const n of numbers(3)) socket?.send(`${n}`)
    await app.settle()
    expect(socket?.bufferedAmount).toBe(3)
    await app.advance(200)
    expect([line.take(), socket?.bufferedAmount]).toEqual([['0', '1'], 1])
    line.network.set({ reading: 0 })
    await line.expectMessage('2')
    expect(socket?.bufferedAmount).toBe(0)
  })

  test('that does not read at all is closed as a slow consumer, and gets it when it is back', async () => {
    const app = await house({ limits: { buffer: 1_000 } })
    const ann = await app.connect('/party')
    ann.network.set({ reading: Number.POSITIVE_INFINITY })
    for (const _ of numbers(3)) ann.emit('echo', 'x'.repeat(500))
    await app.advance(6_000)
    expect(app.stats()).toMatchObject({ slowConsumers: 1 })
    expect(app.logged()).toMatchObject([{ level: 'warn' }])
    ann.network.heal()
    await app.advance(1_000)
    await ann.expectState('open', { recovered: true })
    for (const _ of numbers(3)) await ann.expectEvent('echo')
    await ann.expectNothing()
  })
})

describe('conditions', () => {
  test("of a client's own come before everybody's, and hold for later lines", async () => {
    const app = await house()
    app.network.set({ delay: 100, duplicate: 0.5 })
    const ann = await app.connect('/party', { backoff: { min: 0 } })
    ann.network.set({ delay: 7 })
    expect(ann.network.conditions).toEqual({ delay: 7, duplicate: 0.5, cut: 0, halfOpen: 0, reading: 0 })
    ann.network.cut()
    await app.advance(13)
    expect(ann.state).toBe('reconnecting')
    await app.advance(1)
    expect(ann.state).toBe('open')
    ann.network.heal()
    expect(ann.network.conditions).toEqual({ delay: 100, duplicate: 0.5, cut: 0, halfOpen: 0, reading: 0 })
    app.network.heal()
    expect(ann.network.conditions).toEqual({ delay: 0, duplicate: 0, cut: 0, halfOpen: 0, reading: 0 })
  })
})

describe('chance', () => {
  /** All that passes on a bad network, but for ids and tokens. */
  async function passed(options: TestAppOptions): Promise<string[]> {
    const lines: string[] = []
    const trace = (line: string) => lines.push(line.replace(/("sid"|"token"):"[^"]*"/g, '$1:…'))
    const app = await house({ ...options, trace, limits: { heartbeat: 2_000 } })
    app.network.set({ delay: [0, 400], duplicate: 0.1, cut: 0.02, halfOpen: 0.01 })
    const clients = numbers(3).map(() => app.client('/party'))
    for (const n of numbers(60)) {
      for (const client of clients) client.emit('echo', n)
      await app.advance(500)
    }
    return lines
  }

  test('is the same for a seed, and another for another', async () => {
    const [one, other, third] = await Promise.all([{ seed: 7 }, { seed: 7 }, { seed: 8 }].map(passed))
    expect(one?.length).toBeGreaterThan(300)
    for (const what of ['cut', 'half-open', '"recovered":true'])
      expect([what, one?.some((line) => line.includes(what))]).toEqual([what, true])
    expect(other).toEqual(one as string[])
    expect(third).not.toEqual(one as string[])
  })
})
