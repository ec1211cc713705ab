import { expect, test } from 'bun:test'
import {
  Gateway,
  Injectable,
  Module,
  On,
  OnClose,
  OnMessage,
  OnOpen,
  PartylineError,
  Socket,
} from 'partyline'
import { HandClock } from '../support/clock.ts'
import { Gate } from '../support/gate.ts'
import { until } from '../support/until.ts'
import type { Start } from './start.ts'

/** What went wrong once, and must not again. */
export function trouble(start: Start): void {
  // A client that an asynchronous @OnOpen had sent away was still served what it had sent meanwhile.
  test('a socket that the gateway closes is not served what it sent before', async () => {
    const gate = new Gate()
    const handled: string[] = []

    @Gateway('/members')
    class Members {
      @OnOpen() async opened(socket: Socket) {
        await gate.pass()
        socket.close(4401, 'nobody knows you')
      }
      @On() pay(socket: Socket) {
        handled.push(socket.id)
      }
    }

    const { connect, app } = await start(Members)
    const client = await connect('/members')
    client.send('{"event":"pay","id":1}', '{"event":"pay"}')
    gate.open()
    await until(() => client.isClosed && app.sockets.size === 0, 'the end')
    expect(handled).toEqual([])
  })

  // A getter that throws, in what a handler returned, left the socket deaf or ended the process.
  test('an object whose "then" cannot be read is answered as a failure, and the next events are handled', async () => {
    @Gateway('/odd')
    class Odd {
      @On() async slow() {
        await Promise.resolve()
      }
      @On() odd() {
        return {
          // biome-ignore lint/suspicious/noThenProperty: that is the trouble
          get then(): unknown {
            throw new Error('not this')
          },
        }
      }
      @On() even() {
        return 'ok'
      }
    }

    const { connect, log } = await start(Odd)
    const client = await connect('/odd')
    client.send(...['slow', 'odd', 'even'].map((event, id) => `{"event":"${event}","id":${id}}`))
    const internal = '"error":{"code":"INTERNAL","message":"the server failed to handle this"}'
    expect(await client.take(3)).toEqual(['{"ack":0}', `{"ack":1,${internal}}`, '{"ack":2,"data":"ok"}'])
    expect(log.take().map(({ message }) => message)).toEqual(['a handler failed'])
  })

  // While a connection's providers were built, refusals and pongs were lost, and what its gateway's constructor did too.
  test('a connection whose gateway is being built is answered, and what is built may use its socket', async () => {
    const gate = new Gate()

    @Gateway('/slow', { scope: 'connection' })
    class Slow {
      constructor(socket: Socket) {
        socket.join('all')
        socket.emit('welcome', 1)
      }
      @On() rooms(socket: Socket) {
        return [...socket.rooms]
      }
    }

    @Injectable({ scope: 'connection' })
    class Store {}

    @Gateway('/store', { scope: 'connection' })
    class Shop {
      constructor(readonly store: Store) {}
      @On() rooms() {
        return []
      }
    }

    @Module({
      gateways: [Slow, Shop],
      providers: [
        { provide: Store, scope: 'connection', useFactory: () => gate.pass().then(() => new Store()) },
      ],
    })
    class AppModule {}

    const { connect } = await start(AppModule, { limits: { waiting: 2 } })
    const quick = await connect('/slow')
    quick.send('{"event":"rooms","id":1}')
    expect(await quick.take(2)).toEqual(['{"event":"welcome","data":1}', '{"ack":1,"data":["all"]}'])

    const early = await connect('/store')
    early.send('nonsense', '{"ping":7}')
    expect(await early.take(2)).toEqual([
      '{"error":{"code":"MALFORMED_FRAME","message":"not JSON"}}',
      '{"pong":7}',
    ])
    early.send('{"event":"rooms","id":1}')
    gate.open()
    expect(await early.next()).toBe('{"ack":1,"data":[]}')
  })

  // The waiting line was bounded in events only: eight clients with large ones took a gigabyte.
  test('what waits is bounded by its size too', async () => {
    const gate = new Gate()
    const clock = new HandClock()

    @Gateway('/busy')
    class Busy {
      @On() work() {
        return gate.pass()
      }
    }

    const { connect, app } = await start(Busy, { clock, limits: { waitingSize: 2_500 } })
    const client = await connect('/busy')
    const frame = (id: number) => `{"event":"work","data":"${'x'.repeat(960)}","id":${id}}`
    client.send(...[1, 2, 3, 4].map(frame))
    await until(() => {
      clock.advance(25_000)
      return client.received.length === 1
    }, 'the refusal')
    const error = '{"code":"OVERLOADED","message":"too many events of this socket wait for their turn"}'
    expect(await client.next()).toBe(`{"ack":4,"error":${error}}`)
    expect(app.stats().overloaded).toBe(1)
    gate.open()
    expect(await client.take(3)).toEqual(['{"ack":1}', '{"ack":2}', '{"ack":3}'])
  })

  // A session whose @OnClose never ended was kept for ever, and stopping took its whole deadline.
  test('an @OnClose that does not end is left behind', async () => {
    const clock = new HandClock()
    const disposed: string[] = []

    @Injectable({ scope: 'connection' })
    class Lease {
      dispose() {
        disposed.push('lease')
      }
    }

    @Gateway('/stuck', { scope: 'connection' })
    class Stuck {
      constructor(readonly lease: Lease) {}
      @OnClose() closed() {
        return new Promise(() => {})
      }
    }

    const { connect, app, log } = await start(Stuck, { clock, limits: { farewell: 1_000 } })
    const client = await connect('/stuck')
    await until(() => app.sockets.size === 1, 'the arrival')
    client.close()
    await until(() => {
      clock.advance(1_000)
      return disposed.length === 1
    }, 'the end')
    expect(log.take().map(({ message }) => message)).toEqual(['@OnClose did not end'])
  })

  // Any client could fill the log: each message beyond the line of a raw gateway was logged as a handler's failure.
  test('what a raw gateway refuses is counted, not logged', async () => {
    const gate = new Gate()
    const clock = new HandClock()

    @Gateway('/raw', { protocol: 'raw' })
    class Raw {
      @OnMessage() message() {
        return gate.pass()
      }
    }

    const { connect, app } = await start(Raw, { clock, limits: { waiting: 1 } })
    const client = await connect('/raw')
    client.send('a', 'b', 'c', 'd')
    await until(() => {
      clock.advance(25_000)
      return app.stats().overloaded === 2
    }, 'the refusals')
    gate.open()
    expect(client.received).toEqual([])
  })

  test('a request under an id that waits for its answer is refused, not under that id', async () => {
    const gate = new Gate()

    @Gateway('/twice')
    class Twice {
      @On() work() {
        return gate.pass()
      }
    }

    const { connect, app } = await start(Twice)
    const client = await connect('/twice')
    client.send('{"event":"work","id":7}', '{"event":"work","id":7}')
    const message = '\\"id\\" 7 waits for its answer already'
    expect(await client.next()).toBe(
      `{"error":{"code":"MALFORMED_FRAME","message":"${message}","event":"work"}}`,
    )
    gate.open()
    expect(await client.next()).toBe('{"ack":7}')
    expect(app.stats().pendingRefused).toBe(1)
    client.send('{"event":"work","id":7}')
    expect(await client.next()).toBe('{"ack":7}')
  })

  test('a handler that takes too long is answered TIMEOUT, and what it returns later goes nowhere', async () => {
    const clock = new HandClock()
    const gate = new Gate()

    @Gateway('/slow')
    class Slow {
      @On() work() {
        return gate.pass()
      }
      @On() next() {
        return 'next'
      }
      @On() refuse() {
        throw new PartylineError('NO', 'no')
      }
    }

    const { connect, app } = await start(Slow, { clock, limits: { handler: 1_000 } })
    const client = await connect('/slow')
    client.send('{"event":"work","id":1}', '{"event":"next","id":2}')
    await until(() => gate.arrived === 1, 'the handler to begin')
    clock.advance(1_000)
    expect(await client.take(2)).toEqual([
      '{"ack":1,"error":{"code":"TIMEOUT","message":"the server took too long"}}',
      '{"ack":2,"data":"next"}',
    ])
    gate.open()
    client.send('{"event":"refuse","id":3}')
    expect(await client.next()).toBe('{"ack":3,"error":{"code":"NO","message":"no"}}')
    expect(app.stats().handlerTimeouts).toBe(1)
  })

  test('who sends too fast is answered RATE_LIMITED, and who goes on regardless is closed with 4429', async () => {
    const clock = new HandClock()

    @Gateway('/fast')
    class Fast {
      @On() tick() {
        return 'ok'
      }
    }

    const { connect, app } = await start(Fast, { clock, limits: { rate: 10, burst: 3 } })
    const client = await connect('/fast')
    const tick = (id: number) => `{"event":"tick","id":${id}}`
    client.send(...[1, 2, 3, 4].map(tick))
    const [, , , refused] = await client.take(4)
    expect(refused).toBe(
      '{"ack":4,"error":{"code":"RATE_LIMITED","message":"too many events","details":{"retryAfter":100}}}',
    )
    clock.advance(100)
    client.send(tick(5))
    expect(await client.next()).toBe('{"ack":5,"data":"ok"}')
    client.send(...[6, 7, 8, 9].map(tick))
    await until(() => app.stats().rateClosed === 1, 'the end of patience')
    // Closed at once it would be back at once, with a new budget: a flood would go on as if there were no limit.
    clock.advance(999)
    expect(client.isClosed).toBe(false)
    clock.advance(1)
    expect(await client.closed()).toEqual({ code: 4429, reason: 'too many events' })
    expect(app.stats()).toMatchObject({ rateLimited: 5, rateClosed: 1 })
  })
}
