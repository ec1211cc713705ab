import { describe, expect, test } from 'bun:test'
import type { MemoryClient } from '../../lib/runtime/memory-line.ts'
import { settle, told, World } from './engine-world.ts'

const BAD: [number, string] = [400, '{"code":3,"message":"Bad request"}']

describe('an upgrade', () => {
  test('goes by probe, noop and upgrade', async () => {
    const world = new World()
    const { sid, line } = await world.beginUpgrade()
    expect(line.received).toEqual([])
    line.send('2probe')
    expect(line.received).toEqual(['3probe'])
    expect(await told(world.poll(sid))).toEqual([200, '6'])
    expect(world.last.socket.transport).toBe('polling')
    line.send('5')
    expect([world.last.socket.transport, world.last.upgrades]).toEqual(['websocket', 1])
    line.send('4hello')
    expect(line.received).toEqual(['3probe', '4hello'])
    expect(world.last.socket.connection).toBeDefined()
  })

  test('lets the poll go that waits', async () => {
    const world = new World()
    const sid = await world.begin()
    const poll = world.poll(sid)
    const line = await world.socket(`EIO=4&transport=websocket&sid=${sid}`)
    await settle()
    expect(world.last.socket.writable).toBe(true)
    line.send('2probe')
    expect(await told(poll)).toEqual([200, '6'])
  })

  test('lets further polls go after a moment, so that they do not come without a pause', async () => {
    const world = new World()
    const { sid, line } = await world.beginUpgrade()
    line.send('2probe')
    expect(await told(world.poll(sid))).toEqual([200, '6'])
    const poll = world.poll(sid)
    world.clock.advance(99)
    expect(world.last.socket.writable).toBe(true)
    world.clock.advance(1)
    expect(await told(poll)).toEqual([200, '6'])
  })

  test('lets a poll go but once', async () => {
    const world = new World()
    const { sid, line } = await world.beginUpgrade()
    line.send('2probe')
    await world.poll(sid)
    const poll = world.poll(sid)
    world.last.socket.send('a')
    expect(await told(poll)).toEqual([200, '4a'])
    // The heartbeat, and the time limit of the upgrade.
    expect(world.clock.pending).toBe(2)
  })

  test('loses nothing and keeps the order, whatever is sent when', async () => {
    const world = new World()
    const sid = await world.begin()
    const { socket } = world.last
    const got: string[] = []
    socket.send('1')
    got.push(...(await told(world.poll(sid)))[1].split('\x1e'))
    const poll = world.poll(sid)
    socket.send('2')
    const line = await world.socket(`EIO=4&transport=websocket&sid=${sid}`)
    got.push(...(await told(poll))[1].split('\x1e'))
    socket.send('3')
    line.send('2probe')
    socket.send('4')
    got.push(...(await told(world.poll(sid)))[1].split('\x1e'))
    socket.send('5')
    socket.send(new Uint8Array([6]))
    line.send('5')
    socket.send('7')
    expect(got).toEqual(['41', '42', '43', '44'])
    expect(line.received).toEqual(['3probe', '45', new Uint8Array([6]), '47'])
  })

  test('with what was just sent and a poll still there gives it to the WebSocket', async () => {
    const world = new World()
    const sid = await world.begin()
    const poll = world.poll(sid)
    const line = await world.socket(`EIO=4&transport=websocket&sid=${sid}`)
    world.last.socket.send('a')
    // Before the turn is over in which that was sent.
    line.send('5')
    world.last.socket.send('b')
    expect(await told(poll)).toEqual([200, '6'])
    expect(line.received).toEqual(['4a', '4b'])
  })

  test('keeps the order of what the client sends', async () => {
    const world = new World()
    const { sid, line } = await world.beginUpgrade()
    await world.post(sid, '4a')
    line.send('2probe')
    await world.post(sid, '4b\x1e4c')
    line.send('5')
    line.send('4d')
    expect(world.last.messages).toEqual(['a', 'b', 'c', 'd'])
  })

  test('beside a POST that is still on its way ends the session, since its messages would come late', async () => {
    const world = new World()
    const { sid, line } = await world.beginUpgrade()
    const post = world.post(sid, new ReadableStream({ pull: () => new Promise(() => {}) }))
    await settle()
    line.send('2probe')
    line.send('5')
    expect(line.closed?.code).toBe(1002)
    expect((await post).status).toBe(400)
    expect(world.last.ends[0]?.cause).toBe('transport error')
    world.expectNothingLeft()
  })

  test('without a probe is an upgrade too, as some clients do', async () => {
    const world = new World()
    const { line } = await world.beginUpgrade()
    line.send('5')
    line.send('4a')
    expect(line.received).toEqual(['4a'])
  })

  test('takes a pause along', async () => {
    const world = new World()
    const { line } = await world.beginUpgrade()
    world.last.socket.pause()
    line.send('5')
    line.send('4a')
    expect(world.last.messages).toEqual([])
    world.last.socket.resume()
    await Promise.resolve()
    expect(world.last.messages).toEqual(['a'])
  })
})

describe('after an upgrade', () => {
  test.each(['GET', 'POST'])('a %s with the same ID is refused, and the session goes on', async (method) => {
    const world = new World()
    const { sid, line } = await world.upgraded()
    const said = method === 'POST' ? { method, body: '4late' } : { method }
    expect(await told(world.ask(`EIO=4&transport=polling&sid=${sid}`, said))).toEqual(BAD)
    line.send('4hello')
    expect(line.received).toEqual(['3probe', '4hello'])
    expect(world.last.messages).toEqual(['hello'])
  })

  test('a WebSocket with the same ID is closed, and the session goes on', async () => {
    const world = new World()
    const { sid, line } = await world.upgraded()
    const second = await world.socket(`EIO=4&transport=websocket&sid=${sid}`)
    expect(second.closed?.code).toBe(1008)
    second.send('4stray')
    line.send('4hello')
    expect(line.received).toEqual(['3probe', '4hello'])
    expect(world.last.messages).toEqual(['hello'])
  })

  test('no time limit of it is left', async () => {
    const world = new World({ upgradeTimeout: 100 })
    const { line } = await world.upgraded()
    expect(world.clock.pending).toBe(1)
    world.clock.advance(299)
    expect(line.closed).toBeUndefined()
    line.close()
    world.expectNothingLeft()
  })
})

describe('half an upgrade', () => {
  test('takes its time only, and the session goes on polling', async () => {
    const world = new World({ upgradeTimeout: 100 })
    const { sid, line } = await world.beginUpgrade()
    line.send('2probe')
    world.clock.advance(99)
    expect(line.closed).toBeUndefined()
    world.clock.advance(1)
    expect(line.closed?.code).toBe(1008)
    const poll = world.poll(sid)
    await world.post(sid, '4a')
    expect(await told(poll)).toEqual([200, '4a'])
  })

  test('that the client gives up leaves the session polling, and free to try again', async () => {
    const world = new World()
    const { sid, line } = await world.beginUpgrade()
    line.send('2probe')
    line.close()
    const poll = world.poll(sid)
    world.last.socket.send('a')
    expect(await told(poll)).toEqual([200, '4a'])
    const again = await world.socket(`EIO=4&transport=websocket&sid=${sid}`)
    again.send('2probe')
    again.send('5')
    again.send('4b')
    expect(again.received).toEqual(['3probe', '4b'])
    expect(world.last.ends).toEqual([])
  })

  test('allows no second WebSocket meanwhile, and is not disturbed by it', async () => {
    const world = new World()
    const { sid, line } = await world.beginUpgrade()
    const second = await world.socket(`EIO=4&transport=websocket&sid=${sid}`)
    expect(second.closed?.code).toBe(1008)
    line.send('2probe')
    line.send('5')
    expect(world.last.socket.transport).toBe('websocket')
  })

  test.each([['4hello'], ['2'], ['3'], ['1'], ['abc'], [''], [new Uint8Array([1])]])(
    'that goes on with %p is closed, and the session goes on polling',
    async (frame) => {
      const world = new World()
      const { sid, line } = await world.beginUpgrade()
      line.send('2probe')
      line.send(frame)
      expect(line.closed?.code).toBe(1002)
      expect(world.last.messages).toEqual([])
      expect(await told(world.post(sid, '4a'))).toEqual([200, 'ok'])
      expect(await told(world.poll(sid))).toEqual([200, '4a'])
    },
  )

  test('that probes again and again is closed', async () => {
    const world = new World()
    const { line } = await world.beginUpgrade()
    line.send('2probe')
    line.send('2probe')
    expect(line.received).toEqual(['3probe'])
    expect(line.closed?.code).toBe(1002)
  })

  test('with a message that is too long is closed, and the session goes on polling', async () => {
    const world = new World({ maxPayload: 10 })
    const { line } = await world.beginUpgrade()
    line.send('2probe12345')
    expect(line.closed?.code).toBe(1009)
    expect(world.last.socket.isOpen).toBe(true)
    expect(world.clock.pending).toBe(1)
  })

  test('of which one message was too long does not go on with the next', async () => {
    const world = new World({ maxPayload: 10 })
    const sid = await world.begin()
    const request = new Request(`http://localhost/engine.io/?EIO=4&transport=websocket&sid=${sid}`)
    const verdict = await world.server.handle(request, { ip: '' }, true)
    if (verdict instanceof Response) throw new Error('refused')
    const { handler } = verdict
    const closes: number[] = []
    const nothing = (): boolean => true
    // A line that still brings what came before the close was answered.
    handler.opened({
      bufferedAmount: 0,
      send: nothing,
      sendAll: nothing,
      close: (code) => void closes.push(code),
      terminate: nothing,
    })
    handler.message('2probe12345')
    handler.message('5')
    expect(closes).toEqual([1009])
    expect(world.last.socket.transport).toBe('polling')
    handler.closed(1009, '')
    expect(world.last.socket.isOpen).toBe(true)
  })

  test.each([
    ['the client closes', (world: World, sid: string) => world.post(sid, '1')],
    ['the server terminates', (world: World) => world.last.socket.terminate()],
    ['no pong comes', (world: World) => world.clock.advance(500)],
  ])('ends with its session where %s', async (_, end) => {
    const world = new World()
    const { sid, line } = await world.beginUpgrade()
    line.send('2probe')
    await end(world, sid)
    expect(line.closed).toBeDefined()
    if (world.server.size > 0) await world.poll(sid)
    world.expectNothingLeft()
  })

  test('of a session that has ended meanwhile is closed', async () => {
    const world = new World()
    const sid = await world.begin()
    const request = new Request(`http://localhost/engine.io/?EIO=4&transport=websocket&sid=${sid}`)
    const verdict = await world.server.handle(request, { ip: '' }, true)
    world.last.socket.terminate()
    if (verdict instanceof Response) throw new Error('refused')
    expect(world.open(verdict).closed?.code).toBe(1008)
    world.expectNothingLeft()
  })
})

test('an upgrade is refused where there are none', async () => {
  const world = new World({ allowUpgrades: false })
  const sid = await world.begin()
  const answer = await world.knock(`EIO=4&transport=websocket&sid=${sid}`)
  expect(await told(answer as Response)).toEqual(BAD)
  expect(world.last.socket.isOpen).toBe(true)
})

test('a session that was upgraded ends with its WebSocket', async () => {
  const world = new World()
  const { sid, line } = await world.upgraded()
  line.vanish()
  expect(world.last.ends).toEqual([{ cause: 'transport close', code: 1006, reason: '' }])
  expect((await world.poll(sid)).status).toBe(400)
  world.expectNothingLeft()
})

describe('a session that is closed during an upgrade', () => {
  /** The probe was answered, and the client has stopped polling: it is about to say that it goes over. */
  async function closedMeanwhile(): Promise<{ world: World; sid: string; line: MemoryClient }> {
    const world = new World()
    const { sid, line } = await world.beginUpgrade()
    line.send('2probe')
    expect(await told(world.poll(sid))).toEqual([200, '6'])
    world.last.socket.send('last')
    world.last.socket.close(4000, 'enough')
    expect(world.last.ends).toEqual([{ cause: 'forced close', code: 4000, reason: 'enough' }])
    return { world, sid, line }
  }

  test('tells who goes over by the WebSocket, after what was sent', async () => {
    const { world, line } = await closedMeanwhile()
    expect(line.closed).toBeUndefined()
    line.send('5')
    line.send('4too late')
    expect(line.received).toEqual(['3probe', '4last'])
    expect(line.closed).toMatchObject({ code: 4000, reason: 'enough' })
    expect([world.last.messages, world.last.upgrades]).toEqual([[], 0])
    world.expectNothingLeft()
  })

  test('tells who polls once more by that, and closes the WebSocket', async () => {
    const { world, sid, line } = await closedMeanwhile()
    expect(await told(world.poll(sid))).toEqual([200, '4last\x1e1'])
    expect(line.closed?.code).toBe(4000)
    world.expectNothingLeft()
  })

  test('waits no longer for either than for who polls', async () => {
    const { world, line } = await closedMeanwhile()
    world.clock.advance(30_000)
    expect(line.closed).toBeDefined()
    world.expectNothingLeft()
  })
})
