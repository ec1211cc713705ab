import { afterEach, describe, expect, test } from 'bun:test'
import { Gateway, GatewayContext, On, type Socket } from 'partyline'
import { nextTurn } from '../support/until.ts'
import { Guest } from './guest.ts'
import { finish, start } from './in-memory.ts'

afterEach(finish)

@Gateway('/desk', { recovery: {} })
class Desk {
  constructor(readonly context: GatewayContext) {}

  @On() event() {}
}

/** Data that does something for the first so many times that it is encoded. */
function sending(send: () => void, times = 1): object {
  let left = times
  return {
    toJSON() {
      if (left-- > 0) send()
      return 'x'
    },
  }
}

describe.each([
  ['where core sends to each', { topics: false }],
  ['where the runtime publishes', { topics: true }],
])('%s', (_, runtime) => {
  test.each(['connected', 'suspended'])(
    'what is sent while something is encoded comes before it (%s)',
    async (when) => {
      const one = await start(Desk, {}, runtime)
      const { context } = one.app.get(Desk)
      const guest = await Guest.open(one, '/desk')
      const [socket] = [...one.app.sockets] as [Socket]
      socket.join('a')
      if (when === 'suspended') guest.client.vanish()
      socket.emit(
        'b',
        sending(() => context.emit('a')),
      )
      context.emit(
        'd',
        sending(() => socket.emit('c')),
      )
      context.to('a', 'z').emit(
        'f',
        sending(() => context.to('a').emit('e')),
      )
      socket.emit(
        'h',
        sending(() => socket.emit('g'), 2),
      )
      await nextTurn()
      const expected = [
        '{"event":"a","args":[],"pos":2}',
        '{"event":"b","data":"x","pos":3}',
        '{"event":"c","args":[],"pos":5}',
        '{"event":"d","data":"x","pos":6}',
        '{"event":"e","args":[],"pos":8}',
        '{"event":"f","data":"x","pos":9}',
        '{"event":"g","args":[],"pos":11}',
        '{"event":"g","args":[],"pos":12}',
        '{"event":"h","data":"x","pos":13}',
      ]
      if (when === 'connected') expect(guest.frames()).toEqual(expected)
      expect((await guest.resume(0)).frames()).toEqual(expected)
    },
  )

  // It was encoded again for ever, and what it sent each time filled the memory.
  test('what sends something each time that it is encoded is refused where it is sent', async () => {
    const one = await start(Desk, {}, runtime)
    const { context } = one.app.get(Desk)
    const guest = await Guest.open(one, '/desk')
    const [socket] = [...one.app.sockets] as [Socket]
    let sent = 0
    const endless = sending(() => socket.emit('inner', ++sent), Number.POSITIVE_INFINITY)
    expect(() => socket.emit('never', endless)).toThrow('each time that it is encoded')
    expect(() => context.emit('never', endless)).toThrow('each time that it is encoded')
    expect(sent).toBeLessThan(100)
    context.emit('last')
    await nextTurn()
    const names = guest.frames().map((text) => (JSON.parse(text) as { event: string }).event)
    expect(names).toEqual([...Array<string>(sent).fill('inner'), 'last'])
  })

  test('what cannot be encoded takes a place that nobody misses', async () => {
    const one = await start(Desk, { limits: { buffer: 100 } }, runtime)
    const { context } = one.app.get(Desk)
    const guest = await Guest.open(one, '/desk')
    const [socket] = [...one.app.sockets] as [Socket]
    expect(() => socket.emit('bytes', new Uint8Array(1))).toThrow(TypeError)
    expect(() => context.emit('bytes', new Uint8Array(1))).toThrow(TypeError)
    expect(() => socket.emit('large', 'x'.repeat(500))).toThrow(RangeError)
    expect(() => context.emit('large', 'x'.repeat(500))).toThrow(RangeError)
    socket.emit('fine')
    expect((await guest.resume(0)).frames()).toEqual(['{"event":"fine","args":[],"pos":5}'])
  })
})
