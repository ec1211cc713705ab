import { afterEach, describe, expect, test } from 'bun:test'
import { Gateway } from 'partyline'
import { BrokerError } from '../../lib/broker/error.ts'
import { packTurn, type Turn, unpackTurn, unpackWhereabouts } from '../../lib/core/session-state.ts'
import { Gate } from '../support/gate.ts'
import { nextTurn } from '../support/until.ts'
import { expectNew, expectRecovered } from './guest.ts'
import { clearDesk, Desk, events, framesOf, gates, notes } from './nodes-desk.ts'
import { guestOf, moveTo, Nodes, type TestNode } from './several-nodes.ts'

let nodes: Nodes

afterEach(async () => {
  gates.slow.open()
  await nodes.finish()
  clearDesk()
})

async function two(): Promise<[TestNode, TestNode]> {
  nodes = new Nodes(Desk)
  return [await nodes.add(), await nodes.add()]
}

test('a node that was stopped waits for nothing: its process may end', async () => {
  nodes = new Nodes(Desk)
  const a = await nodes.add()
  await guestOf(a, '/desk')
  await a.stop()
  expect(nodes.clock.pending).toBe(0)
})

test('who tells the others late what they missed, since the broker went away meanwhile, takes sessions in again', async () => {
  const [a, b] = await two()
  a.broker.cut()
  await nodes.advance(2_500)
  a.app.get(Desk).context.to('x').emit('alone')
  // The broker goes on trying for longer than the relay waits for what it has published.
  const { streams } = a.broker
  const append = streams.append.bind(streams)
  const gate = new Gate()
  streams.append = async (...args) => {
    streams.append = append
    await gate.pass()
    return append(...args)
  }
  a.broker.mend()
  await nextTurn()
  a.broker.cut()
  await nodes.advance(2_500)
  a.broker.mend()
  gate.open()
  await nextTurn()
  const ann = await guestOf(b, '/desk')
  expectRecovered(await moveTo(a, ann, ann.begin), ann)
})

/** Has the next call of one of a broker's methods fail, where the first argument is meant: before it is carried out, or after. */
function failNext<T extends object, K extends keyof T>(
  part: T,
  name: K,
  begin: string,
  isDone = false,
): void {
  const method = (part[name] as (key: string, ...rest: unknown[]) => Promise<unknown>).bind(part)
  const failing = async (key: string, ...rest: unknown[]): Promise<unknown> => {
    if (!key.startsWith(begin)) return method(key, ...rest)
    part[name] = method as T[K]
    if (isDone) await method(key, ...rest)
    throw new BrokerError('UNKNOWN', 'no answer came')
  }
  part[name] = failing as T[K]
}

test('a node that stood still, and could not ask at once which sessions are its own, serves nobody but for a moment', async () => {
  const [a] = await two()
  const ann = await guestOf(a, '/desk')
  failNext(a.broker.records, 'read', 'session:')
  a.clock.isFrozen = true
  await nodes.advance(10_000)
  a.clock.isFrozen = false
  a.clock.catchUp()
  await nextTurn()
  expect((await moveTo(a, ann, ann.begin)).client.closed?.code).toBe(1013)
  await nodes.advance(2_000)
  expectRecovered(await moveTo(a, ann, ann.begin), ann)
})

test('a node that was taken for dead, and could not ask at once, still forgets the session that another took', async () => {
  const [a, b] = await two()
  const ann = await guestOf(a, '/desk')
  a.broker.cut()
  ann.client.vanish()
  await nodes.advance(25_000)
  expectRecovered(await moveTo(b, ann, ann.begin), ann)
  failNext(a.broker.records, 'read', 'session:')
  a.broker.mend()
  await nextTurn()
  expect([...a.app.sockets]).toHaveLength(1)
  await nodes.advance(2_000)
  expect([...a.app.sockets]).toHaveLength(0)
})

test('a session whose first record was written, though no answer came, goes on elsewhere all the same', async () => {
  const [a, b] = await two()
  failNext(a.broker.records, 'write', 'session:', true)
  const ann = await guestOf(a, '/desk')
  ann.send('{"event":"join","data":"x","pos":1}')
  await nextTurn()
  expectRecovered(await moveTo(b, ann, ann.begin), ann)
})

test('also where the broker went away meanwhile, and came back', async () => {
  const [a, b] = await two()
  const { records } = a.broker
  const write = records.write.bind(records)
  records.write = async (key, ...rest) => {
    if (!key.startsWith('session:')) return write(key, ...rest)
    records.write = write
    a.broker.cut()
    throw new BrokerError('UNKNOWN', 'no answer came')
  }
  const ann = await guestOf(a, '/desk')
  a.broker.mend()
  await nextTurn()
  a.kill()
  await nodes.advance(25_000)
  expectRecovered(await moveTo(b, ann, ann.begin), ann)
})

test('a session that was claimed, and could not be read then, can be had at the next try', async () => {
  const [a, b] = await two()
  const ann = await guestOf(a, '/desk')
  a.kill()
  await nodes.advance(25_000)
  const { records, streams } = b.broker
  const write = records.write.bind(records)
  records.write = async (...args) => {
    records.write = write
    const written = await write(...args)
    failNext(streams, 'read', 'session:')
    return written
  }
  expect((await moveTo(b, ann, ann.begin)).client.closed?.code).toBe(1013)
  expectRecovered(await moveTo(b, ann, ann.begin), ann)
})

describe('what another version has written of a session', () => {
  const strange: Record<string, Record<string, unknown>> = {
    'without terms that are any': { terms: 5 },
    'with tokens that are no list': { terms: { tokens: 5 } },
    'without parameters': { terms: { params: null } },
    'without rooms': { rooms: {} },
    'with rooms that are no rows': { rooms: { begin: 0, entered: [5], stays: [] } },
    'with stays that are no rows': { rooms: { begin: 0, entered: [], stays: [5] } },
    'with stays that have no positions': { rooms: { begin: 0, entered: [], stays: [['x', 'y', 0]] } },
    'with states that are no list': { states: 5 },
  }
  for (const [name, part] of Object.entries(strange))
    test(`${name}: its client begins anew, and nothing of it stays`, async () => {
      const [a, b] = await two()
      const ann = await guestOf(a, '/desk')
      ann.send('{"event":"who","pos":1}')
      await nextTurn()
      a.kill()
      await nodes.advance(25_000)
      const record = nodes.hub.record(`session:${ann.hello.sid}`, nodes.clock.now())
      const where = record && unpackWhereabouts(record.bytes)
      const stream = `session:${ann.hello.sid}:${where?.generation}`
      const { entries } = await b.broker.streams.read(stream)
      const turns = entries.flatMap(({ bytes }) => unpackTurn(bytes) ?? [])
      const [first, latest] = [turns[0], turns.at(-1)]
      if (first === undefined || latest === undefined) throw new Error('nothing is written')
      const next = { ...first, ...latest, number: latest.number + 1, isWhole: true, data: '{}', ...part }
      if (typeof part.terms === 'object')
        next.terms = { ...(latest.terms ?? first.terms), ...part.terms } as never
      await b.broker.streams.append(stream, packTurn(next as Turn), { limit: 100, ttl: 60_000 })
      expectNew(await moveTo(b, ann, ann.begin), ann)
      expect([...b.app.sockets]).toHaveLength(1)
    })
})

test('a node that stops takes no session any more, which goes on at another: no @OnClose when all is disposed of', async () => {
  nodes = new Nodes(Desk)
  const [a, b, c] = [await nodes.add(), await nodes.add(), await nodes.add()]
  const [ann, bob] = [await guestOf(a, '/desk'), await guestOf(b, '/desk')]
  a.kill()
  await nodes.advance(25_000)
  const { records } = b.broker
  const write = records.write.bind(records)
  const gate = new Gate()
  records.write = async (...args) => {
    records.write = write
    const written = await write(...args)
    await gate.pass()
    return written
  }
  const coming = moveTo(b, ann, ann.begin)
  await nextTurn()
  // This one keeps it from being done before the other comes.
  bob.send('{"event":"slow","data":"long","id":1,"pos":1}')
  const stopping = b.stop()
  await nextTurn()
  gate.open()
  expect((await coming).client.closed?.code).toBe(1013)
  gates.slow.open()
  await nextTurn()
  await stopping
  expectRecovered(await moveTo(c, ann, ann.begin), ann)
  await c.stop()
  expect(nodes.clock.pending).toBe(0)
})

test('what a node that lives cannot give ends there, with its @OnClose', async () => {
  @Gateway('/desk', { recovery: { limit: 2 } })
  class Small extends Desk {}
  nodes = new Nodes(Small)
  const [a, b] = [await nodes.add(), await nodes.add()]
  const ann = await guestOf(a, '/desk')
  for (const socket of a.app.sockets) for (let i = 0; i < 5; i++) socket.emit('n')
  await nextTurn()
  expectNew(await moveTo(b, ann, ann.begin), ann)
  expect(notes).toEqual(['open', 'close 4409', 'open'])
})

test('a node that stops without its broker closes its sockets as one alone does', async () => {
  nodes = new Nodes(Desk)
  const a = await nodes.add()
  const ann = await guestOf(a, '/desk')
  a.broker.cut()
  await a.stop()
  expect(ann.client.closed).toEqual({ code: 1001, reason: 'the server is going away' })
  expect(notes).toEqual(['open', 'close 1001'])
  expect(nodes.clock.pending).toBe(0)
})

test('who was left out of what a node told everybody without its broker is told, in whatever room', async () => {
  const [a, b] = await two()
  const bob = await guestOf(b, '/desk')
  a.broker.cut()
  await nodes.advance(2_500)
  a.app.get(Desk).context.emit('alone')
  a.broker.mend()
  await nextTurn()
  expect(bob.client.closed?.code).toBe(1012)
})

test('what the broker has not answered for is delivered here once it is away for two seconds, and waits no longer', async () => {
  const [a] = await two()
  const ann = await guestOf(a, '/desk')
  const gate = new Gate()
  const { streams } = a.broker
  const append = streams.append.bind(streams)
  streams.append = async (...args) => {
    await gate.pass()
    return append(...args)
  }
  const { context } = a.app.get(Desk)
  context.emit('one')
  a.broker.cut()
  context.emit('two')
  await nodes.advance(1_900)
  expect(events(ann)).toEqual([])
  await nodes.advance(200)
  expect(events(ann)).toEqual(['one', 'two'])
  context.emit('three')
  await nextTurn()
  expect(events(ann)).toEqual(['three'])
  streams.append = append
  gate.open()
})

test('a node whose broker is there and refuses what it begins with tries again', async () => {
  nodes = new Nodes(Desk)
  const a = await nodes.add()
  const b = await nodes.add({}, true)
  failNext(b.broker.records, 'read', 'base:')
  b.broker.mend()
  await nodes.advance(1_100)
  const ann = await guestOf(a, '/desk')
  expectRecovered(await moveTo(b, ann, ann.begin), ann)
})

test('where all begin anew, what one node alone has delivered before does not keep sessions from going elsewhere', async () => {
  const [a, b] = await two()
  for (let i = 0; i < 9; i++) a.app.get(Desk).context.emit('n')
  await nextTurn()
  a.broker.cut()
  await nodes.advance(2_500)
  a.app.get(Desk).context.emit('alone')
  a.broker.mend()
  await nextTurn()
  for (const { broker } of [a, b]) broker.cut()
  nodes.hub.setRecord('base:/desk', new TextEncoder().encode('1000'), nodes.clock.now() + 1e9)
  for (const { broker } of [a, b]) broker.mend()
  await nextTurn()
  const ann = await guestOf(b, '/desk')
  expectRecovered(await moveTo(a, ann, ann.begin), ann)
})

test('a session of which nobody has given the latest in a thousand turns goes on elsewhere with all of it', async () => {
  @Gateway('/desk', { recovery: { limit: 2_000 } })
  class Long extends Desk {}
  nodes = new Nodes(Long)
  const [a, b] = [await nodes.add(), await nodes.add()]
  const ann = await guestOf(a, '/desk')
  const where = nodes.hub.record(`session:${ann.hello.sid}`, nodes.clock.now())
  const stream = `session:${ann.hello.sid}:${where && unpackWhereabouts(where.bytes)?.generation}`
  const [socket] = a.app.sockets
  for (let i = 0; i < 1_200; i++) {
    socket?.emit('n', i)
    await nextTurn()
  }
  // Longer than is read at a time.
  expect((await b.broker.streams.read(stream, { after: 1, limit: 2_000 })).entries.length).toBeGreaterThan(
    1_000,
  )
  const again = await moveTo(b, ann, ann.begin)
  expectRecovered(again, ann)
  expect(framesOf(again).map(({ data }) => data)).toEqual(Array.from({ length: 1_200 }, (_, i) => i))
  expect((await b.broker.streams.read(stream)).entries).toEqual([])
})

test('a node whose broker is there, and that does not know yet what the others do, takes no session: it was lost', async () => {
  nodes = new Nodes(Desk)
  const a = await nodes.add()
  const b = await nodes.add({}, true)
  const { records } = b.broker
  const read = records.read.bind(records)
  records.read = async (key) => {
    if (key.startsWith('base:')) throw new BrokerError('UNKNOWN', 'no answer came')
    return read(key)
  }
  b.broker.mend()
  const ann = await guestOf(a, '/desk')
  const early = await moveTo(b, ann, ann.begin)
  await nodes.advance(1_000)
  expect([early.client.received, early.client.closed?.code]).toEqual([[], 1013])
  records.read = read
  await nodes.advance(1_000)
  expectRecovered(await moveTo(b, ann, ann.begin), ann)
})

test('who comes in the moment before a node knows what the others do waits for that: it was sent away again', async () => {
  nodes = new Nodes(Desk)
  await nodes.add()
  const b = await nodes.add({}, true)
  failNext(b.broker.records, 'read', 'base:')
  b.broker.mend()
  await nodes.advance(500)
  const ann = await guestOf(b, '/desk')
  expect(ann.client.received).toEqual([])
  await nodes.advance(600)
  b.app.get(Desk).context.emit('n')
  await nextTurn()
  expect([events(ann), ann.client.closed]).toEqual([['n'], undefined])
})

test('what could not be written is not left out: the session is not gone on with, until it is written as a whole', async () => {
  const [a, b] = await two()
  const [ann, bob] = [await guestOf(a, '/desk'), await guestOf(a, '/desk')]
  for (const guest of [ann, bob]) {
    failNext(a.broker.streams, 'append', 'session:')
    a.app.sockets.get(guest.hello.sid)?.emit('n')
    await nextTurn()
  }
  a.app.sockets.get(bob.hello.sid)?.emit('m')
  await nextTurn()
  a.kill()
  await nodes.advance(25_000)
  expectNew(await moveTo(b, ann, ann.begin), ann)
  const again = await moveTo(b, bob, bob.begin)
  expectRecovered(again, bob)
  expect(events(again)).toEqual(['n', 'm'])
})

test('a node that allows less rooms takes a session all the same, with as many as it allows', async () => {
  nodes = new Nodes(Desk)
  const [a, b] = [await nodes.add(), await nodes.add({ limits: { rooms: 2 } })]
  const ann = await guestOf(a, '/desk')
  ann.send('{"event":"join","data":"x","pos":1}', '{"event":"join","data":"y","pos":2}')
  await nextTurn()
  expectRecovered(await moveTo(b, ann, ann.begin), ann)
  expect([...b.app.sockets].map(({ rooms }) => [...rooms])).toEqual([['all', 'x']])
})
