import { expect, test } from 'bun:test'
import { Gateway, GatewayContext, OnFirstMessage, OnMessage, OnOpen, type Socket } from 'partyline'
import { Gate } from '../support/gate.ts'
import { nextTurn, until } from '../support/until.ts'
import type { Message } from './client.ts'
import type { Start } from './start.ts'

@Gateway('/echo', { protocol: 'raw' })
class Echo {
  @OnMessage() message(socket: Socket, message: Message) {
    socket.send(message)
    return 'no ack, as there are no frames'
  }
}

@Gateway('/first', { protocol: 'raw' })
class First {
  @OnFirstMessage() first(socket: Socket, message: string) {
    socket.send(`first ${message}`)
    if (message === 'true' || message === 'false') return message === 'true'
  }

  @OnMessage() message(socket: Socket, message: string) {
    socket.send(`then ${message}`)
  }
}

export function raw(start: Start): void {
  test('text arrives as text, as it came', async () => {
    const { connect } = await start(Echo)
    const client = await connect('/echo')
    for (const text of ['hello', '{"event":"x"}', '{"ping":1}', 'é☃𝄞', '']) {
      expect(await client.ask(text)).toBe(text)
    }
  })

  test('bytes arrive as bytes, exactly', async () => {
    const { connect } = await start(Echo)
    const client = await connect('/echo')
    for (const bytes of [
      Uint8Array.from({ length: 256 }, (_, i) => i),
      new Uint8Array(0),
      new Uint8Array([0xff]),
    ]) {
      expect(await client.ask(bytes)).toEqual(bytes)
    }
  })

  test('bytes are a plain Uint8Array, which the handler may keep', async () => {
    const kept: Uint8Array[] = []

    @Gateway('/keep', { protocol: 'raw' })
    class Keep {
      @OnMessage() message(socket: Socket, message: Uint8Array) {
        kept.push(message)
        socket.send(String(kept.length))
      }
    }

    const { connect } = await start(Keep)
    const client = await connect('/keep')
    const sent = Array.from({ length: 50 }, (_, i) => new Uint8Array(1_000).fill(i))
    client.send(...sent)
    await client.take(sent.length)
    expect(kept.every((one) => Object.getPrototypeOf(one) === Uint8Array.prototype)).toBe(true)
    expect(kept).toEqual(sent)
  })

  test('without @OnMessage messages are read and nothing comes of them', async () => {
    @Gateway('/mute', { protocol: 'raw' })
    class Mute {
      @OnOpen() opened(socket: Socket) {
        socket.send('welcome')
      }
    }

    const { app, connect } = await start(Mute)
    const client = await connect('/mute')
    expect(await client.next()).toBe('welcome')
    client.send('hello?', new Uint8Array([1]))
    client.close()
    await client.closed()
    await app.stop()
    expect(client.received).toEqual(['welcome'])
  })

  test('the first message goes to @OnFirstMessage, and on to @OnMessage if that returns nothing', async () => {
    const { connect } = await start(First)
    const client = await connect('/first')
    client.send('a', 'b')
    expect(await client.take(3)).toEqual(['first a', 'then a', 'then b'])
  })

  test.each(['true', 'false'])(
    'the first message ends its way where @OnFirstMessage returns %s',
    async (verdict) => {
      const { connect } = await start(First)
      const client = await connect('/first')
      client.send(verdict, 'b', 'true')
      expect(await client.take(3)).toEqual([`first ${verdict}`, 'then b', 'then true'])
    },
  )

  test('each socket has a first message of its own', async () => {
    const { connect } = await start(First)
    const [one, two] = [await connect('/first'), await connect('/first')]
    expect(await one.ask('true')).toBe('first true')
    expect(await two.ask('false')).toBe('first false')
    expect(await one.ask('x')).toBe('then x')
  })

  test('messages wait for an asynchronous @OnFirstMessage', async () => {
    const gate = new Gate()

    @Gateway('/first', { protocol: 'raw' })
    class Slow {
      @OnFirstMessage() async first(socket: Socket, message: string) {
        await gate.pass()
        socket.send(`first ${message}`)
      }

      @OnMessage() message(socket: Socket, message: string) {
        socket.send(`then ${message}`)
      }
    }

    const { connect } = await start(Slow)
    const client = await connect('/first')
    client.send('a', 'b', 'c')
    gate.open()
    expect(await client.take(4)).toEqual(['first a', 'then a', 'then b', 'then c'])
  })

  test('a message to all reaches everybody as it is', async () => {
    @Gateway('/all', { protocol: 'raw' })
    class All {
      constructor(private readonly all: GatewayContext) {}

      @OnMessage() message(socket: Socket, message: Message) {
        this.all.send(message)
        socket.broadcast.send('from another')
      }
    }

    const { app, connect } = await start(All)
    const [one, two] = [await connect('/all'), await connect('/all')]
    await until(() => app.sockets.size === 2, 'both')
    for (const message of ['text', new Uint8Array([1, 2])]) {
      expect(await one.ask(message)).toEqual(message)
      expect(await two.take(2)).toEqual([message, 'from another'])
    }
    expect(one.received).toHaveLength(2)
  })

  test('what is neither text nor bytes, and any event, is refused where it is sent', async () => {
    const refused: unknown[] = []

    @Gateway('/strict', { protocol: 'raw' })
    class Strict {
      constructor(private readonly context: GatewayContext) {}

      @OnMessage() message(socket: Socket) {
        for (const send of [
          () => socket.send({ a: 1 }),
          () => socket.emit('event', 'text'),
          () => socket.emit('message', 'one', 'two'),
          () => this.context.emit('event', 'text'),
        ]) {
          try {
            send()
          } catch (error) {
            refused.push(error)
          }
        }
        socket.send(new Uint8Array([7]).buffer)
      }
    }

    const { connect } = await start(Strict)
    const client = await connect('/strict')
    expect(await client.ask('go')).toEqual(new Uint8Array([7]))
    expect(refused).toEqual(Array.from({ length: 4 }, () => expect.any(TypeError)))
  })

  test('a handler that fails sends nothing, is logged, and the next message is handled', async () => {
    @Gateway('/fails', { protocol: 'raw' })
    class Fails {
      @OnMessage() async message(socket: Socket, message: string) {
        if (message === 'fail') throw new Error('on purpose')
        socket.send(message)
      }
    }

    const { connect, logged } = await start(Fails)
    const client = await connect('/fails')
    client.send('fail', 'go on')
    expect(await client.next()).toBe('go on')
    expect(logged()).toMatchObject([{ gateway: 'Fails', error: new Error('on purpose') }])
  })

  // Outside of a read what is sent waits for the end of the turn, and three sends of one buffer sent its last content thrice.
  test.each(['at once', 'later'])(
    'a buffer that is filled anew after it was sent is sent as it was (%s)',
    async (when) => {
      @Gateway('/reuse', { protocol: 'raw' })
      class Reuse {
        constructor(readonly context: GatewayContext) {}

        @OnMessage() async message(socket: Socket) {
          if (when === 'later') await nextTurn()
          const bytes = new Uint8Array(2)
          const buffer = new ArrayBuffer(1)
          for (let i = 1; i <= 3; i++) {
            bytes[0] = i
            new Uint8Array(buffer)[0] = 10 * i
            socket.send(bytes.subarray(0, 1))
            socket.send(buffer)
          }
          this.context.send(bytes)
          bytes.fill(99)
        }
      }

      const { connect } = await start(Reuse)
      const client = await connect('/reuse')
      client.send('go')
      expect(await client.take(7)).toEqual(
        [[1], [10], [2], [20], [3], [30], [3, 0]].map((bytes) => Uint8Array.from(bytes)),
      )
    },
  )
}
