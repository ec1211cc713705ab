import { afterEach, expect, test } from 'bun:test'
import { Gateway, GatewayContext, On, type Socket } from 'partyline'
import { nextTurn } from '../support/until.ts'
import { expectRecovered, type Guest } from './guest.ts'
import { contents } from './nodes-desk.ts'
import { guestOf, moveTo, Nodes, TestNode } from './several-nodes.ts'

let nodes: Nodes

afterEach(() => nodes.finish())

function deskWith(stateBytes: number) {
  @Gateway('/desk', { recovery: { window: 60_000 }, presence: { watch: true, linger: 5_000, stateBytes } })
  class Desk {
    constructor(readonly context: GatewayContext) {}

    @On() join(socket: Socket, ...rooms: string[]) {
      socket.join(...rooms)
    }

    @On() leave(socket: Socket, room: string) {
      socket.leave(room)
    }

    @On() mood(socket: Socket, room: string, mood: unknown) {
      this.context.presence(room).update(socket, mood)
    }
  }
  return Desk
}

const Desk = deskWith(1_024)
const as = (user: string) => ({ identity: { user } })

/** Who is in a room, as a node tells it that has not watched it before. */
async function membersAt(node: TestNode, room: string): Promise<[id: string, state: unknown][]> {
  const { context } = node.app.get(Desk)
  return (await context.presence(room).members()).map(({ id, state }) => [id, state])
}

/** Does so in one turn, and returns the position after it. */
async function say(guest: Guest, from: number, ...events: [event: string, ...args: unknown[]][]) {
  const frames = events.map(([event, ...args], i) =>
    JSON.stringify({ event, args, pos: from + i, ...(i === events.length - 1 && { id: from + i }) }),
  )
  guest.send(...frames)
  await nextTurn()
  return contents(guest)[1]
}

test.each([
  ['as it is', () => {}],
  ['when the first node is killed', (node: TestNode) => node.kill()],
  ['when the first node stops', (node: TestNode) => node.stop()],
])('a state goes with its session to another node, %s', async (_, end) => {
  nodes = new Nodes(Desk)
  const [a, b] = [await nodes.add(), await nodes.add()]
  const ann = await guestOf(a, '/desk', as('ann'))
  await say(ann, 1, ['join', 'x', 'y', 'z'], ['mood', 'x', { mood: 'calm' }], ['mood', 'z', 'odd'])
  const pos = await say(ann, 4, ['mood', 'x', { mood: 'happy' }], ['mood', 'y', null], ['leave', 'z'])
  await end(a)
  await nodes.advance(25_000)
  const again = await moveTo(b, ann, pos, as('ann'))
  expectRecovered(again, ann)
  expect(await membersAt(b, 'x')).toEqual([['ann', { mood: 'happy' }]])
  expect(await membersAt(b, 'y')).toEqual([['ann', null]])
  // What was left is begun anew.
  await say(again, 7, ['join', 'z'])
  expect(await membersAt(b, 'z')).toEqual([['ann', {}]])
})

test('and back, when it was taken away meanwhile', async () => {
  nodes = new Nodes(Desk)
  const [a, b] = [await nodes.add(), await nodes.add()]
  const ann = await guestOf(a, '/desk', as('ann'))
  const first = await say(ann, 1, ['join', 'x', 'y'], ['mood', 'x', 1], ['mood', 'y', 2])
  const there = await moveTo(b, ann, first, as('ann'))
  await say(there, 4, ['mood', 'x', 3])
  const second = await say(there, 5, ['leave', 'y'], ['join', 'y'])
  const back = await moveTo(a, there, second, as('ann'))
  expectRecovered(back, ann)
  expect(await membersAt(a, 'x')).toEqual([['ann', 3]])
  expect(await membersAt(a, 'y')).toEqual([['ann', {}]])
})

test('who watches is not told that anything has changed', async () => {
  nodes = new Nodes(Desk)
  const [a, b, c] = [await nodes.add(), await nodes.add(), await nodes.add()]
  const bob = await guestOf(c, '/desk', as('bob'))
  const ann = await guestOf(a, '/desk', as('ann'))
  const pos = await say(ann, 1, ['join', 'x'], ['mood', 'x', 'happy'])
  bob.send('{"watch":"x","id":1}')
  await nextTurn()
  expect(bob.frames().join()).toContain('"data":[{"id":"ann","state":"happy"}]')
  ann.client.vanish()
  await nodes.advance(1_000)
  expectRecovered(await moveTo(b, ann, pos, as('ann')), ann)
  await nodes.advance(20_000)
  expect(bob.frames().filter((frame) => frame.includes('presence'))).toEqual([])
})

test('a state that another node does not allow is left behind, and the session goes on', async () => {
  nodes = new Nodes(Desk)
  const a = await nodes.add()
  const Narrow = deskWith(8)
  const b = new TestNode(Narrow, nodes.hub, nodes.clock, {}, false)
  nodes.all.push(b)
  await b.app.ready()
  await nextTurn()
  const ann = await guestOf(a, '/desk', as('ann'))
  const pos = await say(ann, 1, ['join', 'x', 'y'], ['mood', 'x', 'all too long'], ['mood', 'y', 'short'])
  const again = await moveTo(b, ann, pos, as('ann'))
  expectRecovered(again, ann)
  const members = async (room: string) => b.app.get(Narrow).context.presence(room).members()
  expect(await members('x')).toMatchObject([{ id: 'ann', state: {} }])
  expect(await members('y')).toMatchObject([{ id: 'ann', state: 'short' }])
})
