import { afterEach, expect, test } from 'bun:test'
import { Gateway, OnSuspend, type Socket } from 'partyline'
import type { MemoryClient } from '../../lib/runtime/memory.ts'
import { Gate } from '../support/gate.ts'
import { nextTurn } from '../support/until.ts'
import { expectNew, expectRecovered } from './guest.ts'
import { clearDesk, contents, Desk, gates, notes } from './nodes-desk.ts'
import { guestOf, moveTo, Nodes, type TestNode } from './several-nodes.ts'

let nodes: Nodes

afterEach(async () => {
  gates.slow.open()
  await nodes.finish()
  clearDesk()
})

const slow = '{"event":"slow","data":"long","id":1,"pos":1}'

async function three(): Promise<[TestNode, TestNode, TestNode]> {
  nodes = new Nodes(Desk)
  return [await nodes.add(), await nodes.add(), await nodes.add()]
}

test('what runs on the one node is waited for, a little, and its answer comes on the other', async () => {
  const [a, b] = await three()
  const ann = await guestOf(a, '/desk')
  ann.send(slow)
  const early = moveTo(b, ann, ann.begin)
  await nextTurn()
  expect(ann.client.closed).toEqual({ code: 4409, reason: 'resumed elsewhere' })
  gates.slow.open()
  const again = await early
  expectRecovered(again, ann)
  expect(again.hello.received).toBe(1)
  expect(contents(again)[0]).toEqual([{ ack: 1, data: 'long' }])
})

test('also what its node does about a line that is gone', async () => {
  @Gateway('/desk', { recovery: { window: 60_000 } })
  class Careful extends Desk {
    @OnSuspend() override async suspended(socket: Socket) {
      await gates.slow.pass()
      socket.data.noted = true
    }
  }
  nodes = new Nodes(Careful)
  const [a, b] = [await nodes.add(), await nodes.add()]
  const ann = await guestOf(a, '/desk')
  const early = moveTo(b, ann, ann.begin)
  for (let i = 0; i < 5; i++) await nextTurn()
  expect(gates.slow.arrived).toBe(1)
  gates.slow.open()
  const again = await early
  expectRecovered(again, ann)
  expect([...b.app.sockets].map(({ data }) => data.noted)).toEqual([true])
})

test('what takes longer sends the client away, to try again', async () => {
  const [a, b] = await three()
  const ann = await guestOf(a, '/desk')
  ann.send(slow)
  const early = await moveTo(b, ann, ann.begin)
  await nodes.advance(1_600)
  expect(early.client.closed?.code).toBe(1013)
  gates.slow.open()
  await nextTurn()
  const again = await moveTo(b, ann, ann.begin)
  expectRecovered(again, ann)
  expect(contents(again)[0]).toEqual([{ ack: 1, data: 'long' }])
})

test('and what does not end ends the session, which is told', async () => {
  const [a, b] = await three()
  const ann = await guestOf(a, '/desk')
  ann.send(slow)
  await moveTo(b, ann, ann.begin)
  await nodes.advance(1_600)
  await nodes.advance(5_000)
  const late = await moveTo(b, ann, ann.begin)
  await nodes.advance(1_600)
  expectNew(late, ann)
  await nodes.advance(10_000)
  expect(notes).toEqual(['open', 'long', 'suspend 4409', 'open', 'close 4409'])
})

test('while it waits the client may come back to where it was', async () => {
  const [a, b] = await three()
  const ann = await guestOf(a, '/desk')
  ann.send(slow)
  const early = await moveTo(b, ann, ann.begin)
  const back = await moveTo(a, ann, ann.begin)
  expectRecovered(back, ann)
  await nodes.advance(1_600)
  expect(early.client.closed?.code).toBe(1013)
  gates.slow.open()
  await nextTurn()
  expect(contents(back)[0]).toEqual([{ ack: 1, data: 'long' }])
})

test('what had begun when a node was killed is in doubt, so that its session is told', async () => {
  const [a, b] = await three()
  const [ann, bob] = [await guestOf(a, '/desk'), await guestOf(a, '/desk')]
  ann.send(slow)
  bob.send('{"event":"who","id":1,"pos":1}')
  await nextTurn()
  a.kill()
  await nodes.advance(25_000)
  expectNew(await moveTo(b, ann, ann.begin), ann)
  expect(nodes.hub.record(`session:${ann.hello.sid}`, nodes.clock.now())).toBeUndefined()
  expectRecovered(await moveTo(b, bob, bob.begin), bob)
})

test('of two nodes that take the session of a dead one at the same time, one has it', async () => {
  const [a, b, c] = await three()
  const ann = await guestOf(a, '/desk')
  ann.send('{"event":"join","data":"x","id":1,"pos":1}')
  await nextTurn()
  a.kill()
  await nodes.advance(25_000)
  const [one, other] = await Promise.all([moveTo(b, ann, ann.begin), moveTo(c, ann, ann.begin)])
  await nodes.advance(2_000)
  const all = [...b.app.sockets, ...c.app.sockets].filter(({ id }) => id === ann.hello.sid)
  expect(all).toHaveLength(1)
  const open = [one, other].filter(({ client }) => client.closed === undefined)
  expect(open.map(({ hello }) => hello.sid)).toEqual([ann.hello.sid])
  expect(notes.filter((note) => note === 'resume').length).toBeGreaterThan(0)
})

test('of two nodes that ask a living one at the same time, one has it: to the other it is not lost', async () => {
  const [a, b, c] = await three()
  const ann = await guestOf(a, '/desk')
  const both = await Promise.all([moveTo(b, ann, ann.begin), moveTo(c, ann, ann.begin)])
  await nodes.advance(2_000)
  const sids = both.flatMap((guest) => (guest.client.received.length > 0 ? guest.hello.sid : []))
  expect(new Set(sids)).toEqual(new Set([ann.hello.sid]))
  expect([...b.app.sockets, ...c.app.sockets].map(({ id }) => id)).toEqual([ann.hello.sid])
})

test('a node that is just taking a session says so, however long that is: who asked it meanwhile began anew', async () => {
  const [a, b, c] = await three()
  const ann = await guestOf(a, '/desk')
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
  const late = await moveTo(c, ann, ann.begin)
  await nodes.advance(3_500)
  expect([late.client.received, late.client.closed?.code]).toEqual([[], 1013])
  gate.open()
  await nextTurn()
  expectRecovered(await coming, ann)
})

test('who comes twice to the same node while it is taking the session has it: both wait for that', async () => {
  const [a, b] = await three()
  const ann = await guestOf(a, '/desk')
  const { records } = b.broker
  const write = records.write.bind(records)
  const gate = new Gate()
  records.write = async (...args) => {
    records.write = write
    const written = await write(...args)
    await gate.pass()
    return written
  }
  const early = moveTo(b, ann, ann.begin)
  await nextTurn()
  const late = moveTo(b, ann, ann.begin)
  await nextTurn()
  gate.open()
  expectRecovered(await late, ann)
  expect([(await early).client.closed?.code, (await late).client.closed]).toEqual([4409, undefined])
})

test('no other gateway has a session of a dead node, whoever has its token', async () => {
  @Gateway('/other', { recovery: { window: 60_000 } })
  class Other extends Desk {}
  nodes = new Nodes([Desk, Other])
  const [a, b] = [await nodes.add(), await nodes.add()]
  const ann = await guestOf(a, '/desk')
  a.kill()
  await nodes.advance(25_000)
  expectNew(await moveTo(b, ann, ann.begin, { path: '/other' }), ann)
  expectRecovered(await moveTo(b, ann, ann.begin), ann)
})

test('a node that stood still handles nothing before it knows that its sessions are its own', async () => {
  const [a, b] = await three()
  const [ann, bob] = [await guestOf(a, '/desk'), await guestOf(a, '/desk')]
  a.freeze()
  await nodes.advance(25_000)
  const again = await moveTo(b, ann, ann.begin)
  expectRecovered(again, ann)
  a.thaw()
  ann.send('{"event":"say","data":"twice","id":1,"pos":1}')
  bob.send('{"event":"say","data":"soon","id":1,"pos":1}')
  expect([ann.client.closed?.code, bob.client.closed?.code]).toEqual([1012, 1012])
  a.clock.catchUp()
  await nextTurn()
  expect(notes).not.toContain('twice')
  expect(notes).not.toContain('soon')
  expect([...a.app.sockets].map(({ id }) => id)).toEqual([bob.hello.sid])
  const here = await moveTo(a, bob, bob.begin)
  expectRecovered(here, bob)
  expect(here.hello.received).toBe(0)
  expect(again.client.closed).toBeUndefined()
})

test('and as long as it cannot ask, nobody goes on there', async () => {
  const [a] = await three()
  const ann = await guestOf(a, '/desk')
  a.clock.isFrozen = true
  await nodes.advance(10_000)
  a.clock.isFrozen = false
  a.broker.cut()
  ann.send('{"event":"say","data":"never","id":1,"pos":1}')
  expect(ann.client.closed?.code).toBe(1012)
  const early = await moveTo(a, ann, ann.begin)
  await nodes.advance(1_000)
  expect(early.client.closed?.code).toBe(1013)
  a.clock.catchUp()
  a.broker.mend()
  await nextTurn()
  expectRecovered(await moveTo(a, ann, ann.begin), ann)
  expect(notes).not.toContain('never')
})

test('who has no right to a session of a dead node has no effect on it', async () => {
  const [a, b] = await three()
  const ann = await guestOf(a, '/desk')
  a.kill()
  await nodes.advance(25_000)
  const pos = ann.begin
  expectNew(await moveTo(b, ann, pos, { token: `${ann.hello.sid}~wrong` }), ann)
  expectNew(await moveTo(b, ann, pos, { identity: { user: 'bob' } }), ann)
  expectRecovered(await moveTo(b, ann, pos), ann)
})

test('a node that was cut off for so long that others took it for dead forgets what they took', async () => {
  const [a, b] = await three()
  const [ann, bob] = [await guestOf(a, '/desk'), await guestOf(a, '/desk')]
  a.broker.cut()
  ann.client.vanish()
  await nodes.advance(25_000)
  const again = await moveTo(b, ann, ann.begin)
  expectRecovered(again, ann)
  a.broker.mend()
  await nextTurn()
  expect([...a.app.sockets].map(({ id }) => id)).toEqual([bob.hello.sid])
  expect([again, bob].map(({ client }) => client.closed)).toEqual([undefined, undefined])
  expect(notes).not.toContain('close 4409')
})

test('a node that was taken for dead, and is back, is asked for its sessions again: two nodes had the same one', async () => {
  const [a, b] = await three()
  a.broker.cut()
  await nodes.advance(25_000)
  a.broker.mend()
  await nextTurn()
  const ann = await guestOf(a, '/desk')
  expectRecovered(await moveTo(b, ann, ann.begin), ann)
  expect(ann.client.closed?.code).toBe(4409)
  expect([...a.app.sockets]).toEqual([])
})

test('what a client has, others know already', async () => {
  const [a] = await three()
  const known: boolean[] = []
  const line = await a.app.runtime.connect('/desk', { subprotocols: ['partyline.json.v1'] })
  if (line instanceof Response) throw new Error('refused')
  line.listener = {
    message: (text) => {
      const { hello } = JSON.parse(String(text)) as { hello?: { sid: string } }
      if (hello !== undefined)
        known.push(nodes.hub.record(`session:${hello.sid}`, nodes.clock.now()) !== undefined)
    },
    closed: () => {},
  }
  await nextTurn()
  expect(known).toEqual([true])
})

test('what comes before the hello waits for it, and too much of it ends the line', async () => {
  const [a, b] = await three()
  const ann = await guestOf(a, '/desk')
  const offer = ['partyline.json.v1', `partyline.resume.${ann.token}.${ann.begin}`]
  const lines = [
    await b.app.runtime.connect('/desk', { subprotocols: offer }),
    await b.app.runtime.connect('/desk', { subprotocols: offer }),
  ]
  for (const line of lines) if (line instanceof Response) throw new Error('refused')
  const [one, other] = lines as MemoryClient[]
  one?.send('{"event":"say","data":"early","id":1,"pos":1}')
  for (let i = 0; i < 3; i++) other?.send(`{"event":"say","data":"${'x'.repeat(30_000)}"}`)
  expect(other?.closed?.code).toBe(1008)
  for (let i = 0; i < 5; i++) await nextTurn()
  expect(one?.received.map(String).at(-1)).toMatch(/^\{"ack":1,"data":"early","pos":\d+\}$/)
})
