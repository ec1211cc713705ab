import { afterEach, describe, expect, test } from 'bun:test'
import { Gateway, GatewayContext, Module, On, OnClose, OnMessage, type Socket } from 'partyline'
import { socketio } from 'partyline/socketio'
import { finish, type Started, start } from '../core/in-memory.ts'
import { Gate } from '../support/gate.ts'
import { nextTurn, until } from '../support/until.ts'
import { SocketioClient, SocketioPoller } from './app-world.ts'

let gate = new Gate()
let ends: [number, string][] = []

@Gateway('/')
class Main {
  constructor(readonly context: GatewayContext) {}

  @On() echo(_: Socket, what: unknown): unknown {
    return what
  }

  @On() size(_: Socket, what: string | Uint8Array): number {
    return what.length
  }

  @On() async slow(): Promise<void> {
    await gate.pass()
  }

  @OnClose() closed(_: Socket, { code, reason }: { code: number; reason: string }): void {
    ends.push([code, reason])
  }
}

@Gateway('/other')
class Other extends Main {}

@Gateway('/raw', { protocol: 'raw' })
class Raw {
  @OnMessage() size(socket: Socket, message: string): void {
    socket.send(`${message.length}`)
  }

  @OnClose() closed(_: Socket, { code, reason }: { code: number; reason: string }): void {
    ends.push([code, reason])
  }
}

@Module({ gateways: [Main, Other, Raw] })
class All {}

const dialects = [socketio()]
const pings = { pingInterval: 1_000_000, pingTimeout: 1_000_000 }

afterEach(async () => {
  gate.open()
  await finish()
  gate = new Gate()
  ends = []
})

/** Moves the time on, and lets happen what is due. */
async function advance({ clock }: Started, milliseconds: number): Promise<void> {
  clock.advance(milliseconds)
  await nextTurn()
}

describe('messages that are long', () => {
  test.each(['', 'partyline.json.v1'])(
    'close clients of other kinds as before, of subprotocol "%s"',
    async (name) => {
      const one = await start(All, { dialects })
      const client = await one.app.runtime.connect('/', name === '' ? {} : { subprotocols: [name] })
      if (client instanceof Response) throw new Error('refused')
      const frame = (length: number): string => {
        const bare = '{"event":"size","data":"","id":1}'
        return bare.replace('""', `"${'x'.repeat(length - bare.length)}"`)
      }
      client.send(frame(65_536))
      await nextTurn()
      expect(client.received.at(-1)).toBe('{"ack":1,"data":65503}')
      client.send(frame(65_537))
      await nextTurn()
      expect(client.closed).toEqual({ code: 1009, reason: 'message too big' })
      expect(ends).toEqual([[1009, 'message too big']])
      expect(one.app.stats()).toMatchObject({ payloadTooBig: 1, sockets: 0 })
    },
  )

  test('are measured in bytes, on raw gateways too', async () => {
    const one = await start(All, { dialects, limits: { payload: 10 } })
    const client = await one.app.runtime.connect('/raw')
    if (client instanceof Response) throw new Error('refused')
    client.send('äääää')
    client.send('0123456789')
    expect(client.received).toEqual(['5', '10'])
    client.send(new Uint8Array(11))
    client.send('0')
    await nextTurn()
    expect(client.closed?.code).toBe(1009)
    expect(one.app.stats().payloadTooBig).toBe(1)
    expect(ends).toEqual([[1009, 'message too big']])
    const again = await one.app.runtime.connect('/raw')
    if (again instanceof Response) throw new Error('refused')
    again.send('äääääa')
    expect(again.closed?.code).toBe(1009)
  })

  test("are Socket.IO's own matter there, and counted alike", async () => {
    const one = await start(All, { dialects: [socketio({ maxHttpBufferSize: 100_000 })] })
    const client = await SocketioClient.in(one)
    const text = 'x'.repeat(99_980)
    expect(await client.ask(`421["size","${text}"]`)).toEqual(['431[99980]'])
    await client.ask(`421["size","${text.repeat(2)}"]`)
    expect(client.closed?.code).toBe(1009)
    const poller = await SocketioPoller.in(one)
    expect((await poller.send(`421["size","${text.repeat(2)}"]`)).status).toBe(413)
    await nextTurn()
    expect(ends.map(([code]) => code)).toEqual([1009, 1009])
    expect(one.app.stats()).toMatchObject({ payloadTooBig: 2, sockets: 0 })
    expect((await poller.send('1')).status).toBe(400)
  })
})

describe('too many', () => {
  test('events are answered, then not read, and then close the connection', async () => {
    const one = await start(All, { dialects, limits: { rate: 1, burst: 2 } })
    const client = await SocketioClient.in(one)
    await client.ask('40/other,')
    const answers = await client.ask(
      '420["echo",0]',
      '421["echo",1]',
      '422["echo",2]',
      '42/other,1["echo",3]',
    )
    expect(answers.map((answer) => String(answer).slice(0, 40))).toEqual([
      ...['430[0]', '431[1]', '432[{"error":{"code":"RATE_LIMITED","mes', '43/other,1[3]'],
    ])
    for (let i = 0; i < 10 && client.closed === undefined; i++) client.send('429["echo",9]')
    client.take()
    expect(await client.ask('42/other,2["echo",4]')).toEqual([])
    await advance(one, 1_000)
    expect(client.closed).toEqual({ code: 4429, reason: 'too many events' })
    expect(one.app.stats()).toMatchObject({ rateClosed: 1, sockets: 0 })
  })

  test('CONNECT packets close it at once', async () => {
    const one = await start(All, { dialects, limits: { rate: 1, burst: 2 } })
    const client = await SocketioClient.open(one)
    await client.ask(...Array.from({ length: 10 }, () => '40/nowhere,'))
    expect(client.closed?.code).toBe(4429)
  })

  test('that wait hold back a WebSocket, which goes on where it was', async () => {
    const one = await start(All, { dialects, limits: { waiting: 4 } })
    const client = await SocketioClient.in(one)
    const all = Array.from({ length: 12 }, (_, i) => `42${i}["echo",${i}]`)
    expect(await client.ask('42["slow"]', ...all)).toEqual([])
    gate.open()
    await until(() => client.line.received.length >= 14, 'all answers')
    expect(client.take()).toEqual(all.map((_, i) => `43${i}[${i}]`))
    expect(one.app.stats().overloaded).toBe(0)
  })

  test('that wait hold back a poller, whose POST is answered when it is read', async () => {
    const one = await start(All, { dialects, limits: { waiting: 4 } })
    const poller = await SocketioPoller.in(one)
    const all = Array.from({ length: 12 }, (_, i) => `42${i}["echo",${i}]`)
    let answer: string | undefined
    void poller.post('42["slow"]', ...all).then((text) => {
      answer = text
    })
    await nextTurn()
    await nextTurn()
    expect(answer).toBeUndefined()
    gate.open()
    await until(() => answer === 'ok', 'the answer')
    const packets: string[] = []
    while (packets.length < 12) packets.push(...(await poller.poll()))
    expect(packets).toEqual(all.map((_, i) => `43${i}[${i}]`))
  })

  test('requests wait for their answers', async () => {
    const one = await start(All, { dialects, limits: { pending: 2, waiting: 10 } })
    const client = await SocketioClient.in(one)
    const answers = await client.ask('421["slow"]', '422["echo"]', '423["echo"]', '421["echo"]')
    expect(answers.map((answer) => String(answer).slice(0, 33))).toEqual([
      ...['433[{"error":{"code":"OVERLOADED"', '42["error",{"code":"MALFORMED_FRA'],
    ])
    expect(one.app.stats().pendingRefused).toBe(2)
  })
})

describe('who does not read', () => {
  const big = 'x'.repeat(1_000)

  test('is closed as a slow consumer, in whatever namespace, and cut off where it does not even see that', async () => {
    const one = await start(All, { dialects: [socketio(pings)], limits: { buffer: 4_000 } })
    const client = await SocketioClient.in(one)
    client.line.reading = false
    const { context } = one.app.get(Main)
    for (let i = 0; i < 5; i++) context.emit('x', big)
    await nextTurn()
    await advance(one, 4_000)
    expect(one.app.sockets.size).toBe(1)
    await advance(one, 1_000)
    await advance(one, 250)
    expect(one.app.stats()).toMatchObject({ sockets: 0, slowConsumers: 1 })
    expect(ends).toEqual([[1008, 'slow consumer']])
    expect(one.logged()).toHaveLength(1)
  })

  test('is closed at once where that is much', async () => {
    const one = await start(All, { dialects: [socketio(pings)], limits: { buffer: 4_000 } })
    const client = await SocketioClient.in(one)
    client.line.reading = false
    for (let i = 0; i < 40; i++) one.app.get(Main).context.emit('x', big)
    await nextTurn()
    expect(one.app.stats()).toMatchObject({ sockets: 0, slowConsumers: 1 })
    expect(one.logged()).toHaveLength(1)
  })

  test('is the same where nobody polls', async () => {
    const one = await start(All, { dialects: [socketio(pings)], limits: { buffer: 4_000 } })
    const poller = await SocketioPoller.in(one)
    for (let i = 0; i < 5; i++) one.app.get(Main).context.emit('x', big)
    await nextTurn()
    await advance(one, 5_000)
    await advance(one, 250)
    expect(one.app.stats()).toMatchObject({ sockets: 0, slowConsumers: 1 })
    expect(one.logged()).toHaveLength(1)
    const last = await poller.poll()
    expect([last.length, last.at(-1)]).toEqual([6, '1'])
  })

  test('gets on where it reads in time', async () => {
    const one = await start(All, { dialects: [socketio(pings)], limits: { buffer: 4_000 } })
    const poller = await SocketioPoller.in(one)
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 5; i++) one.app.get(Main).context.emit('x', big)
      await nextTurn()
      await advance(one, 4_000)
      expect(await poller.poll()).toHaveLength(5)
      await advance(one, 4_000)
    }
    expect(one.app.stats()).toMatchObject({ sockets: 1, slowConsumers: 0 })
  })
})

describe('the heartbeat', () => {
  test("is Engine.IO's: no frame asks, and silence ends it there", async () => {
    const one = await start(All, { dialects, limits: { heartbeat: 1_000 } })
    const client = await SocketioClient.in(one)
    for (let i = 0; i < 10; i++) await advance(one, 1_000)
    expect(client.line.received.length).toBe(2)
    await advance(one, 15_000)
    expect(client.line.received.at(-1)).toBe('2')
    await advance(one, 20_000)
    expect(client.closed?.code).toBe(4408)
    expect(ends).toEqual([[4408, 'no pong came']])
    expect(one.app.sockets.size).toBe(0)
  })

  test('goes on for who answers', async () => {
    const one = await start(All, { dialects })
    const client = await SocketioClient.in(one)
    for (let i = 0; i < 5; i++) {
      await advance(one, 25_000)
      client.take()
    }
    expect(client.closed).toBeUndefined()
    expect(one.app.sockets.size).toBe(1)
  })
})
