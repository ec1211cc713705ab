import { expect, test } from 'bun:test'
import { event, type RemoteSocket, type Socket } from 'partyline'
import { z } from 'zod'
import { bytes, hex } from '../../support/hex.ts'
import { until } from '../broker/network.ts'
import type { Nodes } from './fleet.ts'
import { Bare, codecs, frame, guest, MSGPACK, party, Talk, TalkModule } from './talk.ts'

export function everywhere(fleet: Nodes): void {
  test('counts and lists sockets of all nodes, of everybody, of rooms and less some', async () => {
    const { nodes, members } = await party(fleet(), [['a']], [['a', 'b'], []], [['b']])
    for (const [i, node] of nodes.entries()) {
      const context = fleet().context(node, Talk)
      expect(await context.count()).toBe(4)
      expect(await context.count('a')).toBe(2)
      expect(await context.count('a', 'b')).toBe(3)
      expect(await context.count('void')).toBe(0)
      expect(await context.to().count()).toBe(0)
      expect(await context.to('a').except('b').count()).toBe(1)
      const sockets = await context.fetchSockets()
      expect(new Set(sockets.map(({ id }) => id)).size).toBe(4)
      expect((await context.fetchSockets('b')).map(({ rooms }) => [...rooms].sort().join()).sort()).toEqual([
        'a,b',
        'b',
      ])
      const [first] = context.sockets
      // Those of this node are its own, and the first.
      expect(sockets[0]).toBe(first as Socket)
      expect(await context.except(first as Socket).count()).toBe(3)
      expect(context.sockets.size).toBe([1, 2, 1][i] ?? 0)
    }
    members[3]?.client.close()
    const context = fleet().context(nodes[0] as (typeof nodes)[0], Talk)
    await until(async () => (await context.count()) === 3, 'the socket to be gone')
  })

  test('what is told of a socket of another node, and that it is plain', async () => {
    const one = fleet()
    const nodes = await one.launch(2, TalkModule, {
      codecs,
      authenticate: ({ url }) => ({
        user: url.searchParams.get('name') ?? 'nobody',
        groups: ['staff'],
        claims: { big: 1n },
      }),
    })
    const [ann, bob] = nodes as [(typeof nodes)[0], (typeof nodes)[0]]
    const member = await one.connect(bob, '/bare/lobby?name=bob')
    await one.settled(Bare, 1)
    const [there] = one.context(bob, Bare).sockets as Iterable<Socket> as [Socket]
    there.data.since = new Date(0)
    const [far] = (await one.context(ann, Bare).fetchSockets()) as [RemoteSocket]
    const told: object = { ...far, rooms: [...far.rooms] }
    expect(told).toEqual({
      id: there.id,
      path: '/bare/:room',
      params: { room: 'lobby' },
      identity: { user: 'bob', groups: ['staff'] },
      data: { since: '1970-01-01T00:00:00.000Z' },
      rooms: ['lobby'],
      suspended: false,
    })
    // Data that JSON cannot carry is not told.
    there.data.itself = there.data
    expect((await one.context(ann, Bare).fetchSockets())[0]?.data).toEqual({})
    expect(member.take()).toEqual([])
  })

  test('a socket of another node is sent to, moved and closed', async () => {
    const { nodes, members } = await party(fleet(), [[]], [['a'], ['a']])
    const [ann, bob] = nodes as [(typeof nodes)[0], (typeof nodes)[0]]
    const context = fleet().context(ann, Talk)
    const [far] = (await context.fetchSockets('a')) as [RemoteSocket]
    const there = fleet().context(bob, Talk).sockets.get(far.id) as Socket
    const index = [...fleet().context(bob, Talk).sockets].indexOf(there) + 1
    const counts = members.map((_, i) => (i === index ? 3 : 0))
    far.emit('hello', { n: 1 })
    far.emit('two', 1, 2)
    far.send('text')
    const expected = [
      '{"event":"hello","data":{"n":1}}',
      '{"event":"two","args":[1,2]}',
      '{"event":"message","data":"text"}',
    ]
    expect(await fleet().heard(Talk, members, counts)).toEqual(counts.map((n) => (n === 0 ? [] : expected)))

    far.join('b', 'c')
    far.leave('a', 'c')
    await until(() => [...there.rooms].join() === 'b', 'it to be moved')
    await context.to().join('nobody')
    context.to('b').emit('in b')
    await members[index]?.next()
    far.close(4_001, 'enough')
    expect(await members[index]?.client.closed()).toEqual({ code: 4_001, reason: 'enough' })

    expect(() => far.close(1_006)).toThrow('1006 is no close code that can be sent')
    expect(() => far.join(5 as never)).toThrow(TypeError)
    const circle: { self?: unknown } = {}
    circle.self = circle
    expect(() => far.emit('circle', circle)).toThrow(TypeError)
    // It is gone by now, and nothing comes of it.
    far.emit('late')
    expect(await context.count()).toBe(2)
  })

  test('a socket of another node is sent bytes, where its codec can carry them', async () => {
    const one = fleet()
    const nodes = await one.launch(2, TalkModule, { codecs })
    const [ann, bob] = nodes as [(typeof nodes)[0], (typeof nodes)[0]]
    const bare = await one.connect(bob, '/bare/a')
    const packed = await one.connect(bob, '/talk', { subprotocols: [MSGPACK] })
    await packed.next()
    await one.settled(Bare, 1)
    await one.settled(Talk, 1)
    const [far] = (await one.context(ann, Bare).fetchSockets()) as [RemoteSocket]
    far.send('\0text')
    far.send(bytes('00 ff'))
    far.send(Buffer.from([1, 2]))
    expect(await bare.next(3)).toEqual(['\0text', bytes('00 ff'), bytes('01 02')])
    const [other] = (await one.context(ann, Talk).fetchSockets()) as [RemoteSocket]
    other.emit('file', { '\0': ['\0' + '0', bytes('80')] })
    const [file] = await packed.next()
    expect(hex(file as Uint8Array)).toBe(hex(bytes("93 00 a4'file' 91 81 a1 00 92 a2 00'0' c4 01 80")))
  })

  test('what is emitted to a socket of another node is held against its schema', async () => {
    const one = fleet()
    const nodes = await one.launch(2, TalkModule, { checkOutgoing: true })
    const [ann, bob] = nodes as [(typeof nodes)[0], (typeof nodes)[0]]
    await guest(one, bob)
    await one.settled(Talk, 1)
    const [far] = (await one.context(ann, Talk).fetchSockets()) as [RemoteSocket]
    const moved = event('moved', { data: z.object({ square: z.string() }) })
    expect(() => far.emit(moved, { square: 1 } as never)).toThrow('emit of "moved"')
  })

  test('an audience enters, leaves and is closed on all nodes', async () => {
    const { nodes, members } = await party(fleet(), [['a']], [['a'], ['b']], [['a', 'b']])
    const context = fleet().context(nodes[1] as (typeof nodes)[0], Talk)
    await context.to('a').except('b').join('c', 'd')
    // Those who are in a room by then hear what is said in it: the subscriptions have been waited for.
    context.to('c').emit('in c')
    expect(await fleet().heard(Talk, members, [1, 1, 0, 0])).toEqual([
      [frame('in c')],
      [frame('in c')],
      [],
      [],
    ])
    expect(await context.count('d')).toBe(2)
    await context.except('b').leave('c')
    expect(await context.count('c')).toBe(0)
    await context.to('b').close(4_002, 'over')
    expect(await members[2]?.client.closed()).toEqual({ code: 4_002, reason: 'over' })
    expect(await members[3]?.client.closed()).toEqual({ code: 4_002, reason: 'over' })
    expect(await context.count()).toBe(2)
    for (const refused of [
      context.to('a').close(1_005),
      context.to('a').join(1 as never),
      context.to('a').leave(null as never),
    ])
      await expect(refused).rejects.toThrow(TypeError)
  })

  test('who may be in no more rooms is left out, and the others are not', async () => {
    const one = fleet()
    const nodes = await one.launch(2, TalkModule, { limits: { rooms: 1 } })
    const [ann, bob] = nodes as [(typeof nodes)[0], (typeof nodes)[0]]
    await guest(one, ann, 'a')
    await guest(one, bob, 'a')
    await guest(one, bob)
    await one.settled(Talk, 3)
    await one.context(ann, Talk).to().join('nobody')
    const everybody = one.context(ann, Talk)
    await everybody.except('void').join('b')
    expect(await everybody.count('b')).toBe(1)
    expect(nodes.map((node) => node.stats().joinsRefused)).toEqual([1, 1])
  })

  test('an answer that is larger than a message comes in parts', async () => {
    const one = fleet()
    const nodes = await one.launch(2, TalkModule)
    const [ann, bob] = nodes as [(typeof nodes)[0], (typeof nodes)[0]]
    for (let n = 0; n < 21; n++) await guest(one, bob)
    await one.settled(Talk, 21)
    for (const [n, socket] of [...one.context(bob, Talk).sockets].entries())
      socket.data.name = `${n}`.padEnd(100_000, 'x')
    const sockets = await one.context(ann, Talk).fetchSockets()
    const names = sockets.map(({ data }) => String(data.name).replaceAll('x', ''))
    expect(names).toEqual(Array.from({ length: 21 }, (_, n) => `${n}`))
    expect(ann.stats().nodesMissed).toBe(0)
  })

  test('an answer that is too large all the same is not waited for, and counted on both sides', async () => {
    const one = fleet()
    const { maxPayload } = one.network
    if (maxPayload === undefined) return
    const nodes = await one.launch(2, TalkModule)
    const [ann, bob] = nodes as [(typeof nodes)[0], (typeof nodes)[0]]
    await guest(one, bob)
    await one.settled(Talk, 1)
    for (const socket of one.context(bob, Talk).sockets) socket.data.name = 'x'.repeat(maxPayload)
    expect(await one.context(ann, Talk).fetchSockets()).toEqual([])
    expect([ann.stats().nodesMissed, bob.stats().nodeErrors]).toEqual([1, 1])
    expect(one.logged(bob).filter(({ level }) => level === 'warn')).toMatchObject([
      { message: expect.stringContaining('another node asked') },
    ])
  })
}
