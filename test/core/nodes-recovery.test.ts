import { afterEach, describe, expect, test } from 'bun:test'
import { Gateway } from 'partyline'
import { nextTurn } from '../support/until.ts'
import { expectNew, expectRecovered } from './guest.ts'
import { clearDesk, contents, Desk, events, type Framed, gates, notes } from './nodes-desk.ts'
import { guestOf, moveTo, Nodes } from './several-nodes.ts'

let nodes: Nodes

afterEach(async () => {
  gates.slow.open()
  await nodes.finish()
  clearDesk()
})

describe.each([
  ['where core sends to each', false],
  ['where the runtime publishes', true],
])('%s', (_, topics) => {
  test('a session goes on at another node, with its rooms, data, and what it missed', async () => {
    nodes = new Nodes(Desk, {}, topics)
    const [a, b] = [await nodes.add(), await nodes.add()]
    const ann = await guestOf(a, '/desk')
    const bob = await guestOf(b, '/desk')
    ann.send('{"event":"join","data":"x","id":1,"pos":1}')
    await nextTurn()
    const [first, pos] = contents(ann)
    expect(first).toEqual([{ ack: 1, data: ['all', 'x'] }])
    ann.client.vanish()
    bob.send('{"event":"say","data":"hello","pos":1}')
    await nextTurn()
    a.app.get(Desk).context.to('x').emit('missed')
    for (const socket of a.app.sockets) socket.emit('you', 1)
    await nextTurn()
    const again = await moveTo(b, ann, pos)
    expectRecovered(again, ann)
    expect(again.hello.received).toBe(1)
    expect(contents(again, pos)[0]).toEqual([
      { event: 'said', data: 'hello' },
      // What is for one alone waits for no other node.
      { event: 'you', data: 1 },
      { event: 'missed', args: [] } as Framed,
    ])
    again.send('{"event":"who","id":2,"pos":2}')
    await nextTurn()
    expect(contents(again)[0]).toEqual([
      { ack: 2, data: { rooms: ['all', 'x'], data: { joined: ['x'] }, id: ann.hello.sid } },
    ])
    expect(notes).toEqual(['open', 'open', 'hello', 'suspend 1006', 'resume'])
    expect(a.app.stats()).toMatchObject({ sockets: 0, suspended: 0, keptBytes: expect.any(Number) })
    expect(b.app.stats()).toMatchObject({ sockets: 2, suspended: 0, sessionsResumed: 1, resumesRefused: 0 })
  })

  test('also when the first node was killed', async () => {
    nodes = new Nodes(Desk, {}, topics)
    const [a, b] = [await nodes.add(), await nodes.add()]
    const ann = await guestOf(a, '/desk')
    ann.send('{"event":"join","data":"x","id":1,"pos":1}')
    await nextTurn()
    const [, pos] = contents(ann)
    for (const socket of a.app.sockets) socket.emit('you', 1)
    b.app.get(Desk).context.to('x').emit('one')
    await nextTurn()
    a.kill()
    b.app.get(Desk).context.to('x').emit('two')
    const early = await moveTo(b, ann, pos)
    await nodes.advance(2_000)
    expect(early.client.closed?.code).toBe(1013)
    await nodes.advance(25_000)
    const again = await moveTo(b, ann, pos)
    expectRecovered(again, ann)
    expect(contents(again, pos)[0].map(({ event }) => event)).toEqual(['you', 'one', 'two'])
    again.send('{"event":"say","data":"late","id":2,"pos":2}')
    await nextTurn()
    expect(contents(again)[0]).toEqual([{ ack: 2, data: 'late' }])
  })

  test('and when it stops in good order', async () => {
    nodes = new Nodes(Desk, {}, topics)
    const [a, b] = [await nodes.add(), await nodes.add()]
    const ann = await guestOf(a, '/desk')
    await a.stop()
    expect(ann.client.closed?.code).toBe(1012)
    b.app.get(Desk).context.emit('missed')
    await nextTurn()
    const again = await moveTo(b, ann, ann.begin)
    expectRecovered(again, ann)
    expect(contents(again)[0].map(({ event }) => event)).toEqual(['missed'])
    expect(notes).toEqual(['open', 'suspend 1012', 'resume'])
  })
})

test('what another asks for with a token that is not right stays where it is', async () => {
  nodes = new Nodes(Desk)
  const [a, b] = [await nodes.add(), await nodes.add()]
  const ann = await guestOf(a, '/desk')
  const pos = ann.begin
  expectNew(await moveTo(b, ann, pos, { token: `${ann.hello.sid}~wrong` }), ann)
  expectNew(await moveTo(b, ann, pos, { token: 'wrong' }), ann)
  expectNew(await moveTo(b, ann, pos, { identity: { user: 'bob' } }), ann)
  expect(ann.client.closed).toBeUndefined()
  const again = await moveTo(b, ann, pos)
  expectRecovered(again, ann)
  expect(ann.client.closed?.code).toBe(4409)
})

test.each(['lives', 'was killed'])(
  'nor is it had under other parameters, whether its node %s',
  async (how) => {
    @Gateway('/desk/:room', { recovery: { window: 60_000 } })
    class Rooms extends Desk {}
    nodes = new Nodes(Rooms)
    const [a, b] = [await nodes.add(), await nodes.add()]
    const ann = await guestOf(a, '/desk/1')
    const pos = ann.begin
    if (how === 'was killed') {
      a.kill()
      await nodes.advance(25_000)
    }
    expectNew(await moveTo(b, ann, pos, { path: '/desk/2' }), ann)
    if (how === 'lives') expect(ann.client.closed).toBeUndefined()
    expectRecovered(await moveTo(b, ann, pos, { path: '/desk/1' }), ann)
  },
)

test('whoever was left out of what it missed is left out at another node, too', async () => {
  nodes = new Nodes(Desk)
  const [a, b] = [await nodes.add(), await nodes.add()]
  const ann = await guestOf(a, '/desk')
  const bob = await guestOf(b, '/desk')
  const pos = ann.begin
  ann.send('{"event":"say","data":"mine","id":1,"pos":1}', '{"event":"tell","data":"all","pos":2}')
  await nextTurn()
  expect(events(bob)).toEqual(['said', 'told'])
  const again = await moveTo(b, ann, pos)
  expect(contents(again)[0].map(({ event, ack }) => event ?? ack)).toEqual([1, 'told'])
})

test('what was left before it was said is not replayed, and what was said before is', async () => {
  nodes = new Nodes(Desk)
  const [a, b] = [await nodes.add(), await nodes.add()]
  const ann = await guestOf(a, '/desk')
  const pos = ann.begin
  const { context } = b.app.get(Desk)
  const say = async (name: string): Promise<void> => {
    context.to('x').emit(name)
    await nextTurn()
  }
  await say('before')
  ann.send('{"event":"join","data":"x","pos":1}')
  await nextTurn()
  await say('inside')
  ann.send('{"event":"leave","data":"x","pos":2}')
  await nextTurn()
  await say('after')
  const again = await moveTo(b, ann, pos)
  expectRecovered(again, ann)
  expect(events(again)).toEqual(['inside'])
})

test('it goes on in MessagePack, and in no other codec', async () => {
  const { msgpack } = await import('partyline/msgpack')
  const codec = msgpack()
  nodes = new Nodes(Desk, { codecs: [codec] })
  const [a, b] = [await nodes.add(), await nodes.add()]
  const ann = await guestOf(a, '/desk', { subprotocols: ['partyline.msgpack.v1'] })
  const { hello } = codec.decode(ann.client.received[0] as Uint8Array) as unknown as typeof ann
  const token = hello.recovery?.token ?? ''
  const pos = hello.recovery?.pos ?? 0
  b.app.get(Desk).context.emit('bytes', new Uint8Array([1, 2]))
  await nextTurn()
  expect(codec.decode(ann.client.received[1] as Uint8Array)).toMatchObject({
    event: 'bytes',
    data: new Uint8Array([1, 2]),
  })
  // The data is none for JSON.
  nodes.logged()
  const other = await moveTo(b, ann, pos, { token })
  expect(other.hello.recovered).toBe(false)
  const again = await moveTo(b, ann, pos, { token, codec: 'partyline.msgpack.v1' })
  const frames = again.client.received.map((message) => codec.decode(message))
  expect(frames).toMatchObject([{ hello: { recovered: true, sid: hello.sid } }, { event: 'bytes' }])
})

test('a request to the client that nobody has answered ends where it was made, and its answer is none to others', async () => {
  nodes = new Nodes(Desk)
  const [a, b] = [await nodes.add(), await nodes.add()]
  const ann = await guestOf(a, '/desk')
  ann.send('{"event":"ask","data":"?","id":1,"pos":1}')
  await nextTurn()
  const [frames, pos] = contents(ann)
  expect(frames).toEqual([{ event: 'answer', data: '?', id: 1 }])
  const again = await moveTo(b, ann, pos)
  expectRecovered(again, ann)
  const [rest] = contents(again, pos)
  expect(rest).toMatchObject([{ ack: 1, error: { code: 'DISCONNECTED' } }])
  again.send('{"ack":1,"data":"late","pos":2}', '{"event":"ask","data":"again","id":2,"pos":3}')
  await nextTurn()
  expect(contents(again, pos)[0]).toEqual([{ event: 'answer', data: 'again', id: 2 }])
  again.send('{"ack":2,"data":"now","pos":4}')
  await nextTurn()
  expect(contents(again)[0]).toEqual([{ ack: 2, data: { answered: 'now' } }])
})

test('a session whose data JSON does not carry stays, and that is said once', async () => {
  nodes = new Nodes(Desk)
  const [a, b] = [await nodes.add(), await nodes.add()]
  const ann = await guestOf(a, '/desk')
  const bob = await guestOf(a, '/desk')
  for (const socket of a.app.sockets) {
    socket.data.since = new Date(0)
    socket.emit('n')
  }
  await nextTurn()
  expect(nodes.logged()).toMatchObject([{ level: 'warn', gateway: '/desk' }])
  const [, pos] = contents(ann)
  const here = await moveTo(a, ann, pos)
  expectRecovered(here, ann)
  expectNew(await moveTo(b, here, pos), ann)
  expect(here.client.closed).toBeUndefined()
  expect(bob.client.closed).toBeUndefined()
})

test('plain clients of such a gateway hear what is said on any node', async () => {
  nodes = new Nodes(Desk)
  const [a, b] = [await nodes.add(), await nodes.add()]
  const plain = await guestOf(a, '/desk', { subprotocols: [] })
  b.app.get(Desk).context.to('all').emit('told', 1)
  await nextTurn()
  expect(plain.client.received.map(String)).toEqual([
    expect.stringContaining('{"event":"told","data":1,"pos":'),
  ])
})

test('a client that is gone before its session has come finds it there', async () => {
  nodes = new Nodes(Desk)
  const [a, b] = [await nodes.add(), await nodes.add()]
  const ann = await guestOf(a, '/desk')
  const pos = ann.begin
  const line = await b.app.runtime.connect('/desk', {
    subprotocols: ['partyline.json.v1', `partyline.resume.${ann.token}.${pos}`],
  })
  if (line instanceof Response) throw new Error('refused')
  line.vanish()
  await nextTurn()
  expect(b.app.stats()).toMatchObject({ sockets: 1, suspended: 1, sessionsResumed: 0 })
  expectRecovered(await moveTo(b, ann, pos), ann)
  await (await nodes.add()).stop()
  expect(await (await b.app.runtime.fetch(new Request('http://localhost/healthz'))).json()).toMatchObject({
    connections: 1,
  })
})

test('a node that stops leaves a handler behind that does not end, and its client is told', async () => {
  nodes = new Nodes(Desk)
  const [a, b] = [await nodes.add(), await nodes.add()]
  const ann = await guestOf(a, '/desk')
  const pos = ann.begin
  ann.send('{"event":"slow","data":"long","id":1,"pos":1}')
  const stopping = a.stop()
  await nextTurn()
  expect(ann.client.closed?.code).toBe(1012)
  const early = await moveTo(b, ann, pos)
  await nodes.advance(2_000)
  expect(early.client.closed?.code).toBe(1013)
  await nodes.advance(8_000)
  await stopping
  expect(notes).toEqual(['open', 'long', 'suspend 1012', 'close 1001'])
  expect(nodes.logged()).toMatchObject([{ message: 'stopping took too long: what is left is cut off' }])
  expectNew(await moveTo(b, ann, pos), ann)
})
