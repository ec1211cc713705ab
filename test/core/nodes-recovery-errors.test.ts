import { afterEach, expect, test } from 'bun:test'
import { Gate } from '../support/gate.ts'
import { nextTurn } from '../support/until.ts'
import { expectRecovered, type Guest } from './guest.ts'
import { clearDesk, Desk } from './nodes-desk.ts'
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

function beginOf(guest: Guest): number {
  return guest.hello.recovery?.pos ?? 0
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
  expectRecovered(await moveTo(a, ann, beginOf(ann)), ann)
})
