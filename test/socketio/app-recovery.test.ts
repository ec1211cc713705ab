import { afterEach, describe, expect, test } from 'bun:test'
import {
  Gateway,
  GatewayContext,
  Module,
  On,
  OnClose,
  OnOpen,
  OnResume,
  OnSuspend,
  type Socket,
} from 'partyline'
import { socketio } from 'partyline/socketio'
import { finish, start } from '../core/in-memory.ts'
import { Nodes, type TestNode } from '../core/several-nodes.ts'
import { nextTurn } from '../support/until.ts'
import { type Served, SocketioClient, valuesOf } from './app-world.ts'

let notes: unknown[] = []

@Gateway('/desk', { recovery: { window: 60_000 } })
class Desk {
  constructor(readonly context: GatewayContext) {}

  @OnOpen() opened(socket: Socket): void {
    notes.push('open')
    socket.join('all')
    socket.data.seen = 0
  }

  @OnSuspend() suspended(_: Socket, { code }: { code: number }): void {
    notes.push(`suspend ${code}`)
  }

  @OnResume() resumed(): void {
    notes.push('resume')
  }

  @OnClose() closed(_: Socket, { code }: { code: number }): void {
    notes.push(`close ${code}`)
  }

  @On() who(socket: Socket): unknown {
    return [socket.id, ++socket.data.seen, [...socket.rooms], socket.handshake.auth]
  }

  @On() say(socket: Socket, ...words: unknown[]): void {
    socket.broadcast.emit('said', ...words)
  }

  @On() async ask(socket: Socket): Promise<void> {
    notes.push(await socket.call('asked').catch(({ code }: { code: string }) => code))
  }
}

@Gateway('/plain')
class Plain extends Desk {}

@Module({ gateways: [Desk, Plain] })
class All {}

const options = { dialects: [socketio({ connectionStateRecovery: true })] }

afterEach(async () => {
  await finish()
  notes = []
})

/** As clients of Socket.IO keep it: what they were told at first, and the last argument of any event, where it is a text. */
class Recovering {
  readonly served: Served
  client: SocketioClient
  sid = ''
  pid = ''
  recovered = false
  /** By itself: clients keep an offset until they get another. */
  offset: string | undefined

  private constructor(served: Served, client: SocketioClient) {
    this.served = served
    this.client = client
  }

  static async open(served: Served, auth: object = {}): Promise<Recovering> {
    const one = new Recovering(served, await SocketioClient.open(served))
    await one.#enter(auth)
    return one
  }

  async #enter(auth: object): Promise<void> {
    const said = this.pid === '' ? auth : { ...auth, pid: this.pid, offset: this.offset }
    this.client.send(`40/desk,${JSON.stringify(said)}`)
    for (let i = 0; i < 20 && this.client.line.received.length < 2 && this.client.closed === undefined; i++)
      await nextTurn()
    if (this.client.closed !== undefined) return
    const { sid, pid } = valuesOf(this.client.line.received[1]) as never as { sid: string; pid: string }
    this.recovered = pid === this.pid
    this.sid = sid
    this.pid = pid
  }

  /** Comes on another line, also to another node. */
  async returns(served: Served = this.served, auth: object = {}): Promise<this> {
    this.client = await SocketioClient.open(served)
    await this.#enter(auth)
    return this
  }

  /** The events that have come, as their listeners are called. */
  async events(): Promise<unknown[][]> {
    await nextTurn()
    return this.client
      .take()
      .map(String)
      .filter((packet) => packet.startsWith('42/desk,'))
      .map((packet) => {
        const list = valuesOf(packet)
        const hasId = /^42\/desk,\d/.test(packet)
        if (!hasId && typeof list.at(-1) === 'string') this.offset = String(list.at(-1))
        return list
      })
  }

  /** The same, less the offsets. */
  async heard(): Promise<unknown[][]> {
    return (await this.events()).map((list) => list.slice(0, -1))
  }
}

const emit = ({ app }: Served, ...args: [string, ...unknown[]]): void => app.get(Desk).context.emit(...args)

describe('a session that goes on', () => {
  test('gets what it missed, in order, with its id, rooms and data', async () => {
    const one = await start(All, options)
    const ada = await Recovering.open(one)
    const { sid, pid } = ada
    await ada.client.ask('42/desk,1["who"]')
    emit(one, 'a', 1)
    expect(await ada.heard()).toEqual([['a', 1]])
    ada.client.line.vanish()
    emit(one, 'b', 'x')
    const [socket] = one.app.sockets
    socket?.emit('c')
    one.app
      .get(Desk)
      .context.to('all')
      .emit('d', { deep: [1] })
    await ada.returns()
    expect([ada.recovered, ada.sid, ada.pid]).toEqual([true, sid, pid])
    expect(await ada.heard()).toEqual([['b', 'x'], ['c'], ['d', { deep: [1] }]])
    expect(valuesOf((await ada.client.ask('42/desk,1["who"]'))[0])).toEqual([[sid, 2, ['all'], {}]])
    expect(notes).toEqual(['open', 'suspend 1006', 'resume'])
    expect(one.app.stats()).toMatchObject({ sessionsResumed: 1, resumesRefused: 0 })
  })

  test('as often as it has to, under the same token', async () => {
    const one = await start(All, options)
    const ada = await Recovering.open(one)
    const { pid } = ada
    for (let i = 0; i < 5; i++) {
      emit(one, 'x', i)
      if (i % 2 > 0) expect(await ada.heard()).toEqual([['x', i]])
      ada.client.line.vanish()
      await ada.returns()
      expect([ada.recovered, ada.pid]).toEqual([true, pid])
      expect(await ada.heard()).toEqual(i % 2 > 0 ? [] : [['x', i]])
    }
  })

  test('though nothing came before the cut', async () => {
    const one = await start(All, options)
    emit(one, 'before')
    const ada = await Recovering.open(one)
    ada.client.line.vanish()
    emit(one, 'missed', 1)
    await ada.returns()
    expect([ada.recovered, await ada.heard()]).toEqual([true, [['missed', 1]]])
  })

  test('though all that its client ever got was of a session before', async () => {
    const one = await start(All, options)
    const ada = await Recovering.open(one)
    emit(one, 'old')
    expect(await ada.heard()).toEqual([['old']])
    // It leaves, and comes anew; the offset stays, as in unmodified clients.
    await ada.client.ask('41/desk,')
    ada.client.line.close()
    emit(one, 'to nobody')
    await Recovering.open(one)
    emit(one, 'to others')
    await ada.returns()
    expect(ada.recovered).toBe(false)
    ada.client.line.vanish()
    emit(one, 'missed')
    await ada.returns()
    expect([ada.recovered, await ada.heard()]).toEqual([true, [['missed']]])
  })

  test('though its offset is of another process', async () => {
    const one = await start(All, options)
    const ada = await Recovering.open(one)
    ada.offset = 'abcdefgh.7'
    ada.client.line.vanish()
    emit(one, 'missed')
    await ada.returns()
    expect([ada.recovered, await ada.heard()]).toEqual([true, [['missed']]])
  })

  test('where its client closed the transport and not the namespace; not where it left', async () => {
    const one = await start(All, options)
    const ada = await Recovering.open(one)
    ada.client.line.close()
    expect((await ada.returns()).recovered).toBe(true)
    ada.client.send('1')
    expect((await ada.returns()).recovered).toBe(true)
    await ada.client.ask('41/desk,')
    expect((await ada.returns()).recovered).toBe(false)
  })

  test('takes itself over from a line that is not known to be dead', async () => {
    const one = await start(All, options)
    const ada = await Recovering.open(one)
    const { client } = ada
    await ada.returns()
    expect(ada.recovered).toBe(true)
    expect(client.take().at(-1)).toBe('41/desk,')
    emit(one, 'x')
    expect(await ada.heard()).toEqual([['x']])
    expect(client.take()).toEqual([])
    expect(one.app.sockets.size).toBe(1)
  })

  test('is let in as it is by then, and by its own user only', async () => {
    const authenticate = ({ auth }: { auth?: unknown }) => ({ user: (auth as { user: string }).user })
    const one = await start(All, { ...options, authenticate })
    const ada = await Recovering.open(one, { user: 'ada' })
    ada.client.line.vanish()
    const { pid, sid } = ada
    expect((await ada.returns(one, { user: 'eve' })).recovered).toBe(false)
    ada.client.line.vanish()
    ada.pid = pid
    expect((await ada.returns(one, { user: 'ada', more: 1 })).recovered).toBe(true)
    ada.client.take()
    expect(await ada.client.ask('42/desk,1["who"]')).toEqual([
      `43/desk,1[["${sid}",1,["all"],{"user":"ada","more":1}]]`,
    ])
  })

  test('is over after its window, and for offsets that cannot be', async () => {
    const one = await start(All, options)
    const ada = await Recovering.open(one)
    emit(one, 'x')
    await ada.heard()
    ada.client.line.vanish()
    one.clock.advance(60_000)
    await nextTurn()
    expect((await ada.returns()).recovered).toBe(false)
    for (const offset of [7, {}, 'x', '', `${ada.offset}1`, '9'.repeat(20)]) {
      ada.offset = offset as never
      ada.client.line.vanish()
      expect((await ada.returns()).recovered).toBe(false)
    }
  })

  test('hears broadcasts and what is for itself in one order, with a text at the end that is no offset', async () => {
    const one = await start(All, options)
    const ada = await Recovering.open(one)
    const bob = await Recovering.open(one)
    await bob.client.ask('42/desk,["say","a","b"]', '42/desk,["say"]')
    const [first, second] = await ada.events()
    expect(first?.slice(0, -1)).toEqual(['said', 'a', 'b'])
    expect(second).toEqual(['said', expect.stringMatching(/^[\da-f]{8}\.\d+$/)])
    // What has no position gives none away.
    expect(await ada.client.ask('42/desk,["nowhere"]')).toEqual([
      expect.stringMatching(/^42\/desk,\["error",\{.*\}\]$/),
    ])
  })

  test('cannot be asked for an answer while it has no line', async () => {
    const one = await start(All, options)
    const ada = await Recovering.open(one)
    await ada.client.ask('42/desk,["ask"]')
    ada.client.line.vanish()
    const [socket] = one.app.sockets
    const failure = await socket?.call('asked').catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'DISCONNECTED' })
    await ada.returns()
    // The answer to what was asked before is as good as ever.
    await ada.client.ask('43/desk,1["here"]')
    expect(notes).toEqual(['open', 'suspend 1006', 'resume', 'here'])
  })

  test('only where the gateway and the option say so', async () => {
    for (const [recovery, namespace] of [
      [true, '/plain'],
      [false, '/desk'],
    ]) {
      const one = await start(All, { dialects: [socketio({ connectionStateRecovery: recovery === true })] })
      const client = await SocketioClient.open(one)
      const [hello] = await client.ask(`40${namespace},`)
      expect(hello).toMatch(/^40\/\w+,\{"sid":"[^"]+"\}$/)
      one.app.get(namespace === '/plain' ? Plain : Desk).context.emit('x', 'y')
      await nextTurn()
      expect(client.take()).toEqual([`42${namespace},["x","y"]`])
      client.line.vanish()
      expect(one.app.stats().suspended).toBe(0)
    }
  })
})

describe.each([
  ['where core sends to each', false],
  ['where the runtime publishes', true],
])('over several nodes, %s', (_, topics) => {
  let nodes: Nodes
  const emits = ({ app }: TestNode, ...args: [string, ...unknown[]]): void =>
    app
      .get(Desk)
      .context.to('all')
      .emit(...args)

  afterEach(() => nodes.finish())

  test('a client hears what is emitted on another node, with and without recovery', async () => {
    nodes = new Nodes(All, options, topics)
    const [a, b] = [await nodes.add(), await nodes.add()]
    const ada = await Recovering.open(a)
    const plain = await SocketioClient.in(a, '40/plain,')
    await nextTurn()
    emits(b, 'x', 1)
    b.app.get(Plain).context.emit('y', new Uint8Array([1]))
    await nextTurn()
    expect(await ada.heard()).toEqual([['x', 1]])
    expect(plain.take()).toEqual(['451-/plain,["y",{"_placeholder":true,"num":0}]', Uint8Array.of(1)])
  })

  test('a session goes on at another node', async () => {
    nodes = new Nodes(All, options, topics)
    const [a, b] = [await nodes.add(), await nodes.add()]
    const ada = await Recovering.open(a)
    const { sid, pid } = ada
    await ada.client.ask('42/desk,1["who"]')
    emits(b, 'one')
    expect(await ada.heard()).toEqual([['one']])
    ada.client.line.vanish()
    emits(a, 'two')
    await nextTurn()
    for (const socket of a.app.sockets) socket.emit('three', 'own')
    await ada.returns(b)
    expect([ada.recovered, ada.sid, ada.pid]).toEqual([true, sid, pid])
    expect(await ada.heard()).toEqual([['two'], ['three', 'own']])
    expect(valuesOf((await ada.client.ask('42/desk,1["who"]'))[0])).toMatchObject([[sid, 2, ['all'], {}]])
    // And back.
    ada.client.line.vanish()
    emits(b, 'four')
    await nextTurn()
    await ada.returns(a)
    expect([ada.recovered, await ada.heard()]).toEqual([true, [['four']]])
  })

  test('though nothing came before the cut, or only of a session before', async () => {
    nodes = new Nodes(All, options, topics)
    const [a, b] = [await nodes.add(), await nodes.add()]
    emits(a, 'before')
    await nextTurn()
    const ada = await Recovering.open(a)
    ada.client.line.vanish()
    emits(a, 'one')
    await nextTurn()
    await ada.returns(b)
    expect([ada.recovered, await ada.heard()]).toEqual([true, [['one']]])
    await ada.client.ask('41/desk,')
    await ada.returns(b)
    expect(ada.recovered).toBe(false)
    ada.client.line.vanish()
    emits(b, 'two')
    await nextTurn()
    await ada.returns(a)
    expect([ada.recovered, await ada.heard()]).toEqual([true, [['two']]])
  })

  test('also when its node was killed', async () => {
    nodes = new Nodes(All, options, topics)
    const [a, b] = [await nodes.add(), await nodes.add()]
    const ada = await Recovering.open(a)
    emits(b, 'one')
    await nextTurn()
    a.kill()
    emits(b, 'two')
    // Not yet: it is sent away for a while, the whole connection, so that it comes back by itself.
    const early = ada.returns(b)
    await nodes.advance(2_000)
    await early
    expect(ada.client.closed?.code).toBe(1013)
    await nodes.advance(25_000)
    await ada.returns(b)
    expect([ada.recovered, await ada.heard()]).toEqual([true, [['one'], ['two']]])
  })

  test('and when it stops in good order', async () => {
    nodes = new Nodes(All, options, topics)
    const [a, b] = [await nodes.add(), await nodes.add()]
    const ada = await Recovering.open(a)
    await a.stop()
    expect(ada.client.closed?.code).toBe(1012)
    emits(b, 'missed')
    await nextTurn()
    await ada.returns(b)
    expect([ada.recovered, await ada.heard()]).toEqual([true, [['missed']]])
    expect(notes).toEqual(['open', 'suspend 1012', 'resume'])
  })

  test('with a token that is not right it stays where it is', async () => {
    nodes = new Nodes(All, options, topics)
    const [a, b] = [await nodes.add(), await nodes.add()]
    const ada = await Recovering.open(a)
    const { pid, sid } = ada
    const eve = await Recovering.open(b)
    for (const token of [`${sid}~wrong`, 'wrong', `~${sid}`, `${sid}~`]) {
      eve.pid = token
      expect((await eve.returns(b)).recovered).toBe(false)
    }
    expect(ada.client.closed).toBeUndefined()
    ada.pid = pid
    expect((await ada.returns(b)).recovered).toBe(true)
  })
})
