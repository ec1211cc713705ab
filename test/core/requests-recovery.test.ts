import { afterEach, expect, test } from 'bun:test'
import {
  Gateway,
  GatewayContext,
  On,
  OnClose,
  OnResume,
  OnSuspend,
  PartylineError,
  type Socket,
} from 'partyline'
import { nextTurn } from '../support/until.ts'
import { expectNew, expectRecovered, Guest } from './guest.ts'
import { finish, start } from './in-memory.ts'

afterEach(finish)

/** How requests ended, in order. */
const ends: unknown[] = []
afterEach(() => void ends.splice(0))

/** Takes note of how a request ends. */
function noted(call: Promise<unknown>): void {
  call.then(
    (data) => ends.push(data),
    (error: PartylineError) => ends.push(error.code),
  )
}

@Gateway('/desk', { recovery: { window: 60_000, limit: 3 } })
class Desk {
  constructor(readonly context: GatewayContext) {}

  @On() async ask(socket: Socket, data: unknown) {
    return { answer: await socket.call('sure?', data) }
  }
}

async function met() {
  const one = await start(Desk)
  const guest = await Guest.open(one, '/desk')
  const [socket] = [...one.app.sockets] as [Socket]
  return { one, guest, socket, context: one.app.get(Desk).context }
}

test('a request that is sent while the session is suspended is answered after it is resumed, once', async () => {
  const { guest, socket } = await met()
  guest.client.vanish()
  noted(socket.call('sure?', 1, { timeout: 50_000 }))
  const again = await guest.resume(0)
  expect(again.frames()).toEqual(['{"event":"sure?","data":1,"id":1,"pos":1}'])
  again.send('{"ack":1,"data":"yes","pos":1}', '{"ack":1,"data":"no","pos":1}', '{"ack":1,"data":"no"}')
  await nextTurn()
  expect(ends).toEqual(['yes'])
  expect(again.frames()).toEqual([])
})

test('a request that did not arrive comes again with the next line; its answer counts once', async () => {
  const { guest, socket } = await met()
  guest.client.reading = false
  noted(socket.call('sure?', 1))
  await nextTurn()
  const again = await guest.returns(0)
  expect(again.frames()).toEqual(['{"event":"sure?","data":1,"id":1,"pos":1}'])
  again.send('{"ack":1,"data":"yes","pos":1}')
  const third = await again.returns(1)
  expect(third.hello.received).toBe(1)
  // It cannot know that its answer arrived.
  third.send('{"ack":1,"data":"yes","pos":1}')
  await nextTurn()
  expect(ends).toEqual(['yes'])
  expect(third.frames()).toEqual([])
})

test('an answer that got lost with its line is sent again by the client', async () => {
  const { guest, socket } = await met()
  noted(socket.call('sure?', 1))
  await nextTurn()
  const again = await guest.returns(1)
  expect(again.frames()).toEqual([])
  expect(again.hello.received).toBe(0)
  again.send('{"ack":1,"error":{"code":"NO","message":"no"},"pos":1}')
  await nextTurn()
  expect(ends).toEqual(['NO'])
})

test('a handler that asks the client goes on over the next line, and its own request is answered there', async () => {
  const { guest } = await met()
  guest.send('{"event":"ask","data":"a","id":7,"pos":1}')
  const again = await guest.returns(0)
  expect(again.frames()).toEqual(['{"event":"sure?","data":"a","id":1,"pos":1}'])
  again.send('{"event":"ask","data":"a","id":7,"pos":1}', '{"ack":1,"data":true,"pos":2}')
  await nextTurn()
  expect(again.frames()).toEqual(['{"ack":7,"data":{"answer":true},"pos":2}'])
})

test('TIMEOUT comes though the session is suspended, and an answer after it is ignored', async () => {
  const { one, guest, socket } = await met()
  guest.client.vanish()
  noted(socket.call('sure?'))
  one.clock.advance(10_000)
  await nextTurn()
  expect(ends).toEqual(['TIMEOUT'])
  const again = await guest.resume(0)
  again.send('{"ack":1,"data":"late","pos":1}')
  await nextTurn()
  expect(ends).toEqual(['TIMEOUT'])
  expect(again.frames()).toHaveLength(1)
  expect(one.app.stats().malformedFrames).toBe(0)
})

test('DISCONNECTED comes when the session is over: after the window, or where it cannot be resumed', async () => {
  const { one, guest, socket, context } = await met()
  noted(socket.call('sure?', 1, { timeout: Number.POSITIVE_INFINITY }))
  guest.client.vanish()
  noted(socket.call('sure?', 2, { timeout: Number.POSITIVE_INFINITY }))
  one.clock.advance(59_999)
  await nextTurn()
  expect(ends).toEqual([])
  one.clock.advance(1)
  await nextTurn()
  expect(ends).toEqual(['DISCONNECTED', 'DISCONNECTED'])

  const other = await Guest.open(one, '/desk')
  const otherSocket = context.sockets.get(other.hello.sid) as Socket
  other.client.vanish()
  noted(otherSocket.call('sure?'))
  for (let i = 0; i < 3; i++) otherSocket.emit('more')
  expectNew(await other.resume(2), other)
  await nextTurn()
  expect(ends.slice(2)).toEqual(['DISCONNECTED'])
})

test('a room is asked together: who is suspended answers when it is back', async () => {
  const { one, guest, context } = await met()
  const other = await Guest.open(one, '/desk')
  guest.client.vanish()
  const call = context.call('sure?', 1)
  await nextTurn()
  other.send('{"ack":1,"data":"other","pos":1}')
  const again = await guest.resume(0)
  expectRecovered(again, guest)
  again.send('{"ack":1,"data":"guest","pos":1}')
  expect((await call).map(({ data }) => data)).toEqual(['guest', 'other'])
})

test('@OnSuspend, @OnResume and @OnClose may ask: the first two are answered over the next line', async () => {
  @Gateway('/asking', { recovery: {} })
  class Asking {
    @OnSuspend() async suspended(socket: Socket) {
      ends.push(await socket.call('where?'))
    }

    @OnResume() async resumed(socket: Socket) {
      ends.push(await socket.call('back?'))
    }

    @On() event() {
      ends.push('event')
    }

    @OnClose() closed(socket: Socket) {
      noted(socket.call('bye?'))
    }
  }

  const one = await start(Asking)
  const guest = await Guest.open(one, '/asking')
  guest.client.vanish()
  await nextTurn()
  const again = await guest.resume(0)
  again.send('{"event":"event","pos":1}')
  await nextTurn()
  expect(again.frames()).toEqual(['{"event":"where?","args":[],"id":1,"pos":1}'])
  again.send('{"ack":1,"data":"here","pos":2}')
  await nextTurn()
  expect(again.frames()).toEqual(['{"event":"back?","args":[],"id":2,"pos":2}'])
  expect(ends).toEqual(['here'])
  again.send('{"ack":2,"data":"yes","pos":3}')
  await nextTurn()
  expect(ends).toEqual(['here', 'yes', 'event'])
  again.client.close()
  await nextTurn()
  expect(ends.slice(3)).toEqual(['DISCONNECTED'])
})
