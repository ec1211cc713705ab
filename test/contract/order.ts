import { expect, test } from 'bun:test'
import { Gateway, On, type Socket } from 'partyline'
import { HandClock } from '../support/clock.ts'
import { Gate } from '../support/gate.ts'
import { until } from '../support/until.ts'
import type { Start } from './start.ts'

/** The number of the request that a frame answers. */
function answered(frame: unknown): number {
  return (JSON.parse(frame as string) as { ack: number }).ack
}

export function order(start: Start): void {
  test('events of one socket are handled in order, and another socket is not held back', async () => {
    const gate = new Gate()
    const begun: unknown[] = []

    @Gateway('/line')
    class InLine {
      @On() async slow(_: Socket, data: unknown) {
        begun.push(data)
        await gate.pass()
      }

      @On() quick(_: Socket, data: unknown) {
        begun.push(data)
      }
    }

    const { connect } = await start(InLine)
    const [first, second] = [await connect('/line'), await connect('/line')]
    first.send(
      '{"event":"slow","data":"a1","id":1}',
      '{"event":"quick","data":"a2","id":2}',
      '{"event":"slow","data":"a3","id":3}',
      '{"event":"quick","data":"a4","id":4}',
    )
    await until(() => gate.arrived === 1, 'the first handler to begin')
    expect(await second.ask('{"event":"quick","data":"b1","id":1}')).toBe('{"ack":1}')
    expect(await first.flushed()).toEqual([])
    expect(begun).toEqual(['a1', 'b1'])
    gate.open()
    expect(await first.take(4)).toEqual(['{"ack":1}', '{"ack":2}', '{"ack":3}', '{"ack":4}'])
    expect(begun).toEqual(['a1', 'b1', 'a2', 'a3', 'a4'])
  })

  test('a failing handler lets the next event go on', async () => {
    @Gateway('/failing')
    class Failing {
      @On() async fail() {
        await Promise.resolve()
        throw new Error('on purpose')
      }

      @On() next() {}
    }

    const { connect, logged } = await start(Failing)
    const client = await connect('/failing')
    client.send('{"event":"fail"}', '{"event":"next","id":1}')
    expect(await client.next()).toStartWith('{"error":{"code":"INTERNAL"')
    expect(await client.next()).toBe('{"ack":1}')
    expect(logged()).toHaveLength(1)
  })

  test('`concurrency` lets as many events of one socket be handled at a time, and no more', async () => {
    const gates = [new Gate(), new Gate(), new Gate()]
    const begun: number[] = []

    @Gateway('/several', { concurrency: 2 })
    class Several {
      @On() async wait(_: Socket, index: number) {
        begun.push(index)
        await gates[index]?.pass()
        return index
      }
    }

    const { connect } = await start(Several)
    const client = await connect('/several')
    client.send(...[0, 1, 2].map((i) => `{"event":"wait","data":${i},"id":${i}}`))
    expect(await client.flushed()).toEqual([])
    expect(begun).toEqual([0, 1])
    gates[1]?.open()
    expect(await client.next()).toBe('{"ack":1,"data":1}')
    await until(() => begun.length === 3, 'the third handler to begin')
    gates[2]?.open()
    expect(await client.next()).toBe('{"ack":2,"data":2}')
    gates[0]?.open()
    expect(await client.next()).toBe('{"ack":0,"data":0}')
  })

  test('when the line is full, each further request is answered OVERLOADED, and every request once', async () => {
    const gate = new Gate()
    const clock = new HandClock()

    @Gateway('/busy')
    class Busy {
      @On() work() {
        return gate.pass()
      }
    }

    const { connect } = await start(Busy, { clock, limits: { waiting: 4 } })
    const client = await connect('/busy')
    const ids = Array.from({ length: 20 }, (_, i) => i)
    client.send(...ids.map((id) => `{"event":"work","id":${id}}`))
    // Where the server has stopped reading it reads on after a while, so that it notices when the client goes.
    await until(() => {
      clock.advance(25_000)
      return client.received.length === 15
    }, 'the refusals')
    const refused = await client.take(15)
    expect(refused).toEqual(
      ids
        .slice(5)
        .map(
          (id) =>
            `{"ack":${id},"error":{"code":"OVERLOADED","message":"too many events of this socket wait for their turn"}}`,
        ),
    )
    gate.open()
    expect((await client.take(5)).map(answered)).toEqual([0, 1, 2, 3, 4])
    expect(await client.flushed()).toEqual([])
  })

  test('events that no answer was asked for are refused too, by name', async () => {
    const gate = new Gate()
    const clock = new HandClock()

    @Gateway('/busy')
    class Busy {
      @On() work() {
        return gate.pass()
      }
    }

    const { connect } = await start(Busy, { clock, limits: { waiting: 1 } })
    const client = await connect('/busy')
    client.send(...Array.from({ length: 4 }, () => '{"event":"work"}'))
    await until(() => {
      clock.advance(25_000)
      return client.received.length === 2
    }, 'the refusals')
    expect(await client.next()).toBe(
      '{"error":{"code":"OVERLOADED","message":"too many events of this socket wait for their turn","event":"work"}}',
    )
    gate.open()
    await until(() => gate.arrived === 2, 'the event that waited')
  })

  test('a line that was long is worked off in order, with nothing lost', async () => {
    const handled: number[] = []

    @Gateway('/long')
    class Long {
      @On() async work(_: Socket, index: number) {
        await Promise.resolve()
        handled.push(index)
      }
    }

    const { connect } = await start(Long, { limits: { waiting: 2_000, pending: 2_000, burst: 2_000 } })
    const client = await connect('/long')
    const ids = Array.from({ length: 1_500 }, (_, i) => i)
    client.send(...ids.map((id) => `{"event":"work","data":${id},"id":${id}}`))
    expect((await client.take(1_500)).map(answered)).toEqual(ids)
    expect(handled).toEqual(ids)
  })
}
