import { expect, test } from 'bun:test'
import { Gateway, GatewayContext, Injectable, On, type Socket } from 'partyline'
import type { Start } from './start.ts'

@Injectable()
class Speaker {
  constructor(private readonly context: GatewayContext) {}

  @On() say(socket: Socket, data: unknown) {
    socket.emit('said', data)
    this.context.emit('heard', data)
    socket.emit('several', data, data)
    return data
  }
}

@Gateway('/typed', { eventKey: 'type' })
class Typed extends Speaker {}

@Gateway('/short', { messageShorthand: true })
class Short extends Speaker {}

@Gateway('/lenient', { unknownEvents: 'ignore' })
class Lenient extends Speaker {}

export function dialect(start: Start): void {
  test('`eventKey` names the event in both directions', async () => {
    const { connect } = await start(Typed)
    const client = await connect('/typed')
    client.send('{"type":"say","data":"hi","id":1}')
    expect(await client.take(4)).toEqual([
      '{"type":"said","data":"hi"}',
      '{"type":"heard","data":"hi"}',
      '{"type":"several","args":["hi","hi"]}',
      '{"ack":1,"data":"hi"}',
    ])
    expect(await client.ask('{"event":"say","data":"hi"}')).toBe(
      '{"error":{"code":"MALFORMED_FRAME","message":"no \\"type\\""}}',
    )
  })

  test('with `messageShorthand` a text travels as { message }, in every emit, and nothing else does', async () => {
    const { connect } = await start(Short)
    const client = await connect('/short')
    client.send('{"event":"say","data":"hi","id":1}')
    expect(await client.take(4)).toEqual([
      '{"event":"said","data":{"message":"hi"}}',
      '{"event":"heard","data":{"message":"hi"}}',
      '{"event":"several","args":["hi","hi"]}',
      '{"ack":1,"data":"hi"}',
    ])
    client.send('{"event":"say","data":5,"id":2}')
    expect(await client.take(2)).toEqual(['{"event":"said","data":5}', '{"event":"heard","data":5}'])
  })

  test('with `unknownEvents` "ignore" an unknown event comes to nothing, but a request is answered', async () => {
    const { connect } = await start(Lenient)
    const client = await connect('/lenient')
    client.send('{"event":"nonsense","data":1}', '{"event":"constructor"}')
    expect(await client.flushed()).toEqual([])
    expect(await client.ask('{"event":"nonsense","id":4}')).toBe(
      '{"ack":4,"error":{"code":"UNKNOWN_EVENT","message":"no handler for \\"nonsense\\" at /lenient"}}',
    )
  })
}
