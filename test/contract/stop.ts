import { expect, test } from 'bun:test'
import { Gateway, Injectable, On, OnClose, type Socket } from 'partyline'
import { HandClock } from '../support/clock.ts'
import { Gate } from '../support/gate.ts'
import { nextTurn, until } from '../support/until.ts'
import type { Start } from './start.ts'

/** A gateway whose handlers, @OnClose and provider each wait for a gate, and note what they did. */
function slowGateway() {
  const notes: string[] = []
  const [handling, closing, disposing] = [new Gate(), new Gate(), new Gate()]

  @Injectable()
  class Database {
    async dispose() {
      await disposing.pass()
      notes.push('disposed')
    }
  }

  @Gateway('/slow')
  class Slow {
    constructor(readonly database: Database) {}

    @On() async work(_: Socket, name: string) {
      await handling.pass()
      notes.push(`handled ${name}`)
      return name
    }

    @OnClose() async closed() {
      await closing.pass()
      notes.push('closed')
    }
  }

  return { Slow, notes, handling, closing, disposing }
}

export function stop(start: Start): void {
  test('handlers and their acks finish, then sockets close with 1001, @OnClose is awaited, providers are disposed', async () => {
    const { Slow, notes, handling, closing, disposing } = slowGateway()
    const { app, connect } = await start(Slow)
    const [busy, idle] = [await connect('/slow'), await connect('/slow')]
    busy.send('{"event":"work","data":"first","id":1}', '{"event":"work","data":"second","id":2}')
    await until(() => handling.arrived === 1 && app.sockets.size === 2, 'the first handler')
    expect(await busy.flushed()).toEqual([])

    let stopped = false
    const stopping = app.stop().then(() => {
      stopped = true
    })
    expect((await idle.closed()).code).toBe(1_001)
    expect(busy.isClosed).toBe(false)
    handling.open()
    expect(await busy.take(2)).toEqual(['{"ack":1,"data":"first"}', '{"ack":2,"data":"second"}'])
    expect(await busy.closed()).toEqual({ code: 1_001, reason: 'the server is going away' })
    await until(() => closing.arrived === 2, '@OnClose of both')
    expect(disposing.arrived).toBe(0)
    closing.open()
    await until(() => disposing.arrived === 1, 'the provider')
    expect(stopped).toBe(false)
    disposing.open()
    await stopping
    expect(notes).toEqual(['handled first', 'handled second', 'closed', 'closed', 'disposed'])
  })

  test('what is asked of it while it goes away is answered OVERLOADED', async () => {
    const { Slow, handling, closing, disposing, notes } = slowGateway()
    for (const gate of [closing, disposing]) gate.open()
    const { app, connect } = await start(Slow)
    const client = await connect('/slow')
    client.send('{"event":"work","data":"early","id":1}')
    await until(() => handling.arrived === 1, 'the handler')
    const stopping = app.stop()
    await nextTurn()
    expect(await client.ask('{"event":"work","data":"late","id":2}')).toBe(
      '{"ack":2,"error":{"code":"OVERLOADED","message":"the server is going away"}}',
    )
    handling.open()
    expect(await client.next()).toBe('{"ack":1,"data":"early"}')
    await stopping
    expect(notes).toEqual(['handled early', 'closed', 'disposed'])
  })

  // What hung took all of the deadline, and disposing of the providers was begun, and not awaited.
  test('what is not done by its share of the deadline is cut off and logged, and providers are disposed all the same', async () => {
    const { Slow, handling, closing, disposing, notes } = slowGateway()
    const clock = new HandClock()
    const { app, connect, logged } = await start(Slow, { clock })
    const client = await connect('/slow')
    client.send('{"event":"work","data":"never","id":1}')
    await until(() => handling.arrived === 1, 'the handler')
    let stopped = false
    const stopping = app.stop({ deadline: 300 }).then(() => {
      stopped = true
    })
    clock.advance(209)
    expect(await client.flushed()).toEqual([])
    clock.advance(1)
    expect((await client.closed()).code).toBe(1_001)
    await nextTurn()
    expect(disposing.arrived).toBe(0)
    clock.advance(30)
    await until(() => disposing.arrived === 1, 'the provider')
    clock.advance(59)
    await nextTurn()
    expect(stopped).toBe(false)
    disposing.open()
    await stopping
    expect(notes).toEqual(['disposed'])
    expect(logged()).toEqual([
      {
        level: 'warn',
        message: 'stopping took too long: what is left is cut off',
        sockets: 1,
        milliseconds: 300,
      },
    ])
    for (const gate of [handling, closing]) gate.open()
  })

  // With the defaults @OnClose waited 5 seconds more for a handler that had hung for 7 of 10, and ran when the providers that
  // it needs were gone, or not at all.
  test.each(['stays', 'has left'])(
    '@OnClose comes before disposing also behind a handler that hangs, where the client %s',
    async (client) => {
      const { Slow, handling, closing, disposing, notes } = slowGateway()
      disposing.open()
      const clock = new HandClock()
      const { app, connect, logged } = await start(Slow, { clock })
      const line = await connect('/slow')
      line.send('{"event":"work","data":"hangs","id":1}', '{"event":"work","data":"waits","id":2}')
      await until(() => handling.arrived === 1, 'the handler')
      const stopping = app.stop()
      clock.advance(3_000)
      if (client === 'has left') line.close()
      await until(
        () => app.sockets.size === (client === 'has left' ? 0 : 1),
        'the client to be gone or there',
      )
      clock.advance(3_999)
      await nextTurn()
      expect(closing.arrived).toBe(0)
      clock.advance(1)
      await until(() => closing.arrived === 1, '@OnClose')
      expect(notes).toEqual([])
      // It has a time of its own, and is waited for.
      clock.advance(999)
      await nextTurn()
      closing.open()
      await stopping
      handling.open()
      await nextTurn()
      expect(notes).toEqual(['closed', 'disposed', 'handled hangs'])
      expect(logged()).toMatchObject([{ level: 'warn', sockets: 1, milliseconds: 10_000 }])
    },
  )

  test('a provider that hangs while it is disposed of is left behind at the deadline', async () => {
    const { Slow, disposing } = slowGateway()
    const clock = new HandClock()
    const { app, logged } = await start(Slow, { clock })
    const stopping = app.stop({ deadline: 300 })
    await until(() => disposing.arrived === 1, 'the provider')
    clock.advance(300)
    await stopping
    expect(logged()).toMatchObject([{ level: 'warn', milliseconds: 300 }])
    disposing.open()
  })

  // Stopping cut the answers that were on their way: HTTP requests were nobody's to wait for.
  test('pages that are being made are answered, with what they need still there', async () => {
    const { Slow, disposing, notes } = slowGateway()
    disposing.open()
    const making = new Gate()
    const { app, fetch } = await start(Slow, {
      fetch: async () => {
        await making.pass()
        return new Response(`made after ${notes.length} notes`)
      },
    })
    const page = fetch('/page')
    await until(() => making.arrived === 1, 'the page')
    const stopping = app.stop()
    await nextTurn()
    expect(disposing.arrived).toBe(0)
    making.open()
    expect(await (await page).text()).toBe('made after 0 notes')
    await stopping
    expect(notes).toEqual(['disposed'])
  })

  test('a page that is never made holds it up to its share of the deadline only', async () => {
    const { Slow, disposing, notes } = slowGateway()
    disposing.open()
    const [making, clock] = [new Gate(), new HandClock()]
    const { app, fetch, logged } = await start(Slow, {
      clock,
      fetch: async () => {
        await making.pass()
        return new Response('too late')
      },
    })
    // Whether it is cut or answered late is the runtime's affair.
    const page = fetch('/page').catch(() => {})
    await until(() => making.arrived === 1, 'the page')
    const stopping = app.stop({ deadline: 300 })
    await nextTurn()
    clock.advance(239)
    await nextTurn()
    expect(notes).toEqual([])
    clock.advance(1)
    // The runtime gives what is on its way another moment.
    await until(() => notes.length === 1, 'the provider')
    await nextTurn()
    clock.advance(60)
    await stopping
    expect(logged()).toMatchObject([{ level: 'warn', milliseconds: 300 }])
    making.open()
    await page
  })

  test('a provider that fails to be disposed of is logged, and the app stops', async () => {
    @Injectable()
    class Broken {
      dispose() {
        throw new Error('on purpose')
      }
    }

    @Gateway('/x')
    class X {
      constructor(readonly broken: Broken) {}
    }

    const { app, logged } = await start(X)
    await app.stop()
    expect(logged()).toMatchObject([{ message: 'providers failed to dispose' }])
  })

  test('stopping twice is stopping once, and nobody is let in afterwards', async () => {
    const { Slow, closing, disposing } = slowGateway()
    for (const gate of [closing, disposing]) gate.open()
    const { app, connect } = await start(Slow)
    const client = await connect('/slow')
    expect(app.stop()).toBe(app.stop())
    await app.stop()
    expect((await client.closed()).code).toBe(1_001)
    expect(disposing.arrived).toBe(1)
    await expect(connect('/slow')).rejects.toThrow()
  })
}
