import { afterEach, describe, expect, test } from 'bun:test'
import { Gateway, On, OnAny, PartylineError, type Socket, type SocketEvent } from 'partyline'
import { Gate } from '../support/gate.ts'
import { finish, start } from './in-memory.ts'

afterEach(finish)

const masked = '"error":{"code":"INTERNAL","message":"the server failed to handle this"}'

describe('@OnAny', () => {
  test('sees every event before its handler: its name, its arguments, and whether an ack is wanted', async () => {
    const seen: unknown[] = []

    @Gateway('/seen')
    class Seen {
      @OnAny() any(socket: Socket, { name, data, args, acknowledgeable, acknowledged }: SocketEvent) {
        seen.push([socket.path, name, data, args, acknowledgeable, acknowledged])
      }

      @On() known() {
        seen.push('handler')
      }
    }

    const { connect } = await start(Seen)
    const client = await connect('/seen')
    client.send(
      '{"event":"known","data":{"a":1},"id":1}',
      '{"event":"known"}',
      '{"event":"unknown","args":[1,"two"]}',
    )
    expect(seen).toEqual([
      ['/seen', 'known', { a: 1 }, [{ a: 1 }], true, false],
      'handler',
      ['/seen', 'known', undefined, [], false, false],
      'handler',
      ['/seen', 'unknown', 1, [1, 'two'], false, false],
    ])
    expect(client.received).toEqual(['{"ack":1}'])
  })

  test('makes every event known: none is answered UNKNOWN_EVENT', async () => {
    @Gateway('/all')
    class All {
      @OnAny() any() {}
    }

    const { connect } = await start(All)
    const client = await connect('/all')
    client.send('{"event":"anything","id":1}', '{"event":"constructor"}', '{"event":"something","id":2}')
    expect(client.received).toEqual(['{"ack":1}', '{"ack":2}'])
  })

  test('that fails keeps the event from its handler', async () => {
    const handled: unknown[] = []

    @Gateway('/strict')
    class Strict {
      @OnAny() any(_: Socket, event: SocketEvent) {
        if (event.data === 'rude') throw new PartylineError('RUDE', 'be polite')
        if (event.data === 'odd') throw new Error('on purpose')
      }

      @On() say(_: Socket, data: unknown) {
        handled.push(data)
      }
    }

    const { connect, logged } = await start(Strict)
    const client = await connect('/strict')
    client.send(
      '{"event":"say","data":"rude","id":1}',
      '{"event":"say","data":"rude"}',
      '{"event":"say","data":"odd","id":2}',
      '{"event":"say","data":"hi","id":3}',
    )
    expect(client.received).toEqual([
      '{"ack":1,"error":{"code":"RUDE","message":"be polite"}}',
      '{"error":{"code":"RUDE","message":"be polite","event":"say"}}',
      `{"ack":2,${masked}}`,
      '{"ack":3}',
    ])
    expect(handled).toEqual(['hi'])
    expect(logged()).toMatchObject([{ error: new Error('on purpose') }])
  })
})

describe('event.ack', () => {
  test('answers at once; acknowledged tells so; several arguments travel as an array', async () => {
    const states: boolean[] = []

    @Gateway('/acks')
    class Acks {
      @OnAny() any(_: Socket, event: SocketEvent) {
        states.push(event.acknowledged)
        event.ack(...event.args)
        states.push(event.acknowledged)
      }
    }

    const { connect } = await start(Acks)
    const client = await connect('/acks')
    client.send(
      '{"event":"none","id":1}',
      '{"event":"one","data":{"a":1},"id":2}',
      '{"event":"two","args":[1,2],"id":3}',
    )
    expect(client.received).toEqual(['{"ack":1}', '{"ack":2,"data":{"a":1}}', '{"ack":3,"data":[1,2]}'])
    expect(states).toEqual([false, true, false, true, false, true])
  })

  test('is an error the second time, and the first answer stands', async () => {
    const errors: string[] = []

    @Gateway('/twice')
    class Twice {
      @OnAny() any(_: Socket, event: SocketEvent) {
        event.ack('first')
        try {
          event.ack('second')
        } catch (error) {
          errors.push(String(error))
        }
      }
    }

    const { connect } = await start(Twice)
    const client = await connect('/twice')
    client.send('{"event":"join","id":1}')
    expect(client.received).toEqual(['{"ack":1,"data":"first"}'])
    expect(errors).toEqual(['Error: "join" was acknowledged already: an event is acknowledged once'])
  })

  test('is an error where no ack was asked for', async () => {
    const errors: string[] = []

    @Gateway('/unasked')
    class Unasked {
      @OnAny() any(_: Socket, event: SocketEvent) {
        try {
          event.ack('unasked')
        } catch (error) {
          errors.push(String(error))
        }
        return event.acknowledged
      }
    }

    const { connect } = await start(Unasked)
    const client = await connect('/unasked')
    client.send('{"event":"join"}')
    expect(client.received).toEqual([])
    expect(errors).toEqual(['Error: "join" asked for no ack: look at event.acknowledgeable first'])
  })

  // It said "acknowledged already" where nobody had acknowledged anything.
  test('is an error that says what to do once the handler has returned', async () => {
    const events: SocketEvent[] = []

    @Gateway('/late')
    class Late {
      @OnAny() any(_: Socket, event: SocketEvent) {
        events.push(event)
      }

      @On() join() {
        return 'joined'
      }
    }

    const { connect } = await start(Late)
    const client = await connect('/late')
    client.send('{"event":"join","id":1}')
    expect(events[0]?.acknowledged).toBe(true)
    expect(() => events[0]?.ack('late')).toThrow(
      '"join" was answered: the handler has returned; return a promise to answer later',
    )
    expect(client.received).toEqual(['{"ack":1,"data":"joined"}'])
  })

  test('with data that JSON cannot carry becomes a failure, and that is the one answer', async () => {
    @Gateway('/bytes')
    class Bytes {
      @OnAny() any(_: Socket, event: SocketEvent) {
        event.ack(new Uint8Array([1]))
        return 'returned'
      }
    }

    const { connect, logged } = await start(Bytes)
    const client = await connect('/bytes')
    client.send('{"event":"join","id":1}')
    expect(client.received).toEqual([`{"ack":1,${masked}}`])
    expect(logged()).toMatchObject([{ error: expect.any(TypeError) }])
  })
})

/** What @OnAny or a handler may do with an event: nothing, return, acknowledge, fail, or acknowledge and fail. */
const behaviours = {
  nothing: () => undefined,
  return: (who: string) => `returned by ${who}`,
  ack: (who: string, event: SocketEvent) => event.ack(`acknowledged by ${who}`),
  throw: (who: string) => {
    throw new PartylineError('NO', `thrown by ${who}`)
  },
  'ack and throw': (who: string, event: SocketEvent) => {
    event.ack(`acknowledged by ${who}`)
    throw new Error(`thrown by ${who}`)
  },
}
type Behaviour = keyof typeof behaviours

/** The one answer to a request, by what @OnAny does, and what the handler does, if there is one. */
function answerTo(any: Behaviour, handler: Behaviour | 'absent'): string {
  const ack = (data?: string) => (data === undefined ? '{"ack":7}' : `{"ack":7,"data":"${data}"}`)
  const failure = (who: string) => `{"ack":7,"error":{"code":"NO","message":"thrown by ${who}"}}`
  if (any === 'ack' || any === 'ack and throw') return ack('acknowledged by @OnAny')
  if (any === 'throw') return failure('@OnAny')
  if (handler === 'absent') return ack(any === 'return' ? 'returned by @OnAny' : undefined)
  if (handler === 'ack' || handler === 'ack and throw') return ack('acknowledged by the handler')
  if (handler === 'throw') return failure('the handler')
  return ack(handler === 'return' ? 'returned by the handler' : undefined)
}

/** Whether something fails when there is an answer already: then only the log can tell. */
function failsAfterAck(any: Behaviour, handler: Behaviour | 'absent'): boolean {
  if (any === 'ack') return ['ack', 'throw', 'ack and throw'].includes(handler)
  return any === 'ack and throw' || (any !== 'throw' && handler === 'ack and throw')
}

const names = Object.keys(behaviours) as Behaviour[]

describe.each([
  ['at once', 'at once'],
  ['later', 'at once'],
  ['at once', 'later'],
  ['later', 'later'],
] as const)('a request has exactly one answer: @OnAny %s, the handler %s', (anyPace, handlerPace) => {
  const cases = names.flatMap((any) =>
    [...names, 'absent' as const].map((handler) => [any, handler] as const),
  )

  test.each(cases)('@OnAny does %p, the handler %p', async (any, handler) => {
    let event: SocketEvent
    const act = (who: string, what: Behaviour, pace: string) =>
      pace === 'later'
        ? Promise.resolve().then(() => behaviours[what](who, event))
        : behaviours[what](who, event)

    @Gateway('/one')
    class One {
      @OnAny() any(_: Socket, seen: SocketEvent) {
        event = seen
        return act('@OnAny', any, anyPace)
      }

      @On() handled() {
        return act('the handler', handler as Behaviour, handlerPace)
      }
    }

    const { app, connect, logged } = await start(One)
    const client = await connect('/one')
    client.send(`{"event":"${handler === 'absent' ? 'other' : 'handled'}","id":7}`)
    await app.stop()
    expect(client.received).toEqual([answerTo(any, handler)])
    expect(logged().map(({ message }) => message)).toEqual(
      failsAfterAck(any, handler) ? ['a handler failed after its request was acknowledged'] : [],
    )
  })
})

test('an event without a request has no answer but what it fails with', async () => {
  const gate = new Gate()

  @Gateway('/quiet')
  class Quiet {
    @OnAny() async any() {
      await gate.pass()
      return 'returned by @OnAny'
    }

    @On() handled() {
      return 'returned by the handler'
    }

    @On() fails() {
      throw new PartylineError('NO', 'thrown by the handler')
    }
  }

  const { app, connect } = await start(Quiet)
  const client = await connect('/quiet')
  client.send('{"event":"handled"}', '{"event":"other"}', '{"event":"fails"}')
  gate.open()
  await app.stop()
  expect(client.received).toEqual([
    '{"error":{"code":"NO","message":"thrown by the handler","event":"fails"}}',
  ])
})
