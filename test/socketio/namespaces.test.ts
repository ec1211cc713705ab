import { describe, expect, test } from 'bun:test'
import type { Verdict } from '../../lib/core/dialect.ts'
import { closeCodes } from '../../lib/protocol/close.ts'
import { connected, type Decide, World } from './fakes.ts'

/** Decisions that a test takes later, in the order in which somebody knocked. */
function slowly(): { decide: Decide; answers: ((verdict?: Verdict) => Promise<void>)[] } {
  const answers: ((verdict?: Verdict) => Promise<void>)[] = []
  return {
    answers,
    decide: (_, welcome) => {
      const { promise, resolve } = Promise.withResolvers<Verdict>()
      answers.push(async (verdict) => {
        resolve(verdict ?? welcome())
        await promise
        await Promise.resolve()
      })
      return promise
    },
  }
}

describe('CONNECT', () => {
  test('is answered with the session id, before anything else', () => {
    const world = new World()
    expect(world.exchange('0')).toEqual(['40{"sid":"s1"}'])
    expect(world.exchange('0/admin,')).toEqual(['40/admin,{"sid":"s2"}'])
    expect(world.engine.isOpen).toBe(true)
  })

  test("enters that namespace alone, under an id that is not the transport's", () => {
    const world = new World()
    world.receive('0/admin,')
    expect(world.knocks.map(({ path }) => path)).toEqual(['/admin'])
    expect(world.engine.sent).toEqual(['40/admin,{"sid":"s1"}'])
    expect(world.engine.id).not.toBe('s1')
  })

  test('needs no comma', () => {
    expect(new World().exchange('0/admin')).toEqual(['40/admin,{"sid":"s1"}'])
  })

  test('tells the gateway what the client says, and the request with which it began', () => {
    const world = new World()
    world.receive('0/admin,{"token":"123"}')
    const [knock] = world.knocks
    expect(knock).toMatchObject({
      path: '/admin',
      url: 'http://localhost/socket.io/?EIO=4&transport=websocket',
      ip: '10.0.0.1',
      auth: { token: '123' },
      resume: undefined,
    })
    expect(knock?.headers.get('cookie')).toBe('a=1')
  })

  test('without a payload says an empty object', () => {
    const world = new World()
    world.receive('0')
    expect(world.knocks[0]?.auth).toEqual({})
  })

  test('with a query: it is added to that of the request, and is no part of the name', () => {
    const world = new World({ places: [{ path: '/chat' }] })
    expect(world.exchange('0/chat?token=a&b=c%20d,{}')).toEqual(['40/chat,{"sid":"s1"}'])
    expect(world.knocks[0]?.path).toBe('/chat')
    expect(new URL(world.knocks[0]?.url ?? '').search).toBe('?EIO=4&transport=websocket&token=a&b=c+d')
    world.receive('2/chat,["one"]', '2/chat?x=1,["two"]')
    expect(world.session.frames).toMatchObject([{ event: 'one' }, { event: 'two' }])
  })

  test('to a path with parameters is answered in the name that was asked for', () => {
    const world = new World({ places: [{ path: '/rooms/:name', isFixed: false }] })
    expect(world.exchange('0/rooms/tea,')).toEqual(['40/rooms/tea,{"sid":"s1"}'])
    world.session.send({ event: 'said', data: 1 })
    expect(world.engine.take()).toEqual(['42/rooms/tea,["said",1]'])
  })

  test("to an unknown namespace is refused in the reference server's words", () => {
    const world = new World()
    expect(world.exchange('0/random')).toEqual(['44/random,{"message":"Invalid namespace"}'])
    expect(world.engine.isOpen).toBe(true)
    expect(world.exchange('0/admin,')).toEqual(['40/admin,{"sid":"s1"}'])
  })

  test.each<[object, string]>([
    [{}, '44{"message":"Not authorized","data":{"code":"UNAUTHENTICATED"}}'],
    [
      { details: { a: 1 } },
      '44{"message":"Not authorized","data":{"code":"UNAUTHENTICATED","details":{"a":1}}}',
    ],
    [{ details: 1n }, '44{"message":"Not authorized","data":{"code":"UNAUTHENTICATED"}}'],
  ])('that is refused is answered with code and data: %p', (more, answer) => {
    const refused = { status: 401, code: 'UNAUTHENTICATED', message: 'Not authorized', ...more }
    const world = new World({ decide: () => refused })
    expect(world.exchange('0')).toEqual([answer])
    expect(world.engine.isOpen).toBe(true)
  })

  test('to a namespace that refuses may be said again', () => {
    let isOpen = false
    const refused = { status: 403, code: 'FORBIDDEN', message: 'closed' }
    const world = new World({ decide: (_, welcome) => (isOpen ? welcome() : refused) })
    world.receive('0')
    isOpen = true
    expect(world.exchange('0')).toEqual(['40{"sid":"s1"}'])
  })

  test('is refused after all where others came while it was decided', async () => {
    const { decide, answers } = slowly()
    const world = new World({ decide })
    world.receive('0')
    const refusal = () => ({ status: 503, code: 'UNAVAILABLE', message: 'the server is full' })
    await answers[0]?.({ ...(world.welcome(world.knocks[0]!) as object), refusal } as Verdict)
    expect(world.engine.take()).toEqual(['44{"message":"the server is full","data":{"code":"UNAVAILABLE"}}'])
    expect(world.session.connection).toBeUndefined()
  })

  test.each([
    ['twice', ['0', '0'], 'CONNECT to a namespace that it asked for already'],
    [
      'twice, with another query',
      ['0/admin,', '0/admin?a=1,'],
      'CONNECT to a namespace that it asked for already',
    ],
  ])('%s closes the connection', (_, messages, reason) => {
    const world = new World()
    world.receive(...messages)
    expect(world.engine.end).toMatchObject({ code: 1002, reason })
    expect(world.session.ends).toEqual([[1002, reason]])
  })

  test('again while the first is being decided closes the connection', async () => {
    const { decide, answers } = slowly()
    const world = new World({ decide })
    world.receive('0', '0')
    expect(world.fault).toBe('CONNECT to a namespace that it asked for already')
    await answers[0]?.()
    expect(world.session.connection).toBeUndefined()
    expect(world.engine.sent).toEqual([])
  })

  test('nested too deep is refused', () => {
    const deep = `${'{"a":'.repeat(65)}1${'}'.repeat(65)}`
    expect(new World().exchange(`0${deep}`)).toEqual([
      '44{"message":"nested deeper than 64 levels","data":{"code":"MALFORMED_FRAME"}}',
    ])
  })

  test('to more namespaces than one connection may be in is refused', () => {
    const world = new World({ places: [{ path: '/rooms/:name', isFixed: false }] })
    const all = world.exchange(...[1, 2, 3, 4, 5].map((n) => `0/rooms/${n},`))
    expect(all.at(-1)).toBe(
      '44/rooms/5,{"message":"a connection is in 4 namespaces at most","data":{"code":"OVERLOADED"}}',
    )
    expect(all.at(-2)).toBe('40/rooms/4,{"sid":"s4"}')
  })

  test('without end closes the connection', () => {
    const world = new World({ rate: 1, burst: 3 })
    expect(world.exchange('0/a', '0/b', '0/c', '0/d')).toHaveLength(3)
    expect(world.engine.end).toMatchObject({ code: 4429, reason: 'too many CONNECT packets' })
  })

  test('whose decision fails is reported, and closes the connection', async () => {
    const error = new Error('broken')
    const world = new World({ decide: () => Promise.reject(error) })
    world.receive('0')
    await new Promise<void>((resolve) => setImmediate(resolve))
    expect(world.reports).toEqual([error])
    expect(world.engine.end).toMatchObject({ code: 1011 })
  })

  test('is given up where the connection ends before the decision', async () => {
    const { decide, answers } = slowly()
    const world = new World({ decide })
    world.receive('0')
    world.engine.finish({ cause: 'transport close', code: 1006, reason: '' })
    await answers[0]?.()
    expect(world.session.connection).toBeUndefined()
  })
})

describe('before CONNECT', () => {
  test.each([['2["foo"]'], ['31[]'], ['1'], ['51-["foo",{"_placeholder":true,"num":0}]']])(
    'a packet of a namespace closes the connection: %s',
    (text) => {
      const world = new World()
      world.receive(text, Uint8Array.from([1]))
      expect(world.engine.end).toMatchObject({
        code: 1002,
        reason: 'a packet for a namespace before CONNECT',
      })
    },
  )

  test('to one namespace, being in another makes no difference', () => {
    const world = connected()
    world.receive('2/admin,["foo"]')
    expect(world.fault).toBe('a packet for a namespace before CONNECT')
  })

  test('while it is being decided, too', () => {
    const world = new World(slowly())
    world.receive('0', '2["foo"]')
    expect(world.fault).toBe('a packet for a namespace before CONNECT')
  })

  test('after a refusal, too', () => {
    const world = new World()
    world.receive('0/random', '2/random,["foo"]')
    expect(world.fault).toBe('a packet for a namespace before CONNECT')
  })
})

describe('a connection in no namespace', () => {
  test('is closed after a while', () => {
    const world = new World()
    world.clock.advance(999)
    expect(world.engine.isOpen).toBe(true)
    world.clock.advance(1)
    expect(world.engine.end).toMatchObject({ code: 1008, reason: 'in no namespace' })
    expect(world.clock.pending).toBe(0)
  })

  test('also where it was refused', () => {
    const world = new World()
    world.receive('0/random')
    world.clock.advance(1_000)
    expect(world.fault).toBe('in no namespace')
  })

  test('is not closed once it is in one', () => {
    const world = connected()
    expect(world.clock.pending).toBe(0)
    world.clock.advance(60_000)
    expect(world.engine.isOpen).toBe(true)
  })

  test('is not closed while that is being decided', async () => {
    const { decide, answers } = slowly()
    const world = new World({ decide })
    world.receive('0')
    world.clock.advance(1_500)
    expect(world.engine.isOpen).toBe(true)
    await answers[0]?.('unknown')
    world.clock.advance(500)
    expect(world.fault).toBe('in no namespace')
  })

  test('is closed when it has left the last', () => {
    const world = connected()
    expect(world.exchange('1')).toEqual([])
    world.clock.advance(999)
    expect(world.engine.isOpen).toBe(true)
    world.clock.advance(1)
    expect(world.fault).toBe('in no namespace')
  })
})

describe('several namespaces', () => {
  test('have sessions of their own, over one connection', () => {
    const world = connected(['/', '/admin'])
    const [main, admin] = world.sessions
    world.receive('2["a",1]', '2/admin,["b",2]', '3/admin,9[3]', '2["c",4]')
    expect(main?.frames).toEqual([
      { event: 'a', data: 1 },
      { event: 'c', data: 4 },
    ])
    expect(admin?.frames).toEqual([
      { event: 'b', data: 2 },
      { ack: 9, data: 3 },
    ])
    main?.send({ event: 'x', data: 1 })
    admin?.send({ ack: 7, data: 2 })
    expect(world.engine.take()).toEqual(['42["x",1]', '43/admin,7[2]'])
  })

  test('requests are answered under their ids, both ways', () => {
    const world = connected(['/', '/admin'])
    const [main, admin] = world.sessions
    world.receive('212["foo"]', '2/admin,13["foo"]')
    main?.send({ ack: 12 })
    admin?.send({ ack: 13, data: 'bar' })
    admin?.send({ event: 'ask', data: 1, id: 1 })
    expect(world.engine.take()).toEqual(['4312[]', '43/admin,13["bar"]', '42/admin,1["ask",1]'])
    expect(world.exchange('3/admin,1["yes"]')).toEqual([])
    expect(admin?.frames.at(-1)).toEqual({ ack: 1, data: 'yes' })
  })

  test('one is left by DISCONNECT, and nothing is answered', () => {
    const world = connected(['/', '/admin'])
    const [main, admin] = world.sessions
    expect(world.exchange('1/admin', '2["message","to main"]')).toEqual([])
    expect(admin?.ends).toEqual([[1000, 'client namespace disconnect']])
    expect(main?.frames).toEqual([{ event: 'message', data: 'to main' }])
    expect(main?.ends).toEqual([])
    admin?.send({ event: 'late', data: 1 })
    expect(world.engine.take()).toEqual([])
  })

  test('one that was left can be entered again', () => {
    const world = connected(['/', '/admin'])
    expect(world.exchange('1/admin,', '0/admin,')).toEqual(['40/admin,{"sid":"s3"}'])
  })

  test('what comes for one that the client has left closes the connection', () => {
    const world = connected(['/', '/admin'])
    world.receive('1/admin,', '2/admin,["foo"]')
    expect(world.fault).toBe('a packet for a namespace before CONNECT')
  })

  test('one that is wanted no more before it was decided is not entered', async () => {
    const { decide, answers } = slowly()
    const world = new World({ decide })
    world.receive('0/admin,', '1/admin,', '0/admin,')
    await answers[0]?.()
    expect(world.engine.take()).toEqual([])
    await answers[1]?.()
    expect(world.engine.take()).toEqual(['40/admin,{"sid":"s2"}'])
  })
})

describe('the server closes a namespace', () => {
  test.each([1000, 4401, 4403, 4409, 1011, 4000, 1003])(
    'with %d by DISCONNECT, after what was sent',
    (code) => {
      const world = connected(['/', '/admin'])
      const [main, admin] = world.sessions
      admin?.send({ event: 'last', data: 1 })
      admin?.connection?.close(code, 'why')
      admin?.connection?.close(code, 'again')
      expect(world.engine.take()).toEqual(['42/admin,["last",1]', '41/admin,'])
      expect(admin?.ends).toEqual([[code, 'why']])
      expect(main?.ends).toEqual([])
    },
  )

  test('what was on its way is no mistake, until the client asks for it again', () => {
    const world = connected(['/', '/admin'])
    world.sessions[1]?.connection?.close(1000, '')
    world.engine.take()
    expect(world.exchange('2/admin,["late"]', '31[]'.replace('3', '3/admin,'), '1/admin,')).toEqual([])
    expect(world.engine.isOpen).toBe(true)
    expect(world.exchange('0/admin,')).toEqual(['40/admin,{"sid":"s3"}'])
    expect(world.session.frames).toEqual([])
    world.receive('1/admin,', '2/admin,["foo"]')
    expect(world.fault).toBe('a packet for a namespace before CONNECT')
  })

  test.each([1008, 1012, 1013, 4408, 4429, 1001])(
    'with %d together with the whole connection: clients come back after nothing else',
    (code) => {
      const world = connected(['/', '/admin'])
      const [main, admin] = world.sessions
      admin?.connection?.close(code, 'why')
      expect(world.engine.end).toEqual({ cause: 'forced close', code, reason: 'why' })
      expect(main?.ends).toEqual([[code, 'why']])
      expect(admin?.ends).toEqual([[code, 'why']])
      expect(world.engine.take()).toEqual([])
    },
  )

  test('with 1001 while the app goes away: each for itself, and the last closes the connection', () => {
    const world = connected(['/', '/admin'], { isDraining: true })
    const [main, admin] = world.sessions
    main?.connection?.close(1001, 'the server is going away')
    expect(main?.ends).toEqual([[1001, 'the server is going away']])
    world.receive('2["late"]')
    admin?.send({ event: 'last', data: 1 })
    expect(world.engine.take()).toEqual(['42/admin,["last",1]'])
    admin?.connection?.close(1001, 'the server is going away')
    expect(admin?.ends).toEqual([[1001, 'the server is going away']])
    expect(world.engine.end).toMatchObject({ code: 1001 })
  })

  test('at once by terminate', () => {
    const world = connected(['/', '/admin'])
    world.session.connection?.terminate()
    expect(world.sessions.map(({ ends }) => ends)).toEqual([[[1006, '']], [[1006, '']]])
  })
})

describe('the connection ends', () => {
  const ends = [
    ['transport close', 1000, 1000, 1006],
    ['transport close', 1001, 1001, 1006],
    ['transport close', 1006, 1006, 1006],
    ['transport error', 1009, 1009, 1009],
    ['transport error', 1008, 1008, 1008],
    ['ping timeout', closeCodes.heartbeatLost.code, 4408, 4408],
    ['parse error', 1002, 1002, 1002],
  ] as const
  test.each(ends)(
    'by %s with %d: %d, and %d where sessions can be resumed',
    (cause, code, ended, suspended) => {
      for (const [recovers, expected] of [
        [false, ended],
        [true, suspended],
      ] as const) {
        const world = connected(['/'], { places: [{ path: '/', recovers }], recovery: true })
        world.engine.finish({ cause, code, reason: 'why' })
        expect(world.session.ends).toEqual([[expected, 'why']])
        expect(world.session.connection?.send('42["x"]')).toBe(false)
        expect(world.session.connection?.sendAll(['42["x"]', '42["y"]'])).toBe(false)
        expect(world.session.connection?.bufferedAmount).toBe(0)
      }
    },
  )
})

describe('a namespace as a connection', () => {
  test('sends several messages in order, attachments right after their packets', () => {
    const world = connected(['/admin'])
    const { codec, connection } = world.session
    const one = Uint8Array.from([1])
    const payloads = [1, one, 2].map((data) => codec.encode({ event: 'x', data }))
    expect(connection?.sendAll(payloads)).toBe(true)
    expect(world.engine.take()).toEqual([
      '42/admin,["x",1]',
      '451-/admin,["x",{"_placeholder":true,"num":0}]',
      one,
      '42/admin,["x",2]',
    ])
    world.engine.bufferedAmount = 7
    expect(connection?.bufferedAmount).toBe(7)
    expect(connection?.subscribe).toBeUndefined()
  })

  test('is not read while any of them is not', () => {
    const world = connected(['/', '/admin'])
    const [main, admin] = world.sessions.map(({ connection }) => connection)
    main?.pause?.()
    main?.pause?.()
    admin?.pause?.()
    main?.resume?.()
    main?.resume?.()
    expect(world.engine.isPaused).toBe(true)
    admin?.close(1000, '')
    expect(world.engine.isPaused).toBe(false)
  })
})

describe('connectionStateRecovery', () => {
  const options = { places: [{ path: '/', recovers: true }], recovery: true }
  test.each<[string, object, object]>([
    ['0{"pid":"t","offset":"00000000.5","token":"a"}', { token: 't', pos: 5 }, { token: 'a' }],
    ['0{"pid":"t"}', { token: 't', pos: undefined }, {}],
    ['0{"pid":"t","offset":null}', { token: 't', pos: undefined }, {}],
    ['0{"pid":"t","offset":"11111111.5"}', { token: 't', pos: undefined }, {}],
    ['0{"pid":"t","offset":"5"}', { token: 't', pos: 5 }, {}],
  ])('%s asks for a session', (text, resume, auth) => {
    const world = new World(options)
    expect(world.exchange(text)).toEqual(['40{"sid":"s1","pid":"token-of-s1"}'])
    expect(world.knocks[0]).toMatchObject({ resume, auth })
    expect(world.knocks[0]?.auth).not.toHaveProperty('pid')
    expect(world.knocks[0]?.auth).not.toHaveProperty('offset')
  })

  test.each([
    ['0{"pid":"t","offset":5}'],
    ['0{"pid":"t","offset":"five"}'],
    ['0{"pid":"t","offset":"00000000.99999999999999999"}'],
    ['0{"pid":7,"offset":"00000000.5"}'],
    ['0{"offset":"00000000.5"}'],
  ])('%s asks for none', (text) => {
    const world = new World(options)
    world.receive(text)
    expect(world.knocks[0]?.resume).toBeUndefined()
  })

  test('off, pid and offset are what the client says of itself', () => {
    const world = new World()
    expect(world.exchange('0{"pid":"t","offset":"x"}')).toEqual(['40{"sid":"s1"}'])
    expect(world.knocks[0]).toMatchObject({ auth: { pid: 't', offset: 'x' }, resume: undefined })
  })
})
