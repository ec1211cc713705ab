import { afterEach, describe, expect, test } from 'bun:test'
import {
  type Class,
  contextOf,
  Gateway,
  GatewayContext,
  type GatewayOptions,
  type GatewayPresenceOptions,
  type Identity,
  MemoryHub,
  memory,
  On,
  OnOpen,
  PartylineError,
  type PresenceChange,
  type Socket,
} from 'partyline'
import { ManualClock, type TestApp, type TestAppOptions, type TestLine, testApp } from 'partyline/testing'
import type { MemoryBroker } from '../../lib/broker/memory.ts'
import { Gate } from '../support/gate.ts'
import { until } from '../support/until.ts'
import { mistakesIn } from './in-memory.ts'

const JSON_FRAMES = 'partyline.json.v1'
const apps: TestApp[] = []

function chatWith(presence: GatewayPresenceOptions, options: GatewayOptions = {}): Class {
  @Gateway('/chat', { presence, ...options })
  class Chat {
    constructor(readonly chat: GatewayContext) {}

    @On() join(socket: Socket, room: string) {
      socket.join(room)
    }
    @On() leave(socket: Socket, room: string) {
      socket.leave(room)
    }
    @On() mood(socket: Socket, room: string, state: unknown) {
      this.chat.presence(room).update(socket, state)
    }
    @On() members(_: Socket, room: string) {
      return this.chat.presence(room).members()
    }
  }
  return Chat
}

/** Nodes that share a clock and what joins them. */
async function nodes(count: number, root: Class, options: TestAppOptions = {}) {
  const hub = new MemoryHub()
  const clock = new ManualClock()
  const brokers = Array.from({ length: count }, () => memory({ hub }) as MemoryBroker)
  const all: TestApp[] = []
  for (const broker of brokers) all.push(await testApp(root, { broker, clock, ...options }))
  apps.push(...all)
  await all[0]?.settle()
  return { hub, brokers, apps: all as [TestApp, ...TestApp[]] }
}

/** A client by hand, in frames, and what it was told since it was last asked. */
class Guest {
  readonly line: TestLine
  #taken = 1
  #id = 0

  constructor(line: TestLine) {
    this.line = line
  }

  static async come(app: TestApp, user?: string, subprotocols: string[] = []): Promise<Guest> {
    const identity: Identity | undefined = user === undefined ? undefined : { user }
    const line = await app.line('/chat', {
      subprotocols: [JSON_FRAMES, ...subprotocols],
      ...(identity && { identity }),
    })
    return new Guest(line)
  }

  get hello() {
    return JSON.parse(String(this.line.received[0])).hello as {
      sid: string
      recovered?: boolean
      recovery: { token: string; pos: number }
    }
  }

  take(): unknown[] {
    const frames = this.line.received.slice(this.#taken).map((one) => {
      const { pos, ...frame } = JSON.parse(String(one)) as { pos?: number }
      return frame
    })
    this.#taken = this.line.received.length
    return frames.filter((frame) => !('ping' in frame))
  }

  async ask(frame: object): Promise<unknown> {
    const id = ++this.#id
    this.line.send(JSON.stringify({ ...frame, id }))
    const answer = () =>
      this.line.received
        .map((one) => JSON.parse(String(one)) as { ack?: number; pos?: number })
        .find(({ ack }) => ack === id)
    await until(() => answer() !== undefined, `the answer to ${JSON.stringify(frame)}`)
    const { ack, pos, ...rest } = answer() as { ack: number; pos?: number; data?: unknown }
    this.take()
    return 'data' in rest ? rest.data : rest
  }

  join(room: string): Promise<unknown> {
    return this.ask({ event: 'join', data: room })
  }
}

const member = (id: string, state: unknown = {}) => ({ id, state })
const forbidden = { error: { code: 'FORBIDDEN', message: 'you may not watch who is in "lobby"' } }

/** Of every node, nothing of presence is left with the broker. */
async function expectNothingLeft(hub: MemoryHub): Promise<void> {
  await until(() => hub.channels.every((name) => !name.includes('presence')), 'all watches to be gone')
}

afterEach(async () => {
  const ended = apps.splice(0)
  await Promise.all(ended.map((app) => app.stop()))
  expect(ended.flatMap((app) => app.logged()).filter(({ level }) => level !== 'info')).toEqual([])
})

describe('a client that watches', () => {
  test('is answered with the members of all nodes, then told who comes, changes and leaves', async () => {
    const { apps, hub } = await nodes(2, chatWith({}))
    const [one, other] = apps as [TestApp, TestApp]
    const [ann, bob] = [await Guest.come(one, 'ann'), await Guest.come(other, 'bob')]
    await ann.join('lobby')
    await bob.join('lobby')
    await one.settle()
    expect(await ann.ask({ watch: 'lobby' })).toEqual([member('ann'), member('bob')])
    await bob.ask({ event: 'mood', args: ['lobby', { mood: 'happy' }] })
    const cid = await Guest.come(one)
    await cid.join('lobby')
    await bob.ask({ event: 'leave', data: 'lobby' })
    await one.settle()
    expect(ann.take()).toEqual([
      { presence: 'lobby', changed: [member('bob', { mood: 'happy' })] },
      { presence: 'lobby', joined: [member(cid.hello.sid)] },
      { presence: 'lobby', left: ['bob'] },
    ])
    expect(bob.take()).toEqual([])
    await ann.ask({ unwatch: 'lobby' })
    await cid.ask({ event: 'leave', data: 'lobby' })
    await one.settle()
    expect(ann.take()).toEqual([])
    await ann.ask({ event: 'leave', data: 'lobby' })
    await one.advance(2_000)
    await expectNothingLeft(hub)
  })

  test('has to be in the room, unless the rule says otherwise', async () => {
    const plain = await nodes(1, chatWith({}))
    const ann = await Guest.come(plain.apps[0], 'ann')
    expect(await ann.ask({ watch: 'lobby' })).toEqual(forbidden)
    expect(plain.apps[0].stats().forbidden).toBe(1)

    const asked: object[] = []
    const ruled = await nodes(
      1,
      chatWith({
        watch: async ({ handshake, ...call }) => {
          asked.push(call)
          if (call.room === 'broken') throw new Error('the database is down')
          if (call.room === 'secret') throw new PartylineError('NO', 'no')
          await Promise.resolve()
          return call.room === 'lobby'
        },
      }),
    )
    const bob = await Guest.come(ruled.apps[0], 'bob')
    expect(await bob.ask({ watch: 'lobby' })).toEqual([])
    for (const room of ['cellar', 'secret', 'broken'])
      expect(await bob.ask({ watch: room })).toMatchObject({ error: { code: 'FORBIDDEN' } })
    expect(asked[0]).toEqual({ room: 'lobby', isMember: false, identity: { user: 'bob' } })
    expect(ruled.apps[0].logged()).toMatchObject([
      { message: 'a rule about presence failed, which refuses', fields: { gateway: 'Chat' } },
    ])

    const nobody = await nodes(1, chatWith({ watch: false }))
    const cid = await Guest.come(nobody.apps[0], 'cid')
    await cid.join('lobby')
    expect(await cid.ask({ watch: 'lobby' })).toEqual(forbidden)
  })

  test('is asked in its turn: after @OnOpen and what it sent before have joined it', async () => {
    const gate = new Gate()
    @Gateway('/chat', { presence: {} })
    class Chat {
      @OnOpen() async opened(socket: Socket) {
        await gate.pass()
        socket.join('lobby')
      }
    }
    const { apps } = await nodes(1, Chat)
    const ann = await Guest.come(apps[0], 'ann')
    const answer = ann.ask({ watch: 'lobby' })
    await apps[0].settle()
    gate.open()
    expect(await answer).toEqual([member('ann')])
  })

  test('hears nothing more once it has left the room, or was taken out, or may not any more', async () => {
    for (const watch of [undefined, ({ isMember }: { isMember: boolean }) => isMember, async () => false]) {
      let mayAsk = true
      const rule =
        watch === undefined ? {} : { watch: (call: { isMember: boolean }) => mayAsk || watch(call) }
      const { apps, hub } = await nodes(1, chatWith(rule))
      const [ann, bob] = [await Guest.come(apps[0], 'ann'), await Guest.come(apps[0], 'bob')]
      await ann.join('lobby')
      await ann.ask({ watch: 'lobby' })
      mayAsk = false
      await ann.ask({ event: 'leave', data: 'lobby' })
      await bob.join('lobby')
      await apps[0].settle()
      expect(ann.take()).toEqual([])
      await bob.ask({ event: 'leave', data: 'lobby' })
      await apps[0].advance(2_000)
      await expectNothingLeft(hub)
    }
  })

  test('from outside goes on watching though it comes and goes itself', async () => {
    const { apps } = await nodes(1, chatWith({ watch: true }))
    const ann = await Guest.come(apps[0], 'ann')
    await ann.ask({ watch: 'lobby' })
    await ann.join('lobby')
    await apps[0].settle()
    expect(ann.line.received.map(String)).toContain('{"presence":"lobby","joined":[{"id":"ann","state":{}}]}')
    await ann.ask({ event: 'leave', data: 'lobby' })
    await apps[0].settle()
    expect(ann.line.received.map(String)).toContain('{"presence":"lobby","left":["ann"]}')
  })

  test('and gives up at once, or goes before it is known who is there, leaves nothing behind', async () => {
    const { apps, brokers, hub } = await nodes(2, chatWith({ watch: true }))
    brokers[0]?.cut()
    const guests = [await Guest.come(apps[0], 'ann'), await Guest.come(apps[0], 'bob')] as const
    const cid = await Guest.come(apps[0], 'cid')
    for (const guest of [...guests, cid]) guest.line.send('{"watch":"lobby","id":90}')
    guests[0].line.send('{"unwatch":"lobby","id":91}')
    guests[1].line.network.cut()
    await apps[0].settle()
    brokers[0]?.mend()
    await until(() => cid.line.received.length === 2, 'the answer')
    // The one who stayed is told, whatever became of the others.
    const dan = await Guest.come(apps[1] as TestApp, 'dan')
    await dan.join('lobby')
    await apps[0].settle()
    expect(cid.take()).toEqual([
      { ack: 90, data: [] },
      { presence: 'lobby', joined: [member('dan')] },
    ])
    expect(
      guests[0]
        .take()
        .map((frame) => (frame as { ack?: number }).ack)
        .sort(),
    ).toEqual([90, 91])
    cid.line.network.cut()
    await dan.ask({ event: 'leave', data: 'lobby' })
    await apps[0].advance(2_000)
    await expectNothingLeft(hub)
  })

  test('while the broker is away is answered with who is here, and told of the others later', async () => {
    const { apps, brokers } = await nodes(2, chatWith({}))
    const [one, other] = apps as [TestApp, TestApp]
    const [ann, bob] = [await Guest.come(one, 'ann'), await Guest.come(other, 'bob')]
    await ann.join('lobby')
    await bob.join('lobby')
    brokers[0]?.cut()
    ann.line.send('{"watch":"lobby","id":99}')
    await one.settle()
    const dan = await Guest.come(one, 'dan')
    await dan.join('lobby')
    await one.advance(5_000)
    // Who came before the answer is in it, and only in it.
    expect(ann.take()).toEqual([{ ack: 99, data: [member('ann'), member('dan')] }])
    const cid = await Guest.come(one, 'cid')
    await cid.join('lobby')
    await one.settle()
    expect(ann.take()).toEqual([{ presence: 'lobby', joined: [member('cid')] }])
    brokers[0]?.mend()
    await one.advance(1_000)
    await until(() => ann.line.received.some((one) => String(one).includes('"bob"')), 'the other')
    expect(ann.take()).toEqual([{ presence: 'lobby', joined: [member('bob')] }])
  })

  test('may watch as many rooms as it may be in, of names that rooms may have', async () => {
    const { apps } = await nodes(1, chatWith({ watch: true }), { limits: { rooms: 2, roomName: 5 } })
    const ann = await Guest.come(apps[0], 'ann')
    expect(await ann.ask({ watch: 'a' })).toEqual([])
    expect(await ann.ask({ watch: 'b' })).toEqual([])
    expect(await ann.ask({ watch: 'a' })).toEqual([])
    expect(await ann.ask({ watch: 'c' })).toMatchObject({ error: { code: 'OVERLOADED' } })
    expect(await ann.ask({ watch: 'lobby1' })).toMatchObject({ error: { code: 'INVALID_DATA' } })
    await ann.ask({ unwatch: 'a' })
    expect(await ann.ask({ watch: 'c' })).toEqual([])
    // What is refused because of a limit is counted, as docs/limits.md says; this was not.
    expect(apps[0]?.stats().joinsRefused).toBe(2)
  })

  test('of a gateway without presence is told so', async () => {
    @Gateway('/chat')
    class Chat {
      constructor(readonly chat: GatewayContext) {}
    }
    const { apps } = await nodes(1, Chat)
    const ann = await Guest.come(apps[0])
    expect(await ann.ask({ watch: 'lobby' })).toMatchObject({
      error: { message: 'this gateway has no presence' },
    })
    expect(() => apps[0].get(contextOf(Chat)).presence('lobby')).toThrow(
      'the gateway at /chat keeps no presence: add presence: {} to its @Gateway options.',
    )
  })
})

describe('a member', () => {
  test('is a user with all connections, on whichever nodes', async () => {
    const { apps } = await nodes(2, chatWith({ watch: true }))
    const [one, other] = apps as [TestApp, TestApp]
    const watcher = await Guest.come(one, 'watcher')
    await watcher.ask({ watch: 'lobby' })
    const [first, second] = [await Guest.come(one, 'ann'), await Guest.come(other, 'ann')]
    await first.join('lobby')
    await second.join('lobby')
    await one.settle()
    expect(await watcher.ask({ event: 'members', data: 'lobby' })).toEqual([
      { id: 'ann', state: {}, connections: 2 },
    ])
    await first.ask({ event: 'leave', data: 'lobby' })
    second.line.close()
    await one.settle()
    expect(watcher.line.received.map(String).filter((one) => one.includes('"presence"'))).toEqual([
      '{"presence":"lobby","joined":[{"id":"ann","state":{}}]}',
      '{"presence":"lobby","left":["ann"]}',
    ])
  })

  test('that loses its line, or goes away with its page, has left only after the linger', async () => {
    for (const code of [1001, undefined]) {
      const { apps } = await nodes(1, chatWith({ watch: true, linger: 10_000 }))
      const [app] = apps
      const watcher = await Guest.come(app, 'watcher')
      await watcher.ask({ watch: 'lobby' })
      const ann = await Guest.come(app, 'ann')
      await ann.join('lobby')
      const part = (guest: Guest) => {
        const [socket] = [...app.sockets].filter(({ identity }) => identity?.user === 'ann')
        if (code === undefined) guest.line.network.cut()
        else socket?.close(code)
      }
      part(ann)
      await app.advance(9_000)
      const again = await Guest.come(app, 'ann')
      await again.join('lobby')
      await app.advance(60_000)
      expect(watcher.take()).toEqual([{ presence: 'lobby', joined: [member('ann')] }])
      again.line.network.cut()
      await app.advance(9_999)
      expect(watcher.take()).toEqual([])
      await app.advance(1)
      expect(watcher.take()).toEqual([{ presence: 'lobby', left: ['ann'] }])
    }
  })

  test('whose session is suspended lingers, and is back with its state when it goes on', async () => {
    const Chat = chatWith({ watch: true, linger: 10_000 }, { recovery: {} })
    const { apps } = await nodes(1, Chat)
    const [app] = apps
    const watcher = await Guest.come(app, 'watcher')
    await watcher.ask({ watch: 'lobby' })
    const ann = await Guest.come(app, 'ann')
    await ann.join('lobby')
    await ann.ask({ event: 'mood', args: ['lobby', { mood: 'happy' }] })
    await app.settle()
    watcher.take()
    const comeBack = async (): Promise<Guest> => {
      const { token, pos } = ann.hello.recovery
      return Guest.come(app, 'ann', [`partyline.resume.${token}.${pos}`])
    }
    ann.line.network.cut()
    await app.advance(5_000)
    // What is said of it meanwhile holds.
    const [socket] = [...app.sockets].filter(({ identity }) => identity?.user === 'ann')
    app
      .get(contextOf(Chat))
      .presence('lobby')
      .update(socket as Socket, { mood: 'away' })
    expect(() =>
      app
        .get(contextOf(Chat))
        .presence('lobby')
        .update(socket as Socket, 'x'.repeat(2_000)),
    ).toThrow(PartylineError)
    socket?.join('cellar')
    expect(await watcher.ask({ event: 'members', data: 'cellar' })).toEqual([])
    const back = await comeBack()
    expect(back.hello.recovered).toBe(true)
    await app.advance(60_000)
    expect(
      watcher.line.received
        .map(String)
        .filter((one) => one.includes('"presence"'))
        .slice(-1),
    ).toEqual(['{"presence":"lobby","changed":[{"id":"ann","state":{"mood":"away"}}]}'])
    expect(await watcher.ask({ event: 'members', data: 'cellar' })).toEqual([
      { id: 'ann', state: {}, connections: 1 },
    ])
    back.line.network.cut()
    await app.advance(10_000)
    expect(watcher.take().at(-1)).toEqual({ presence: 'lobby', left: ['ann'] })
  })

  test('has a state that is small, and what JSON can carry', async () => {
    const { apps } = await nodes(1, chatWith({ stateBytes: 10 }))
    const ann = await Guest.come(apps[0], 'ann')
    await ann.join('lobby')
    expect(await ann.ask({ event: 'mood', args: ['lobby', 'x'.repeat(9)] })).toMatchObject({
      error: { code: 'INVALID_DATA' },
    })
    expect(await ann.ask({ event: 'mood', args: ['lobby', 'x'.repeat(8)] })).toEqual({})
    expect(await ann.ask({ event: 'mood', args: ['cellar', { large: 'x'.repeat(99) }] })).toEqual({})
    expect(await ann.ask({ watch: 'lobby' })).toEqual([member('ann', 'x'.repeat(8))])
    await ann.ask({ event: 'leave', data: 'lobby' })
    await ann.join('lobby')
    expect(await ann.ask({ event: 'members', data: 'lobby' })).toEqual([
      { id: 'ann', state: {}, connections: 1 },
    ])
  })

  test('with an id that is too long is in no room', async () => {
    const { apps } = await nodes(1, chatWith({}))
    const long = await Guest.come(apps[0], 'x'.repeat(1_025))
    expect(await long.join('lobby')).toMatchObject({ error: { code: 'INVALID_DATA' } })
    expect([...apps[0].sockets].map(({ rooms }) => [...rooms])).toEqual([[]])
  })
})

describe('an app that watches', () => {
  test('hears it until it ends, or the app stops, which leaves nothing behind', async () => {
    const Chat = chatWith({ linger: 10_000 })
    const { apps, hub } = await nodes(2, Chat)
    const [one, other] = apps as [TestApp, TestApp]
    const told: PresenceChange[] = []
    const room = one.get(contextOf(Chat)).presence('lobby')
    const watch = room.watch((change) => told.push(change))
    await watch.ready
    const ann = await Guest.come(other, 'ann')
    await ann.join('lobby')
    await one.settle()
    expect(watch.members).toEqual([{ id: 'ann', state: {}, connections: 1 }])
    expect(await room.members()).toEqual(watch.members)
    await other.stop()
    await one.advance(9_999)
    expect(told.length).toBe(1)
    await one.advance(1)
    expect(told.map(({ joined, left }) => [joined.length, left.length])).toEqual([
      [1, 0],
      [0, 1],
    ])
    const bob = await Guest.come(one, 'bob')
    await bob.join('lobby')
    bob.line.network.cut()
    await one.settle()
    await one.stop()
    await expectNothingLeft(hub)
    expect(hub.channels).toEqual([])
    // Nobody waits for who may be back.
    expect(one.clock.next).toBeUndefined()
  })
})

test('mistakes are told at boot', () => {
  const boot = (presence: GatewayPresenceOptions) => mistakesIn(chatWith(presence))
  expect(boot({ linger: -1 })).toEqual([
    'Chat: linger of a presence is -1: it has to be a time from 0 on, in milliseconds.',
  ])
  expect(boot({ stateBytes: 0 })[0]).toContain('stateBytes of a presence is 0')
  expect(boot({ watch: 'all' as never })).toEqual([
    'presence.watch of Chat is no rule: give true, false or a function.',
  ])
  expect(boot({ watch: true, linger: 0 })).toEqual([])
})
