import { expect, test } from 'bun:test'
import { Gateway, On, PartylineError, type Socket } from 'partyline'
import { Gate } from '../support/gate.ts'
import type { Start } from './start.ts'

@Gateway('/acks')
class Acks {
  @On() same(_: Socket, data: unknown) {
    return data
  }

  @On() nothing() {}

  @On() async later(_: Socket, data: unknown) {
    await Promise.resolve()
    return data
  }

  @On() odd() {
    // As some libraries' promises do: it calls back twice, and then throws.
    return {
      // biome-ignore lint/suspicious/noThenProperty: what is tested
      then(resolve: (value: string) => void) {
        resolve('first')
        resolve('second')
        throw new Error('third')
      },
    }
  }

  @On() taken(_: Socket, seat: number) {
    throw new PartylineError('SEAT_TAKEN', `seat ${seat} is taken`, { seat })
  }

  @On() async takenLater() {
    await Promise.resolve()
    throw new PartylineError('SEAT_TAKEN', 'taken')
  }

  @On() fails() {
    throw new Error('the password is 1234')
  }

  @On() async failsLater() {
    await Promise.resolve()
    throw 'no error at all'
  }

  @On() bytes() {
    return new Uint8Array([1])
  }

  @On() details() {
    throw new PartylineError('ODD', 'look', { bytes: new Uint8Array([1]) })
  }
}

const masked = '"error":{"code":"INTERNAL","message":"the server failed to handle this"'

export function acks(start: Start): void {
  test('the returned value answers a request, whatever it is', async () => {
    const { connect } = await start(Acks)
    const client = await connect('/acks')
    for (const data of ['{"a":1}', '0', 'false', 'null', '""', '[]']) {
      expect(await client.ask(`{"event":"same","data":${data},"id":7}`)).toBe(`{"ack":7,"data":${data}}`)
    }
    expect(await client.ask('{"event":"nothing","id":0}')).toBe('{"ack":0}')
    expect(await client.ask('{"event":"nothing","id":9007199254740991}')).toBe('{"ack":9007199254740991}')
  })

  test('the value of a promise answers a request', async () => {
    const { connect } = await start(Acks)
    const client = await connect('/acks')
    expect(await client.ask('{"event":"later","data":[1],"id":1}')).toBe('{"ack":1,"data":[1]}')
  })

  test('what asks for no ack gets none', async () => {
    const { connect } = await start(Acks)
    const client = await connect('/acks')
    client.send('{"event":"same","data":1}', '{"event":"later","data":1}')
    expect(await client.ask('{"event":"same","data":2,"id":2}')).toBe('{"ack":2,"data":2}')
  })

  test('a promise of foreign make that calls back twice still answers once', async () => {
    const { connect } = await start(Acks)
    const client = await connect('/acks')
    expect(await client.ask('{"event":"odd","id":1}')).toBe('{"ack":1,"data":"first"}')
    expect(await client.ask('{"event":"nothing","id":2}')).toBe('{"ack":2}')
  })

  test('a PartylineError reaches the caller with code, message and details, and is not logged', async () => {
    const { connect, logged } = await start(Acks)
    const client = await connect('/acks')
    expect(await client.ask('{"event":"taken","data":7,"id":1}')).toBe(
      '{"ack":1,"error":{"code":"SEAT_TAKEN","message":"seat 7 is taken","details":{"seat":7}}}',
    )
    expect(await client.ask('{"event":"takenLater","id":2}')).toBe(
      '{"ack":2,"error":{"code":"SEAT_TAKEN","message":"taken"}}',
    )
    expect(logged()).toEqual([])
  })

  test('any other error is masked, and its cause is logged', async () => {
    const { connect, logged } = await start(Acks)
    const client = await connect('/acks')
    expect(await client.ask('{"event":"fails","id":1}')).toBe(`{"ack":1,${masked}}}`)
    expect(logged()).toEqual([
      {
        level: 'error',
        message: 'a handler failed',
        gateway: 'Acks',
        event: 'fails',
        socket: expect.any(String),
        error: new Error('the password is 1234'),
      },
    ])
    expect(await client.ask('{"event":"failsLater","id":2}')).toBe(`{"ack":2,${masked}}}`)
    expect(logged()).toMatchObject([{ event: 'failsLater', error: 'no error at all' }])
  })

  test('an error where no ack was asked for names the event', async () => {
    const { connect, logged } = await start(Acks)
    const client = await connect('/acks')
    expect(await client.ask('{"event":"taken","data":3}')).toBe(
      '{"error":{"code":"SEAT_TAKEN","message":"seat 3 is taken","details":{"seat":3},"event":"taken"}}',
    )
    expect(await client.ask('{"event":"failsLater"}')).toBe(`{${masked},"event":"failsLater"}}`)
    expect(logged()).toHaveLength(1)
  })

  test('an answer that JSON cannot carry becomes a failure, once', async () => {
    const { connect, logged } = await start(Acks)
    const client = await connect('/acks')
    expect(await client.ask('{"event":"bytes","id":1}')).toBe(`{"ack":1,${masked}}}`)
    expect(logged()).toMatchObject([{ event: 'bytes', error: expect.any(TypeError) }])
    expect(await client.flushed()).toEqual([])
  })

  test('details that JSON cannot carry are left out of the failure', async () => {
    const { connect, logged } = await start(Acks)
    const client = await connect('/acks')
    expect(await client.ask('{"event":"details","id":1}')).toBe(
      '{"ack":1,"error":{"code":"ODD","message":"look"}}',
    )
    expect(logged()).toMatchObject([{ message: 'the details of an error cannot be encoded' }])
  })

  test('a handler that never answers holds back its own socket only', async () => {
    const gate = new Gate()

    @Gateway('/never')
    class Never {
      @On() wait() {
        return gate.pass()
      }

      @On() quick() {
        return 'quick'
      }
    }

    const { connect } = await start(Never)
    const [stuck, free] = [await connect('/never'), await connect('/never')]
    stuck.send('{"event":"wait","id":1}', '{"event":"quick","id":2}')
    expect(await stuck.flushed()).toEqual([])
    expect(await free.ask('{"event":"quick","id":1}')).toBe('{"ack":1,"data":"quick"}')
    gate.open()
    expect(await stuck.take(2)).toEqual(['{"ack":1}', '{"ack":2,"data":"quick"}'])
  })
}
