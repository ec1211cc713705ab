import { afterEach, expect, test } from 'bun:test'
import { Gateway } from 'partyline'
import { BrokerError } from '../../lib/broker/error.ts'
import { unpackWhereabouts } from '../../lib/core/session-state.ts'
import { Gate } from '../support/gate.ts'
import { nextTurn } from '../support/until.ts'
import { expectNew, expectRecovered, type Guest } from './guest.ts'
import { clearDesk, contents, Desk, events, framesOf } from './nodes-desk.ts'
import { guestOf, moveTo, Nodes, type TestNode } from './several-nodes.ts'

let nodes: Nodes

afterEach(async () => {
  await nodes.finish()
  clearDesk()
})

async function two(): Promise<[TestNode, TestNode]> {
  nodes = new Nodes(Desk)
  return [await nodes.add(), await nodes.add()]
}

async function inRoom(node: TestNode, room: string): Promise<Guest> {
  const guest = await guestOf(node, '/desk')
  guest.send(`{"event":"join","data":"${room}","pos":1}`)
  await nextTurn()
  return guest
}

test('a node without its broker goes on, and those of the others that missed something are told', async () => {
  const [a, b] = await two()
  const [ann, bob, cid] = [await inRoom(a, 'x'), await inRoom(b, 'x'), await inRoom(b, 'y')]
  a.broker.cut()
  a.app.get(Desk).context.to('x').emit('alone')
  await nextTurn()
  expect(events(ann)).toEqual(['alone'])
  a.broker.mend()
  await nextTurn()
  expect([ann, bob, cid].map(({ client }) => client.closed?.code)).toEqual([undefined, 1012, undefined])
  expectNew(await moveTo(b, bob, bob.begin), bob)
  // Who has it goes on, and whom it was not for.
  expectRecovered(await moveTo(a, ann, ann.begin), ann)
  expectRecovered(await moveTo(b, cid, cid.begin), cid)
})

test('what one node alone has delivered no other can give', async () => {
  const [a, b] = await two()
  const ann = await inRoom(a, 'x')
  ann.client.vanish()
  a.broker.cut()
  a.app.get(Desk).context.to('x').emit('alone')
  await nextTurn()
  a.broker.mend()
  await nextTurn()
  expectNew(await moveTo(b, ann, ann.begin), ann)
})

test('also where the node that had it is no more', async () => {
  const [a, b] = await two()
  const ann = await inRoom(a, 'x')
  a.broker.cut()
  a.app.get(Desk).context.to('x').emit('alone')
  await nextTurn()
  a.broker.mend()
  await nextTurn()
  a.kill()
  await nodes.advance(25_000)
  expectNew(await moveTo(b, ann, ann.begin), ann)
})

test('a broker that is away for a moment has whatever is published wait, and nobody has missed anything', async () => {
  const [a, b] = await two()
  const [ann, bob] = [await inRoom(a, 'x'), await inRoom(b, 'x')]
  a.broker.cut()
  a.app.get(Desk).context.to('x').emit('waits')
  a.broker.mend()
  await nextTurn()
  expect([ann, bob].map((guest) => [events(guest), guest.client.closed])).toEqual([
    [['waits'], undefined],
    [['waits'], undefined],
  ])
})

test('what happened to a session without a broker is written when it is back', async () => {
  const [a, b] = await two()
  const ann = await inRoom(a, 'x')
  a.broker.cut()
  ann.send('{"event":"who","id":1,"pos":2}')
  await nextTurn()
  const [, pos] = contents(ann)
  a.broker.mend()
  await nextTurn()
  a.kill()
  await nodes.advance(25_000)
  const again = await moveTo(b, ann, pos)
  expectRecovered(again, ann)
  expect(again.hello.received).toBe(2)
})

test('what was not written is not gone on with: the client has more than anybody knows', async () => {
  const [a, b] = await two()
  const ann = await inRoom(a, 'x')
  a.broker.cut()
  ann.send('{"event":"who","id":1,"pos":2}')
  await nextTurn()
  const [, pos] = contents(ann)
  a.kill()
  await nodes.advance(25_000)
  expectNew(await moveTo(b, ann, pos), ann)
})

test('whoever comes from elsewhere while the broker is away is to try again, and begins anew after a while', async () => {
  const [a, b] = await two()
  const ann = await inRoom(a, 'x')
  b.broker.cut()
  expect((await moveTo(b, ann, ann.begin)).client.closed?.code).toBe(1013)
  await nodes.advance(11_000)
  expectNew(await moveTo(b, ann, ann.begin), ann)
})

test('for how long the broker is away counts anew each time: a moment was taken for long, and the session was lost', async () => {
  const [a, b] = await two()
  const ann = await inRoom(a, 'x')
  b.broker.cut()
  b.broker.mend()
  await nodes.advance(20_000)
  b.broker.cut()
  expect((await moveTo(b, ann, ann.begin)).client.closed?.code).toBe(1013)
  b.broker.mend()
  await nextTurn()
  expectRecovered(await moveTo(b, ann, ann.begin), ann)
})

test('whose broker was never there sends nobody away for ever', async () => {
  nodes = new Nodes(Desk)
  const [a, b] = [await nodes.add(), await nodes.add({}, true)]
  const ann = await inRoom(a, 'x')
  await nodes.advance(2_000)
  expect((await moveTo(b, ann, ann.begin)).client.closed?.code).toBe(1013)
  await nodes.advance(9_000)
  expectNew(await moveTo(b, ann, ann.begin), ann)
})

test('a node that begins without its broker serves alone, and who is there by then begins anew', async () => {
  nodes = new Nodes(Desk)
  const a = await nodes.add()
  const ann = await inRoom(a, 'x')
  const late = await nodes.add({}, true)
  const waiting = moveTo(late, ann, ann.begin)
  await nodes.advance(1_000)
  expect((await waiting).client.closed?.code).toBe(1013)
  const bob = await inRoom(late, 'x')
  late.app.get(Desk).context.to('x').emit('alone')
  // It waits a while: the others are not to miss it, if the broker is there soon.
  await nextTurn()
  expect(events(bob)).toEqual([])
  await nodes.advance(2_500)
  expect(events(bob)).toEqual(['alone'])
  late.broker.mend()
  await nextTurn()
  expect(bob.client.closed?.code).toBe(1012)
  expect(ann.client.closed?.code).toBe(1012)
  expectNew(await moveTo(late, bob, bob.begin), bob)
})

test('where the stream has less than a node has missed, all of its sessions are told', async () => {
  @Gateway('/desk', { recovery: { bytes: 1_000 } })
  class Small extends Desk {}
  nodes = new Nodes(Small)
  const [a, b] = [await nodes.add(), await nodes.add()]
  const [ann, bob] = [await inRoom(a, 'x'), await inRoom(b, 'x')]
  const { context } = b.app.get(Small)
  a.broker.cut()
  for (let i = 0; i < 1_100; i++) context.to('z').emit('n')
  await nextTurn()
  a.broker.mend()
  await nextTurn()
  expect([ann.client.closed?.code, bob.client.closed]).toEqual([1012, undefined])
  expectNew(await moveTo(a, ann, ann.begin), ann)
})

const PLACES = 2 ** 18

test('positions are the same on all nodes, and go on where one sends much to single sessions', async () => {
  const [a, b] = await two()
  const [ann, bob] = [await inRoom(a, 'x'), await inRoom(b, 'x')]
  const [socket] = [...a.app.sockets]
  for (let i = 0; i <= PLACES / 2; i++) socket?.emit('n')
  await nextTurn()
  b.app.get(Desk).context.to('x').emit('all')
  await nextTurn()
  const of = (guest: Guest): number | undefined => framesOf(guest).find(({ event }) => event === 'all')?.pos
  const pos = of(bob) ?? 0
  expect([of(ann), pos % PLACES]).toEqual([pos, 0])
  // The entry that all have got in between.
  expect((pos - bob.begin) / PLACES).toBeGreaterThan(1)
})

test('where there are no places left without a broker, sessions cannot go on elsewhere, and begin anew', async () => {
  const [a, b] = await two()
  const ann = await inRoom(a, 'x')
  const [socket] = [...a.app.sockets]
  a.broker.cut()
  for (let i = 0; i <= PLACES; i++) socket?.emit('n')
  await nextTurn()
  const [, pos] = contents(ann, ann.begin)
  a.broker.mend()
  await nextTurn()
  expect(ann.client.closed).toBeUndefined()
  b.app.get(Desk).context.to('x').emit('all')
  await nextTurn()
  expect(ann.client.closed?.code).toBe(1012)
  expectNew(await moveTo(b, ann, pos), ann)
  const again = await inRoom(a, 'x')
  b.app.get(Desk).context.to('x').emit('all')
  await nextTurn()
  expect(events(again)).toEqual(['all'])
})

test('where the broker has forgotten from where positions are counted, and others count anew, all begin anew', async () => {
  const [a] = await two()
  const ann = await inRoom(a, 'x')
  a.broker.cut()
  nodes.hub.setRecord('base:/desk', new TextEncoder().encode('17'), nodes.clock.now() + 1e9)
  a.broker.mend()
  await nextTurn()
  expect(ann.client.closed?.code).toBe(1012)
  const again = await inRoom(a, 'x')
  expect(again.begin % PLACES).toBe(0)
  a.app.get(Desk).context.to('x').emit('all')
  await nextTurn()
  expect(events(again)).toEqual(['all'])
})

test('a session lives on at the broker for as long as it lives', async () => {
  const [a, b] = await two()
  const ann = await inRoom(a, 'x')
  for (let i = 0; i < 40; i++) {
    ann.send('{"pong":1}')
    await nodes.advance(25_000)
  }
  a.kill()
  await nodes.advance(25_000)
  expectRecovered(await moveTo(b, ann, ann.begin), ann)
})

test('and is gone from there when it is over', async () => {
  const [a] = await two()
  const ann = await inRoom(a, 'x')
  const key = `session:${ann.hello.sid}`
  expect(nodes.hub.record(key, nodes.clock.now())).toBeDefined()
  ann.client.close(1000)
  await nextTurn()
  expect(nodes.hub.record(key, nodes.clock.now())).toBeUndefined()
})

test('a session that the broker has forgotten is written again, and goes on elsewhere', async () => {
  const [a, b] = await two()
  const ann = await inRoom(a, 'x')
  const key = `session:${ann.hello.sid}`
  const where = nodes.hub.record(key, nodes.clock.now())
  const generation = where && unpackWhereabouts(where.bytes)?.generation
  a.broker.cut()
  await nodes.advance(25_000)
  ann.send('{"pong":1}')
  nodes.hub.deleteRecord(key)
  await b.broker.streams.clear(`session:${ann.hello.sid}:${generation}`)
  a.broker.mend()
  await nextTurn()
  a.kill()
  await nodes.advance(25_000)
  const again = await moveTo(b, ann, ann.begin)
  expectRecovered(again, ann)
  b.app.get(Desk).context.to('x').emit('n')
  await nextTurn()
  expect(events(again)).toEqual(['n'])
})

test('what the broker did not answer for is delivered here, and not again where it turns up all the same', async () => {
  const [a, b] = await two()
  const [ann, bob] = [await inRoom(a, 'x'), await inRoom(b, 'x')]
  const { streams } = a.broker
  const append = streams.append.bind(streams)
  let late = (): unknown => undefined
  streams.append = (...args) => {
    late = () => append(...args)
    streams.append = append
    return Promise.reject(new BrokerError('UNKNOWN', 'no answer'))
  }
  const { context } = a.app.get(Desk)
  context.to('x').emit('one')
  await nextTurn()
  expect([events(ann), events(bob)]).toEqual([['one'], []])
  late()
  context.to('x').emit('two')
  await nextTurn()
  expect([events(ann), events(bob)]).toEqual([['two'], ['one', 'two']])
  // The others are told, who may not have had it.
  await nodes.advance(1_000)
  expect([ann.client.closed, bob.client.closed?.code]).toEqual([undefined, 1012])
  expectRecovered(await moveTo(a, ann, ann.begin), ann)
  expectNew(await moveTo(b, ann, ann.begin), ann)
})

test('a node that came later than what was missed, and does not find it, says so', async () => {
  @Gateway('/desk', { recovery: { bytes: 1_000_000, limit: 5_000 } })
  class Small extends Desk {}
  nodes = new Nodes(Small)
  const a = await nodes.add()
  const [ann, bob] = [await inRoom(a, 'x'), await inRoom(a, 'y')]
  for (const { client } of [ann, bob]) client.vanish()
  for (let i = 0; i < 1_500; i++) a.app.get(Small).context.to('x').emit('n')
  await nextTurn()
  const late = await nodes.add()
  expectNew(await moveTo(late, ann, ann.begin), ann)
})

test('where the others cannot be told that they missed something they are told later, and nobody comes from them before', async () => {
  const [a, b] = await two()
  const [ann, bob, cid] = [await inRoom(a, 'x'), await inRoom(b, 'x'), await inRoom(b, 'y')]
  const { streams } = a.broker
  const append = streams.append.bind(streams)
  streams.append = () => Promise.reject(new BrokerError('UNKNOWN', 'no answer'))
  a.app.get(Desk).context.to('x').emit('alone')
  await nodes.advance(5_500)
  expect([events(ann), bob.client.closed]).toEqual([['alone'], undefined])
  expect((await moveTo(a, cid, cid.begin)).client.closed?.code).toBe(1013)
  // What is on its way has not been heard either.
  const gate = new Gate()
  streams.append = (...args) => gate.pass().then(() => append(...args))
  await nodes.advance(1_000)
  expect((await moveTo(a, cid, cid.begin)).client.closed?.code).toBe(1013)
  streams.append = append
  gate.open()
  await nextTurn()
  expect(bob.client.closed?.code).toBe(1012)
  expectNew(await moveTo(a, bob, bob.begin), bob)
  b.app.get(Desk).context.to('y').emit('after')
  await nextTurn()
  expectRecovered(await moveTo(a, cid, contents(cid)[1]), cid)
})
