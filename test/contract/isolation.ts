import { expect, test } from 'bun:test'
import { Gateway, GatewayContext, Injectable, On, type Socket } from 'partyline'
import { until } from '../support/until.ts'
import type { Start } from './start.ts'

@Injectable()
class Counter {
  count = 0
}

@Injectable()
class Hall {
  constructor(
    readonly context: GatewayContext,
    readonly counter: Counter,
  ) {}

  @On() join(socket: Socket, room: string) {
    socket.join(room)
    this.counter.count++
    return this.counter.count
  }

  @On() to(_: Socket, room: string) {
    this.context.to(room).emit('to', room)
  }

  @On() all() {
    this.context.emit('all')
  }
}

@Gateway('/red')
class Red extends Hall {}

@Gateway('/blue')
class Blue extends Hall {}

/** One of whose name the other is the beginning. */
@Gateway('/red/0')
class RedToo extends Hall {}

const roots = [Red, Blue, RedToo]

export function isolation(start: Start): void {
  test('rooms of the same name on two gateways are two rooms, and each gateway has its own everybody', async () => {
    const { connect } = await start(roots)
    const [red, blue, redToo] = [await connect('/red'), await connect('/blue'), await connect('/red/0')]
    for (const client of [red, blue, redToo]) await client.ask('{"event":"join","data":"x","id":1}')
    red.send('{"event":"to","data":"x"}', '{"event":"all"}')
    expect(await red.take(2)).toEqual(['{"event":"to","data":"x"}', '{"event":"all","args":[]}'])
    expect(await blue.flushed()).toEqual([])
    expect(await redToo.flushed()).toEqual([])
    redToo.send('{"event":"to","data":"x"}')
    expect(await redToo.next()).toBe('{"event":"to","data":"x"}')
    expect(await red.flushed()).toEqual([])
  })

  test('two apps of the same gateways in one process share nothing', async () => {
    const [one, two] = [await start(roots), await start(roots)]
    const [inOne, inTwo] = [await one.connect('/red'), await two.connect('/red')]
    expect(await inOne.ask('{"event":"join","data":"x","id":1}')).toBe('{"ack":1,"data":1}')
    expect(await inOne.ask('{"event":"join","data":"y","id":2}')).toBe('{"ack":2,"data":2}')
    expect(await inTwo.ask('{"event":"join","data":"x","id":1}')).toBe('{"ack":1,"data":1}')
    inOne.send('{"event":"to","data":"x"}', '{"event":"all"}')
    expect(await inOne.take(2)).toEqual(['{"event":"to","data":"x"}', '{"event":"all","args":[]}'])
    expect(await inTwo.flushed()).toEqual([])
    expect([one.app.sockets.size, two.app.sockets.size]).toEqual([1, 1])
    expect(one.app.get(Counter)).not.toBe(two.app.get(Counter))
    expect(one.app.get(Red)).not.toBe(two.app.get(Red))
  })

  test('when one of two apps stops, the other goes on', async () => {
    const [one, two] = [await start(roots), await start(roots)]
    const [inOne, inTwo] = [await one.connect('/red'), await two.connect('/red')]
    await until(() => one.app.sockets.size + two.app.sockets.size === 2, 'both')
    await one.app.stop()
    expect((await inOne.closed()).code).toBe(1_001)
    expect(await inTwo.ask('{"event":"join","data":"x","id":1}')).toBe('{"ack":1,"data":1}')
  })
}
