import { afterEach, describe, expect, test } from 'bun:test'
import {
  event,
  Gateway,
  Module,
  On,
  OnAny,
  OnClose,
  OnSignal,
  PartylineError,
  type Socket,
  type SocketEvent,
  several,
} from 'partyline'
import { socketio } from 'partyline/socketio'
import { z } from 'zod'
import { finish, start } from '../core/in-memory.ts'
import { nextTurn } from '../support/until.ts'
import { SocketioClient } from './app-world.ts'

const move = event('move', { args: z.tuple([z.number(), z.string()]), reply: z.object({ ok: z.boolean() }) })
const confirm = event('confirm', { data: z.string(), reply: z.boolean() })

let ends: [number, string][] = []
let outcomes: unknown[] = []

@Gateway('/')
class Main {
  @On() echo(_: Socket, ...args: unknown[]): unknown {
    return several(...args)
  }

  @On() list(): unknown {
    return [1, 2]
  }

  @On() nothing(): void {}

  @On() fail(): void {
    throw new PartylineError('SEAT_TAKEN', 'seat 7 is taken', { free: [8] })
  }

  @On() crash(): void {
    throw new Error('the password is 1234')
  }

  @On() later(): Promise<unknown> {
    return nextTurn().then(() => several('late', new Uint8Array([1, 2])))
  }

  @On(move) move(_: Socket, seat: number, name: string): { ok: boolean } {
    return { ok: seat > 0 && name !== '' }
  }

  @On() message(socket: Socket, ...args: unknown[]): void {
    socket.send({ args })
    socket.emit('several', 1, 'two', new Uint8Array([3]))
  }

  @On() reserved(socket: Socket): void {
    socket.emit('disconnect')
  }

  @On() ask(socket: Socket, timeout: number): void {
    for (const asked of [socket.call('plain', 1, { timeout }), socket.call(confirm, 'sure?', { timeout })]) {
      asked.then(
        (answer) => outcomes.push(answer),
        ({ code, message }: PartylineError) => outcomes.push([code, message]),
      )
    }
  }

  @On() leave(socket: Socket, code: number): void {
    socket.close(code, 'go')
  }

  @OnClose() closed(_: Socket, { code, reason }: { code: number; reason: string }): void {
    ends.push([code, reason])
  }
}

let seen: unknown[] = []

@Gateway('/any')
class Any {
  @OnAny() any(_: Socket, one: SocketEvent): void {
    const { name, args, acknowledgeable } = one
    seen.push([name, args, acknowledgeable])
    if (name === 'both') one.ack('first', 2)
    if (name !== 'both' && name !== 'twice') return
    try {
      one.ack('again')
      one.ack('and again')
    } catch (error) {
      seen.push((error as Error).message)
    }
  }

  @On() both(): string {
    return 'not sent'
  }

  @On() twice(): void {}
}

class Listener {
  @OnSignal('event') event(_: Socket, { name, args }: SocketEvent): void {
    seen.push(['event', name, args])
  }

  @OnSignal('event', 'both') both(_: Socket, { acknowledged }: SocketEvent): void {
    seen.push(['event:both', acknowledged])
  }

  @OnSignal('message') message(_: Socket, message: unknown): void {
    seen.push(['message', message])
  }

  @OnSignal('connected') connected(socket: Socket): void {
    seen.push(['connected', socket.path])
  }

  @OnSignal('disconnected') disconnected(socket: Socket): void {
    seen.push(['disconnected', socket.path])
  }
}

@Module({ gateways: [Main, Any] })
class Plain {}

@Module({ gateways: [Main, Any], providers: [Listener] })
class Heard {}

const options = { dialects: [socketio()] }

describe('events and answers', () => {
  afterEach(finish)
  const ask = async (packet: string): Promise<unknown[]> =>
    (await SocketioClient.in(await start(Plain, options))).ask(packet)

  test.each([
    ['421["echo"]', ['431[]']],
    ['421["echo","a"]', ['431["a"]']],
    ['421["echo","a",{"b":1},null]', ['431["a",{"b":1},null]']],
    ['421["echo",[1,2]]', ['431[[1,2]]']],
    ['421["list"]', ['431[[1,2]]']],
    ['420["nothing"]', ['430[]']],
    [
      '421["fail"]',
      ['431[{"error":{"code":"SEAT_TAKEN","message":"seat 7 is taken","details":{"free":[8]}}}]'],
    ],
    [
      '42["fail"]',
      ['42["error",{"code":"SEAT_TAKEN","message":"seat 7 is taken","details":{"free":[8]},"event":"fail"}]'],
    ],
    ['421["move",3,"ada"]', ['431[{"ok":true}]']],
    [
      '42["message","a",1]',
      [
        '42["message",{"args":["a",1]}]',
        '451-["several",1,"two",{"_placeholder":true,"num":0}]',
        Uint8Array.of(3),
      ],
    ],
  ])('%s', async (packet, answers) => {
    expect(await ask(packet)).toEqual(answers)
  })

  test('that come late are answered in full', async () => {
    const client = await SocketioClient.in(await start(Plain, options))
    client.send('427["later"]')
    await nextTurn()
    await nextTurn()
    expect(client.take()).toEqual(['461-7["late",{"_placeholder":true,"num":0}]', Uint8Array.of(1, 2)])
  })

  test('that do not fit are answered with what is wrong', async () => {
    const [answer] = await ask('421["move","three"]')
    expect(answer).toContain('"code":"INVALID_DATA"')
    expect((await ask('421["unknown"]'))[0]).toContain('"code":"UNKNOWN_EVENT"')
  })

  test('tell nothing of what crashed', async () => {
    const one = await start(Plain, options)
    const client = await SocketioClient.in(one)
    const [answer] = await client.ask('421["crash"]')
    expect(answer).toContain('"code":"INTERNAL"')
    expect(answer).not.toContain('1234')
    // What Socket.IO cannot carry is a failure of the handler that emits it.
    expect((await client.ask('422["reserved"]'))[0]).toContain('"code":"INTERNAL"')
    expect(one.logged()).toHaveLength(2)
  })

  test('are for one namespace of several, each with ids of its own', async () => {
    const client = await SocketioClient.in(await start(Plain, options))
    await client.ask('40/any,')
    expect(await client.ask('42/any,1["twice"]', '421["echo",1]')).toEqual(['43/any,1["again"]', '431[1]'])
  })
})

describe('who sees all events', () => {
  afterEach(finish)

  test('has their arguments, answers once, with several values, and is told of a second time', async () => {
    seen = []
    const client = await SocketioClient.in(await start(Plain, options), '40/any,')
    expect(await client.ask('42/any,1["both",1,"b"]')).toEqual(['43/any,1["first",2]'])
    await client.ask('42/any,["twice"]')
    expect(seen).toEqual([
      ['both', [1, 'b'], true],
      '"both" was acknowledged already: an event is acknowledged once',
      ['twice', [], false],
      '"twice" asked for no ack: look at event.acknowledgeable first',
    ])
  })

  test('hears by signals of sockets, events and messages, the general before the named', async () => {
    seen = []
    const one = await start(Heard, options)
    const client = await SocketioClient.in(one)
    await client.ask('42["message","hi",2]')
    client.line.close()
    await nextTurn()
    const other = await SocketioClient.in(one, '40/any,')
    await other.ask('42/any,1["both",7]')
    expect(seen).toEqual([
      ['connected', '/'],
      ['message', 'hi'],
      ['event', 'message', ['hi', 2]],
      ['disconnected', '/'],
      ['connected', '/any'],
      ['event', 'both', [7]],
      ['event:both', false],
      ['both', [7], true],
      '"both" was acknowledged already: an event is acknowledged once',
    ])
  })
})

describe('requests of the server', () => {
  afterEach(finish)

  test('are answered, each by its id, with one value, several or none', async () => {
    outcomes = []
    const client = await SocketioClient.in(await start(Plain, options))
    expect(await client.ask('42["ask",1000]')).toEqual(['421["plain",1]', '422["confirm","sure?"]'])
    expect(await client.ask('432[true]', '431["a",2]')).toEqual([])
    expect(outcomes).toEqual([['a', 2], true])
  })

  test('fail with what the client says, and with what does not fit', async () => {
    outcomes = []
    const client = await SocketioClient.in(await start(Plain, options))
    await client.ask('42["ask",1000]')
    await client.ask('431[{"error":{"code":"NO","message":"not me"}}]', '432["maybe"]')
    expect(outcomes).toEqual([
      ['NO', 'not me'],
      [
        'INVALID_DATA',
        'the answer to "confirm" does not fit: Invalid input: expected boolean, received string',
      ],
    ])
  })

  test('are given up in time; what comes late is no mistake, what nobody asked for is', async () => {
    outcomes = []
    const one = await start(Plain, options)
    const client = await SocketioClient.in(one)
    await client.ask('42["ask",1000]')
    one.clock.advance(1_000)
    await nextTurn()
    expect(outcomes).toEqual([
      ['TIMEOUT', '"plain" was not answered within 1000 ms'],
      ['TIMEOUT', '"confirm" was not answered within 1000 ms'],
    ])
    expect(await client.ask('431["late"]')).toEqual([])
    expect(await client.ask('439[]')).toEqual([
      '42["error",{"code":"MALFORMED_FRAME","message":"\\"ack\\" 9 answers no request of the server\'s"}]',
    ])
  })

  test('end with the client', async () => {
    outcomes = []
    const client = await SocketioClient.in(await start(Plain, options))
    await client.ask('42["ask",1000]')
    await client.ask('41')
    const gone = ['DISCONNECTED', 'the client went before it answered']
    expect(outcomes).toEqual([gone, gone])
  })
})

describe('the end', () => {
  afterEach(finish)

  test.each<[string, [number, string]]>([
    ['41', [1000, 'client namespace disconnect']],
    ['1', [1000, '']],
    ['no packet', [1002, 'a packet of a type that a client does not send']],
    ['4no packet', [1002, 'no type of a packet']],
    ['42["connect"]', [1002, 'an event with the reserved name "connect"']],
    ['42/any,["x"]', [1002, 'a packet for a namespace before CONNECT']],
    ['40', [1002, 'CONNECT to a namespace that it asked for already']],
    ['42["leave",4001]', [4001, 'go']],
    ['42["leave",1013]', [1013, 'go']],
  ])('after %s is what @OnClose is told', async (packet, end) => {
    ends = []
    const client = await SocketioClient.in(await start(Plain, options))
    await client.ask(packet)
    expect(ends).toEqual([end])
  })

  test('of one namespace leaves the others; of the connection it is all of them', async () => {
    ends = []
    const one = await start(Plain, options)
    const client = await SocketioClient.in(one)
    await client.ask('40/any,')
    expect(await client.ask('42["leave",4001]')).toEqual(['41'])
    expect(await client.ask('42/any,1["twice"]')).toEqual(['43/any,1["again"]'])
    await client.ask('40')
    expect(one.app.sockets.size).toBe(2)
    await client.ask('42["leave",1012]')
    expect(client.closed).toEqual({ code: 1012, reason: 'go' })
    expect(one.app.sockets.size).toBe(0)
    expect(ends).toEqual([
      [4001, 'go'],
      [1012, 'go'],
    ])
  })
})
