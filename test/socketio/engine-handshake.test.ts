import { describe, expect, test } from 'bun:test'
import { EngineServer } from '../../lib/socketio/engine/server.ts'
import { sidOf, told, World } from './engine-world.ts'

const refused = (code: number, message: string): [number, string] => [400, JSON.stringify({ code, message })]
const badRequest = refused(3, 'Bad request')
const unknownSession = refused(1, 'Session ID unknown')

describe('a handshake by polling', () => {
  test('is answered with the open packet', async () => {
    const response = await new World().ask('EIO=4&transport=polling')
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('text/plain; charset=UTF-8')
    expect(response.headers.get('cache-control')).toBe('no-store')
    const packet = await response.text()
    expect(packet[0]).toBe('0')
    expect(JSON.parse(packet.slice(1))).toEqual({
      sid: expect.stringMatching(/^[\w-]{20}$/),
      upgrades: ['websocket'],
      pingInterval: 300,
      pingTimeout: 200,
      maxPayload: 1_000_000,
    })
  })

  test('has the defaults of Socket.IO where nothing is said', () => {
    const { rules } = new EngineServer(undefined, {} as never)
    const { pingInterval, pingTimeout, upgradeTimeout, maxPayload } = rules
    expect([pingInterval, pingTimeout, upgradeTimeout, maxPayload]).toEqual([
      25_000, 20_000, 10_000, 1_000_000,
    ])
    expect([rules.path, ...rules.transports]).toEqual(['/socket.io/', 'polling', 'websocket'])
  })

  test.each([[{ allowUpgrades: false }], [{ transports: ['polling'] as const }]])(
    'offers no upgrade with %p',
    async (options) => {
      const [, packet] = await told(new World(options).ask('EIO=4&transport=polling'))
      expect(packet).toContain('"upgrades":[]')
    },
  )

  test('gives every session another ID', async () => {
    const world = new World()
    const sids = await Promise.all(Array.from({ length: 100 }, () => world.begin()))
    expect(new Set(sids).size).toBe(100)
  })

  test('comes alone, also where messages were sent at once', async () => {
    const world = new World({}, undefined, {
      opened: (socket) => {
        socket.send('hello')
        socket.send(new Uint8Array([1, 2, 3, 4]))
        return { message: () => {}, closed: () => {} }
      },
    })
    const sid = await world.begin()
    expect(await told(world.poll(sid))).toEqual([200, '4hello\x1ebAQIDBA=='])
  })

  test.each(['', '&EIO=', '&EIO=abc', '&EIO=3', '&EIO=5'])(
    'is refused with the version %p',
    async (version) => {
      const world = new World()
      expect(await told(world.ask(`transport=polling${version}`))).toEqual(
        refused(5, 'Unsupported protocol version'),
      )
      expect(world.refused).toEqual(['badVersion'])
      expect(world.server.size).toBe(0)
    },
  )

  test.each(['', '&transport=', '&transport=abc', '&transport=__proto__', '&transport=constructor'])(
    'is refused with the transport %p',
    async (transport) => {
      expect(await told(new World().ask(`EIO=4${transport}`))).toEqual(refused(0, 'Transport unknown'))
    },
  )

  test('is refused with a transport that is not to be used', async () => {
    const world = new World({ transports: ['websocket'] })
    expect(await told(world.ask('EIO=4&transport=polling'))).toEqual(refused(0, 'Transport unknown'))
  })

  test.each(['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'])('is refused by the method %p', async (method) => {
    const answer = new World().ask('EIO=4&transport=polling', { method })
    expect(await told(answer)).toEqual(refused(2, 'Bad handshake method'))
  })

  test('is refused for a WebSocket that does not upgrade', async () => {
    expect(await told(new World().ask('EIO=4&transport=websocket'))).toEqual(badRequest)
  })
})

describe('a handshake by WebSocket', () => {
  test('is answered with the open packet', async () => {
    const { received } = await new World().socket()
    expect(received).toHaveLength(1)
    expect(JSON.parse(`${received[0]}`.slice(1))).toEqual({
      sid: expect.stringMatching(/^[\w-]{20}$/),
      upgrades: [],
      pingInterval: 300,
      pingTimeout: 200,
      maxPayload: 1_000_000,
    })
  })

  test('has messages that are sent at once behind the open packet', async () => {
    const world = new World({}, undefined, {
      opened: (socket) => {
        socket.send('hello')
        return { message: () => {}, closed: () => {} }
      },
    })
    const { received } = await world.socket()
    expect(received.map((one) => `${one}`[0])).toEqual(['0', '4'])
  })

  test.each([
    ['transport=websocket', refused(5, 'Unsupported protocol version')],
    ['transport=websocket&EIO=abc', refused(5, 'Unsupported protocol version')],
    ['EIO=4', refused(0, 'Transport unknown')],
    ['EIO=4&transport=abc', refused(0, 'Transport unknown')],
    ['EIO=4&transport=__proto__', refused(0, 'Transport unknown')],
    ['EIO=4&transport=polling', badRequest],
    ['EIO=4&transport=websocket&sid=abc', unknownSession],
  ])('is refused with the query %p', async (query, answer) => {
    expect(await told((await new World().knock(query)) as Response)).toEqual(answer)
  })
})

describe('an unknown session', () => {
  test.each(['GET', 'POST', 'PUT'])('is refused by %p', async (method) => {
    const answer = new World().ask('EIO=4&transport=polling&sid=__proto__', { method })
    expect(await told(answer)).toEqual(unknownSession)
  })
})

describe('a session that is known', () => {
  test.each(['PUT', 'DELETE', 'OPTIONS'])('refuses the method %p, and goes on', async (method) => {
    const world = new World()
    const sid = await world.begin()
    expect(await told(world.ask(`EIO=4&transport=polling&sid=${sid}`, { method }))).toEqual(badRequest)
    expect(await told(world.post(sid, '4hello'))).toEqual([200, 'ok'])
  })

  test.each([
    ['transport=polling', refused(5, 'Unsupported protocol version')],
    ['EIO=4', refused(0, 'Transport unknown')],
    ['EIO=4&transport=websocket', badRequest],
  ])('refuses a request with nothing but %p beside the ID', async (query, answer) => {
    const world = new World()
    const sid = await world.begin()
    expect(await told(world.ask(`${query}&sid=${sid}`))).toEqual(answer)
    expect(world.last.socket.isOpen).toBe(true)
  })

  test('refuses polls where it began with WebSocket', async () => {
    const world = new World()
    const { received } = await world.socket()
    expect(await told(world.poll(sidOf(`${received[0]}`)))).toEqual(badRequest)
  })
})

describe('who may begin', () => {
  const forbidding = (answer: unknown) => new World({}, undefined, { admit: () => answer as never })

  test.each([
    ['at once', { message: 'not you' }],
    ['later', Promise.resolve({ message: 'not you' })],
  ])('is said %s', async (_, answer) => {
    const said: [number, string] = [403, '{"code":4,"message":"not you"}']
    expect(await told(forbidding(answer).ask('EIO=4&transport=polling'))).toEqual(said)
    expect(await told((await forbidding(answer).knock('EIO=4&transport=websocket')) as Response)).toEqual(
      said,
    )
  })

  test.each([
    ['nothing', undefined],
    ['nothing, later', Promise.resolve(undefined)],
  ])('is everybody of whom %s is said', async (_, answer) => {
    const world = forbidding(answer)
    await world.begin()
    await world.socket()
    expect(world.server.size).toBe(2)
  })

  test.each([
    [
      'throws',
      () => {
        throw new Error('no')
      },
    ],
    ['rejects', () => Promise.reject(new Error('no'))],
  ])('is nobody where who decides %s', async (_, admit) => {
    const world = new World({}, undefined, { admit })
    const [status, text] = await told(world.ask('EIO=4&transport=polling'))
    expect(status).toBe(500)
    expect(text).not.toContain('Error')
    expect(world.failures).toHaveLength(1)
    expect(world.server.size).toBe(0)
  })

  test('is nobody more where the server is full, also by the time that it was said', async () => {
    const world = new World({ maxSessions: 2 }, undefined, { admit: () => Promise.resolve(undefined) })
    const asked = [1, 2, 3].map(() => world.ask('EIO=4&transport=polling'))
    expect((await Promise.all(asked)).map(({ status }) => status)).toEqual([200, 200, 503])
    expect(await told((await world.knock('EIO=4&transport=websocket')) as Response)).toEqual([
      503,
      '{"code":4,"message":"the server is full"}',
    ])
  })

  test('is nobody whose place was taken before the WebSocket was', async () => {
    const world = new World({ maxSessions: 1 })
    const request = new Request('http://localhost/engine.io/?EIO=4&transport=websocket')
    const admission = await world.server.handle(request, { ip: '' }, true)
    expect((admission as { refusal(): Response | undefined }).refusal()).toBeUndefined()
    await world.begin()
    expect((admission as { refusal(): Response | undefined }).refusal()?.status).toBe(503)
  })

  test('is nobody who went away meanwhile', async () => {
    const { promise, resolve } = Promise.withResolvers<undefined>()
    const world = new World({}, undefined, { admit: () => promise })
    const aborter = new AbortController()
    const answer = world.ask('EIO=4&transport=polling', { signal: aborter.signal })
    aborter.abort()
    resolve(undefined)
    expect((await answer).status).toBe(400)
    expect(world.server.size).toBe(0)
  })

  test('is told of with the request, as it came', async () => {
    let asked: unknown[] = []
    const world = new World({}, undefined, {
      admit: ({ url, headers, ip }) => {
        asked = [url.searchParams.get('room'), headers.get('cookie'), ip]
        return undefined
      },
    })
    await world.ask('EIO=4&transport=polling&room=7', { headers: { cookie: 'a=b' } })
    expect(asked).toEqual(['7', 'a=b', '::1'])
  })
})

test('an app that fails as a session begins ends it, and the client is told so', async () => {
  const world = new World({}, undefined, {
    opened: () => {
      throw new Error('no')
    },
  })
  expect((await world.ask('EIO=4&transport=polling')).status).toBe(403)
  expect((await world.socket()).closed?.code).toBe(1011)
  expect(world.failures).toHaveLength(2)
  expect([world.server.size, world.clock.pending]).toEqual([0, 0])
})

test('a server has its path, with or without the slash at its end', () => {
  const { server } = new World()
  expect(
    ['/engine.io/', '/engine.io', '/engine.io/x', '/', '/socket.io/'].map((path) => server.serves(path)),
  ).toEqual([true, true, false, false, false])
})

test('a stopped server ends all sessions, and begins no more', async () => {
  const world = new World()
  const [polled, idle] = [await world.begin(), await world.begin()]
  const line = await world.socket()
  const poll = world.poll(polled)
  world.seen[1]?.socket.close()
  world.server.stop()
  expect(await told(poll)).toEqual([200, '1'])
  expect(line.closed?.code).toBe(1001)
  expect((await world.poll(idle)).status).toBe(400)
  expect((await world.ask('EIO=4&transport=polling')).status).toBe(503)
  world.expectNothingLeft()
})
