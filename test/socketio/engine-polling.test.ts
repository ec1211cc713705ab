import { describe, expect, test } from 'bun:test'
import { settle, told, World } from './engine-world.ts'

const BAD: [number, string] = [400, '{"code":3,"message":"Bad request"}']
const UNKNOWN: [number, string] = [400, '{"code":1,"message":"Session ID unknown"}']

/** A body that comes in the pieces that are asked for, and tells how many were. */
function pieces(all: readonly (Uint8Array | string)[], { ends = true } = {}) {
  const left = all.map((one) => (typeof one === 'string' ? new TextEncoder().encode(one) : one))
  const counts = { read: 0, cancelled: false }
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        const next = left.shift()
        if (next !== undefined) {
          counts.read++
          controller.enqueue(next)
        } else if (ends) controller.close()
        else return new Promise(() => {})
        return undefined
      },
      cancel() {
        counts.cancelled = true
      },
    },
    { highWaterMark: 0 },
  )
  return { body, counts }
}

describe('a payload', () => {
  test.each([
    ['4hello', ['hello'], '4hello'],
    ['4', [''], '4'],
    ['4test1\x1e4test2\x1e4test3', ['test1', 'test2', 'test3'], '4test1\x1e4test2\x1e4test3'],
    ['4hello\x1ebAQIDBA==', ['hello', new Uint8Array([1, 2, 3, 4])], '4hello\x1ebAQIDBA=='],
    ['4€ 😀\x1e4\ufeff', ['€ 😀', '\ufeff'], '4€ 😀\x1e4\ufeff'],
    ['b', [new Uint8Array(0)], 'b'],
    // As encoders of Android and Java write it.
    ['bAQID\nBA==\n', [new Uint8Array([1, 2, 3, 4])], 'bAQIDBA=='],
    ['6\x1e5\x1e4x', ['x'], '4x'],
  ])('of %p arrives, and the answers of all of it come in one', async (payload, messages, answers) => {
    const world = new World()
    const sid = await world.begin()
    const posted = await world.post(sid, payload)
    expect(posted.headers.get('content-type')).toBe('text/html')
    expect(await told(posted)).toEqual([200, 'ok'])
    expect(world.last.messages).toEqual(messages)
    const polled = await world.poll(sid)
    expect(polled.headers.get('content-type')).toBe('text/plain; charset=UTF-8')
    expect(polled.headers.get('cache-control')).toBe('no-store')
    expect(await told(polled)).toEqual([200, answers])
  })

  test.each([
    ...[
      'abc',
      '',
      '7',
      '0',
      '0{}',
      '2',
      '2probe',
      'b!',
      'b€',
      '\x1e',
      '4a\x1e',
      '4a\x1e\x1e4b',
      '2:40',
      '\ufeff4a',
      ' 4',
      '٤x',
    ],
  ])('of %p closes the session', async (payload) => {
    const world = new World()
    const sid = await world.begin()
    const poll = world.poll(sid)
    expect(await told(world.post(sid, payload))).toEqual(BAD)
    expect(await told(poll)).toEqual([200, '1'])
    expect(await told(world.poll(sid))).toEqual(UNKNOWN)
    expect(world.last.ends).toEqual([{ cause: 'parse error', code: 1002, reason: expect.any(String) }])
    world.expectNothingLeft()
  })

  test('is handled up to what is no packet, and no further', async () => {
    const world = new World()
    const sid = await world.begin()
    expect(await told(world.post(sid, '4a\x1e4b\x1e9\x1e4c'))).toEqual(BAD)
    expect(world.last.messages).toEqual(['a', 'b'])
  })

  test('that is no UTF-8 closes the session', async () => {
    const world = new World()
    const sid = await world.begin()
    expect(await told(world.post(sid, new Uint8Array([52, 0xc3])))).toEqual(BAD)
    expect(world.last.messages).toEqual([])
    world.expectNothingLeft()
  })

  test('that says it is binary, as of protocol 3, closes the session', async () => {
    const world = new World()
    const sid = await world.begin()
    const headers = { 'content-type': 'application/octet-stream' }
    expect(await told(world.post(sid, '4a', { headers }))).toEqual(BAD)
    world.expectNothingLeft()
  })

  test('of too many packets closes the session', async () => {
    const world = new World({ maxPackets: 3 })
    const [first, second] = [await world.begin(), await world.begin()]
    expect((await world.post(first, '4\x1e4\x1e4')).status).toBe(200)
    expect((await world.post(second, '4\x1e4\x1e4\x1e4')).status).toBe(400)
    expect(world.seen.map(({ messages }) => messages.length)).toEqual([3, 3])
    expect(world.server.size).toBe(1)
  })

  test('in pieces is put together, characters that were cut through too', async () => {
    const world = new World()
    const sid = await world.begin()
    const bytes = new TextEncoder().encode('4a€')
    const { body } = pieces([bytes.slice(0, 3), bytes.slice(3, 4), bytes.slice(4), '\x1e4b'])
    expect(await told(world.post(sid, body))).toEqual([200, 'ok'])
    expect(world.last.messages).toEqual(['a€', 'b'])
  })
})

describe('a payload that is too long', () => {
  test('by its own word is not read', async () => {
    const world = new World({ maxPayload: 10 })
    const sid = await world.begin()
    const { body, counts } = pieces(['4'.repeat(11)])
    const answer = await world.post(sid, body, { headers: { 'content-length': '11' } })
    expect(answer.status).toBe(413)
    expect(answer.headers.get('connection')).toBe('close')
    expect(counts.read).toBe(0)
    expect(world.last.ends).toEqual([expect.objectContaining({ cause: 'transport error', code: 1009 })])
    world.expectNothingLeft()
  })

  test('is read up to the limit, in bytes, and no further', async () => {
    const world = new World({ maxPayload: 10 })
    const sid = await world.begin()
    const { body, counts } = pieces(Array.from({ length: 100 }, () => '4€€'))
    expect((await world.post(sid, body)).status).toBe(413)
    expect(counts).toEqual({ read: 2, cancelled: true })
    expect(world.last.messages).toEqual([])
    expect(await told(world.poll(sid))).toEqual(UNKNOWN)
  })

  test('by no byte is taken', async () => {
    const world = new World({ maxPayload: 10 })
    const sid = await world.begin()
    expect(await told(world.post(sid, `4${'€'.repeat(3)}`))).toEqual([200, 'ok'])
  })
})

describe('a poll', () => {
  test('waits until something is sent, and what is sent in one turn comes in one answer', async () => {
    const world = new World()
    const sid = await world.begin()
    const { socket } = world.last
    expect(socket.writable).toBe(false)
    const poll = world.poll(sid)
    expect(socket.writable).toBe(true)
    expect(socket.send('a')).toBe(true)
    socket.send(new Uint8Array([1]))
    socket.sendPackets(['4b', new Uint8Array([2])])
    expect(await told(poll)).toEqual([200, '4a\x1ebAQ==\x1e4b\x1ebAg=='])
    expect(socket.writable).toBe(false)
    expect(socket.send('later')).toBe(false)
    expect(socket.bufferedAmount).toBeGreaterThan(5)
    expect(await told(world.poll(sid))).toEqual([200, '4later'])
    expect(socket.bufferedAmount).toBe(0)
  })

  test('is kept by the runtime only where it has to wait', async () => {
    const world = new World()
    const sid = await world.begin()
    let held = 0
    const hold = (): void => void held++
    world.last.socket.send('a')
    await world.poll(sid, { hold })
    expect(held).toBe(0)
    const poll = world.poll(sid, { hold })
    expect(held).toBe(1)
    world.last.socket.send('b')
    await poll
  })

  test('beside another closes the session', async () => {
    const world = new World()
    const sid = await world.begin()
    const first = world.poll(sid)
    expect(await told(world.poll(sid))).toEqual(BAD)
    expect(await told(first)).toEqual([200, '1'])
    expect(await told(world.poll(sid))).toEqual(UNKNOWN)
    expect(world.last.ends[0]?.cause).toBe('transport error')
    world.expectNothingLeft()
  })

  test('that is given up closes the session', async () => {
    const world = new World()
    const sid = await world.begin()
    const aborter = new AbortController()
    const poll = world.poll(sid, { signal: aborter.signal })
    aborter.abort()
    expect((await poll).status).toBe(400)
    expect(await told(world.poll(sid))).toEqual(UNKNOWN)
    expect(world.last.ends).toEqual([expect.objectContaining({ cause: 'transport error', code: 1006 })])
    world.expectNothingLeft()
  })

  test('that was given up before it was looked at closes the session, and takes nothing', async () => {
    const world = new World()
    const sid = await world.begin()
    world.last.socket.send('a')
    expect((await world.poll(sid, { signal: AbortSignal.abort() })).status).toBe(400)
    world.expectNothingLeft()
  })

  test('that was answered is of no interest any more', async () => {
    const world = new World()
    const sid = await world.begin()
    const aborter = new AbortController()
    const poll = world.poll(sid, { signal: aborter.signal })
    world.last.socket.send('a')
    await poll
    aborter.abort()
    expect(world.last.socket.isOpen).toBe(true)
  })

  test('is answered while a POST is being read', async () => {
    const world = new World()
    const sid = await world.begin()
    const { body } = pieces(['4'], { ends: false })
    void world.post(sid, body)
    world.last.socket.send('a')
    expect(await told(world.poll(sid))).toEqual([200, '4a'])
  })
})

describe('a POST', () => {
  test('beside another closes the session, and both are refused', async () => {
    const world = new World()
    const sid = await world.begin()
    const { body, counts } = pieces(['4a'], { ends: false })
    const first = world.post(sid, body)
    await settle()
    expect(await told(world.post(sid, '4b'))).toEqual(BAD)
    expect(await told(first)).toEqual(UNKNOWN)
    expect(counts.cancelled).toBe(true)
    expect(world.last.messages).toEqual([])
    world.expectNothingLeft()
  })

  test('that breaks off closes the session', async () => {
    const world = new World()
    const sid = await world.begin()
    const body = new ReadableStream({
      start: (controller) => {
        controller.enqueue(new TextEncoder().encode('4a'))
      },
      pull: (controller) => controller.error(new Error('gone')),
    })
    expect((await world.post(sid, body)).status).toBe(400)
    expect(world.last.messages).toEqual([])
    world.expectNothingLeft()
  })

  test('that never ends is given up with its session', async () => {
    const world = new World()
    const sid = await world.begin()
    const { body, counts } = pieces(['4a'], { ends: false })
    const post = world.post(sid, body)
    await settle()
    world.clock.advance(500)
    expect(await told(post)).toEqual(UNKNOWN)
    expect(counts.cancelled).toBe(true)
    world.expectNothingLeft()
  })

  test('is not answered, and not handled further, while nothing is to be read', async () => {
    const world = new World({}, ({ socket }) => socket.pause())
    const sid = await world.begin()
    let isAnswered = false
    const post = world.post(sid, '4a\x1e4b\x1e4c').then((answer) => {
      isAnswered = true
      return told(answer)
    })
    for (const messages of [['a'], ['a', 'b'], ['a', 'b', 'c']]) {
      await settle()
      expect(world.last.messages).toEqual(messages)
      if (messages.length < 3) expect(isAnswered).toBe(false)
      world.last.socket.resume()
    }
    expect(await post).toEqual([200, 'ok'])
  })

  test('that waits to be read on ends with the session', async () => {
    const world = new World({}, ({ socket }) => socket.pause())
    const sid = await world.begin()
    const post = world.post(sid, '4a\x1e4b')
    await settle()
    world.last.socket.terminate()
    expect((await post).status).toBe(200)
    expect(world.last.messages).toEqual(['a'])
    world.expectNothingLeft()
  })
})

describe('closing', () => {
  test('by the client lets its poll go, and forgets the session', async () => {
    const world = new World()
    const sid = await world.begin()
    const poll = world.poll(sid)
    expect(await told(world.post(sid, '1'))).toEqual([200, 'ok'])
    expect(await told(poll)).toEqual([200, '6'])
    expect(await told(world.poll(sid))).toEqual(UNKNOWN)
    expect(world.last.ends).toEqual([{ cause: 'transport close', code: 1000, reason: '' }])
    world.expectNothingLeft()
  })

  test('by the client ends what stands behind it in the payload', async () => {
    const world = new World()
    const sid = await world.begin()
    expect(await told(world.post(sid, '4a\x1e1\x1e4b'))).toEqual([200, 'ok'])
    expect(world.last.messages).toEqual(['a'])
    world.expectNothingLeft()
  })

  test('by the server is told with what was sent before', async () => {
    const world = new World()
    const sid = await world.begin()
    const poll = world.poll(sid)
    const { socket, ends } = world.last
    socket.send('a')
    socket.close(4000, 'enough')
    expect(ends).toEqual([{ cause: 'forced close', code: 4000, reason: 'enough' }])
    expect([socket.isOpen, socket.send('b'), socket.bufferedAmount]).toEqual([false, false, 0])
    expect(await told(poll)).toEqual([200, '4a\x1e1'])
    expect(await told(world.poll(sid))).toEqual(UNKNOWN)
    world.expectNothingLeft()
  })

  test('by the server waits for who is to be told, who may not send any more', async () => {
    const world = new World()
    const sid = await world.begin()
    world.last.socket.send('a')
    world.last.socket.close()
    expect(await told(world.post(sid, '4lost'))).toEqual([200, 'ok'])
    expect(world.last.messages).toEqual([])
    expect(await told(world.poll(sid))).toEqual([200, '4a\x1e1'])
    expect(await told(world.poll(sid))).toEqual(UNKNOWN)
    world.expectNothingLeft()
  })

  test('by the server waits no longer than half a minute', async () => {
    const world = new World()
    const sid = await world.begin()
    world.last.socket.close()
    world.clock.advance(29_999)
    expect(world.server.size).toBe(1)
    world.clock.advance(1)
    expect(await told(world.poll(sid))).toEqual(UNKNOWN)
    world.expectNothingLeft()
  })

  test('by the server in a handler leaves the rest of the payload', async () => {
    const world = new World({}, ({ socket }) => socket.close())
    const sid = await world.begin()
    expect(await told(world.post(sid, '4a\x1e4b'))).toEqual([200, 'ok'])
    expect(world.last.messages).toEqual(['a'])
    expect(await told(world.poll(sid))).toEqual([200, '1'])
    world.expectNothingLeft()
  })

  test('at once waits for nobody, also after closing', async () => {
    const world = new World()
    const [first, second] = [await world.begin(), await world.begin()]
    const poll = world.poll(first)
    world.seen[0]?.socket.send('a')
    world.seen[0]?.socket.terminate()
    expect(await told(poll)).toEqual([200, '1'])
    world.seen[1]?.socket.close()
    world.seen[1]?.socket.terminate()
    expect(await told(world.poll(second))).toEqual(UNKNOWN)
    world.expectNothingLeft()
  })
})

test('who does not come for what is sent is closed, and takes no more memory', async () => {
  const world = new World({ maxBuffered: 1_000 })
  await world.begin()
  const { socket, ends } = world.last
  for (let i = 0; i < 9; i++) socket.send('x'.repeat(99))
  expect(socket.isOpen).toBe(true)
  socket.send(new Uint8Array(90))
  expect(ends).toEqual([
    expect.objectContaining({ cause: 'transport error', reason: expect.stringContaining('1000') }),
  ])
  world.expectNothingLeft()
})

test('a handler that throws ends the session, and nothing else', async () => {
  const world = new World({}, () => {
    throw new Error('no')
  })
  const sid = await world.begin()
  expect((await world.post(sid, '4a\x1e4b')).status).toBe(200)
  expect(world.last.ends[0]?.code).toBe(1011)
  expect(world.last.messages).toEqual(['a'])
  expect(world.failures.splice(0)).toHaveLength(1)
  world.expectNothingLeft()
})
