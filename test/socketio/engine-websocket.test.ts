import { describe, expect, test } from 'bun:test'
import { messagePacket } from '../../lib/socketio/engine/packet.ts'
import { sidOf, told, World } from './engine-world.ts'

describe('a message by WebSocket', () => {
  test.each([
    ['4hello', 'hello', '4hello'],
    ['4', '', '4'],
    ['4€ 😀', '€ 😀', '4€ 😀'],
    ['4a\x1e4b', 'a\x1e4b', '4a\x1e4b'],
    [new Uint8Array([1, 2, 3, 4]), new Uint8Array([1, 2, 3, 4]), new Uint8Array([1, 2, 3, 4])],
    [new Uint8Array([52]), new Uint8Array([52]), new Uint8Array([52])],
    // As of clients without binary.
    ['bAQIDBA==', new Uint8Array([1, 2, 3, 4]), new Uint8Array([1, 2, 3, 4])],
  ])('of %p is a frame of its own, both ways', async (frame, message, answer) => {
    const world = new World()
    const other = await world.socket()
    const client = await world.socket()
    client.send(frame)
    expect(world.last.messages).toEqual([message])
    expect(client.received.slice(1)).toEqual([answer])
    expect(other.received).toHaveLength(1)
  })

  test('goes out as text to who says b64=1', async () => {
    const world = new World()
    const client = await world.socket('EIO=4&transport=websocket&b64=1')
    const { socket } = world.last
    socket.send(new Uint8Array([1, 2, 3, 4]))
    socket.sendPackets(['4a', new Uint8Array([1])])
    expect(client.received.slice(1)).toEqual(['bAQIDBA==', '4a', 'bAQ=='])
    // Audiences of the runtime's own would be sent bytes.
    expect(socket.connection).toBeUndefined()
  })

  test('is encoded once for all who get it', async () => {
    const world = new World()
    const clients = [await world.socket(), await world.socket()]
    const sid = await world.begin()
    const [text, bytes] = [messagePacket('a'), messagePacket(new Uint8Array([7]))]
    for (const { socket } of world.seen) socket.sendPackets([text, bytes])
    for (const { received } of clients) expect(received.slice(1)).toEqual(['4a', bytes])
    // The same bytes, not others like them.
    expect(clients[0]?.received[2]).toBe(bytes)
    expect(await told(world.poll(sid))).toEqual([200, '4a\x1ebBw=='])
  })
})

describe('a WebSocket is closed', () => {
  test.each(['abc', '', '7', '0', '2', '2probe', 'b!', ' 4'])('where %p comes', async (frame) => {
    const world = new World()
    const client = await world.socket()
    client.send(frame)
    expect(client.closed?.code).toBe(1002)
    expect(world.last.ends).toEqual([{ cause: 'parse error', code: 1002, reason: expect.any(String) }])
    world.expectNothingLeft()
  })

  test.each(['5', '6', '3'])('not where %p comes, which means nothing then', async (frame) => {
    const world = new World()
    const client = await world.socket()
    client.send(frame)
    client.send('4a')
    expect(client.received.slice(1)).toEqual(['4a'])
  })

  test('where the client says so', async () => {
    const world = new World()
    const client = await world.socket()
    client.send('1')
    expect(client.closed?.code).toBe(1000)
    expect(world.last.ends).toEqual([{ cause: 'transport close', code: 1000, reason: '' }])
    world.expectNothingLeft()
  })

  test.each([
    [1000, 'transport close'],
    [1001, 'transport close'],
    [1006, 'transport close'],
    [1007, 'transport error'],
  ] as const)('by the other side with %p', async (code, cause) => {
    const world = new World()
    const client = await world.socket()
    client.close(code, 'so')
    expect(world.last.ends).toEqual([{ cause, code, reason: 'so' }])
    world.expectNothingLeft()
  })

  test('where the server closes or terminates', async () => {
    const world = new World()
    const [closed, ended] = [await world.socket(), await world.socket()]
    world.seen[0]?.socket.close(4000, 'enough')
    expect(closed.closed).toEqual({ code: 4000, reason: 'enough' })
    world.seen[1]?.socket.terminate()
    expect(ended.closed?.code).toBe(1006)
    expect(world.seen.map(({ ends }) => ends[0]?.cause)).toEqual(['forced close', 'forced close'])
    world.expectNothingLeft()
  })

  test.each([['4'.repeat(11)], ['4€€€€'], [new Uint8Array(11)]])(
    'where a message is too long: %p',
    async (frame) => {
      const world = new World({ maxPayload: 10 })
      const client = await world.socket()
      client.send(frame)
      expect(client.closed?.code).toBe(1009)
      expect(world.last.ends).toEqual([{ cause: 'transport error', code: 1009, reason: 'message too big' }])
      expect(world.last.messages).toEqual([])
      world.expectNothingLeft()
    },
  )

  test('not where a message is as long as it may be', async () => {
    const world = new World({ maxPayload: 10 })
    const client = await world.socket()
    for (const frame of ['4€€€', '4'.repeat(10), new Uint8Array(10)]) client.send(frame)
    expect(world.last.messages).toHaveLength(3)
  })

  test('where nobody reads what is sent', async () => {
    const world = new World({ maxBuffered: 1_000 })
    const client = await world.socket()
    client.reading = false
    const { socket, ends } = world.last
    for (let i = 0; i < 10; i++) socket.send('x'.repeat(99))
    expect([socket.isOpen, socket.writable, socket.bufferedAmount]).toEqual([true, false, 1_000])
    socket.send('x')
    expect(ends).toEqual([expect.objectContaining({ cause: 'transport error', code: 1006 })])
    world.expectNothingLeft()
  })

  test('where a handler throws, and nothing else ends', async () => {
    const world = new World({}, (_, message) => {
      if (message === 'bad') throw new Error('no')
    })
    const [client, other] = [await world.socket(), await world.socket()]
    client.send('4bad')
    expect(client.closed?.code).toBe(1011)
    other.send('4good')
    expect(other.closed).toBeUndefined()
    expect(world.failures).toHaveLength(1)
  })
})

test('what comes after the end is dropped', async () => {
  const world = new World({}, ({ socket }) => socket.close())
  const client = await world.socket()
  client.send('4a')
  client.send('4b')
  expect(world.last.messages).toEqual(['a'])
  expect(world.last.ends).toHaveLength(1)
})

test('a second WebSocket for a session that has one is closed, and the first goes on', async () => {
  const world = new World()
  const first = await world.socket()
  const second = await world.socket(`EIO=4&transport=websocket&sid=${sidOf(`${first.received[0]}`)}`)
  expect(second.received).toEqual([])
  expect(second.closed?.code).toBe(1008)
  first.send('4hello')
  expect(first.received.slice(1)).toEqual(['4hello'])
})

test('what the client answers before the app was told of it is not lost', async () => {
  const world = new World()
  const request = new Request('http://localhost/engine.io/?EIO=4&transport=websocket')
  const verdict = await world.server.handle(request, { ip: '' }, true)
  if (verdict instanceof Response) throw new Error('refused')
  const sent: unknown[] = []
  verdict.handler.opened({
    bufferedAmount: 0,
    send: (payload) => {
      // The open packet is answered within the call.
      if (sent.push(payload) === 1) verdict.handler.message('4early')
      return true
    },
    sendAll: () => true,
    close: () => {},
    terminate: () => {},
  })
  expect(world.last.messages).toEqual(['early'])
  expect(sent.slice(1)).toEqual(['4early'])
})

test('reading stops and goes on', async () => {
  const world = new World()
  const client = await world.socket()
  world.last.socket.pause()
  client.send('4a')
  expect(world.last.messages).toEqual([])
  world.last.socket.resume()
  await Promise.resolve()
  expect(world.last.messages).toEqual(['a'])
})
