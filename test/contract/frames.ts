import { expect, test } from 'bun:test'
import { Gateway, On, type Socket } from 'partyline'
import { Gate } from '../support/gate.ts'
import type { Start } from './start.ts'

@Gateway('/frames')
class Frames {
  readonly #prefix = 'seen '

  @On() one(socket: Socket, data: unknown) {
    socket.emit('one', data)
  }

  @On() several(socket: Socket, ...args: unknown[]) {
    socket.emit('several', ...args.toReversed())
  }

  @On() none(socket: Socket, ...args: unknown[]) {
    socket.emit('none', args.length)
    socket.emit('silence')
  }

  @On('with a name') named(socket: Socket, data: string) {
    socket.emit('named', this.#prefix + data)
  }

  @On() said(socket: Socket, text: string) {
    socket.send(text)
  }

  helper(socket: Socket) {
    socket.emit('reached what nobody may reach')
  }
}

export function frames(start: Start): void {
  test('an event reaches the method of its name, and what the method emits comes back', async () => {
    const { connect } = await start(Frames)
    const client = await connect('/frames')
    client.send('{"event":"one","data":{"a":[1,"é☃𝄞",null,true]}}')
    expect(await client.next()).toBe('{"event":"one","data":{"a":[1,"é☃𝄞",null,true]}}')
  })

  test('several arguments travel both ways, and so does none at all', async () => {
    const { connect } = await start(Frames)
    const client = await connect('/frames')
    expect(await client.ask('{"event":"several","args":[1,{"b":2},"!"]}')).toBe(
      '{"event":"several","args":["!",{"b":2},1]}',
    )
    client.send('{"event":"none"}', '{"event":"none","args":[]}')
    expect(await client.take(4)).toEqual([
      '{"event":"none","data":0}',
      '{"event":"silence","args":[]}',
      '{"event":"none","data":0}',
      '{"event":"silence","args":[]}',
    ])
  })

  test('an event name can be given, and `this` is the gateway', async () => {
    const { connect } = await start(Frames)
    const client = await connect('/frames')
    expect(await client.ask('{"event":"with a name","data":"you"}')).toBe(
      '{"event":"named","data":"seen you"}',
    )
  })

  test('`socket.send` sends the event "message"', async () => {
    const { connect } = await start(Frames)
    const client = await connect('/frames')
    expect(await client.ask('{"event":"said","data":"hi"}')).toBe('{"event":"message","data":"hi"}')
  })

  test('a ping is answered with a pong of the same number', async () => {
    const { connect } = await start(Frames)
    const client = await connect('/frames')
    expect(await client.ask('{"ping":7}')).toBe('{"pong":7}')
  })

  test('a pong, and what a plain client is not sent, make no frame', async () => {
    const { connect } = await start(Frames)
    const client = await connect('/frames')
    client.send('{"pong":3}')
    expect(await client.flushed()).toEqual([])
  })

  test('only decorated methods can be reached, and no property of any prototype', async () => {
    const { connect } = await start(Frames)
    const client = await connect('/frames')
    for (const name of ['helper', 'constructor', '__proto__', 'toString', 'named', 'open', 'close']) {
      expect(await client.ask(`{"event":"${name}","data":1}`)).toBe(
        `{"error":{"code":"UNKNOWN_EVENT","message":"no handler for \\"${name}\\" at /frames","event":"${name}"}}`,
      )
    }
  })

  test('what is no frame is answered with an error, and the connection lives on', async () => {
    const { connect } = await start(Frames)
    const client = await connect('/frames')
    expect(await client.ask('not JSON')).toBe('{"error":{"code":"MALFORMED_FRAME","message":"not JSON"}}')
    expect(await client.ask(new Uint8Array([0x7b, 0x7d]))).toBe(
      '{"error":{"code":"MALFORMED_FRAME","message":"JSON frames are text messages; this one is binary"}}',
    )
    expect(await client.ask('{"event":"one","data":1}')).toBe('{"event":"one","data":1}')
  })

  test('a large message arrives whole, in both directions', async () => {
    const { connect } = await start(Frames, { limits: { payload: 1024 * 1024 } })
    const client = await connect('/frames')
    const frame = `{"event":"one","data":"${'0123456789'.repeat(90_000)}"}`
    expect((await client.ask(frame)) === frame).toBe(true)
  })

  // Both answers would have been taken for the one that is waited for.
  test('what is no frame is answered under its id, unless a request of that id waits for its answer', async () => {
    const gate = new Gate()

    @Gateway('/gated')
    class Gated {
      @On() work() {
        return gate.pass()
      }
    }

    const { connect } = await start(Gated)
    const client = await connect('/gated')
    const error = '"error":{"code":"MALFORMED_FRAME","message":"no \\"event\\""}'
    client.send('{"event":"work","id":7}', '{"id":7}', '{"id":8}')
    expect(await client.take(2)).toEqual([`{${error}}`, `{"ack":8,${error}}`])
    gate.open()
    expect(await client.next()).toBe('{"ack":7}')
  })
}
