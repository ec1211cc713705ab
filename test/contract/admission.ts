import { expect, test } from 'bun:test'
import {
  type Authenticator,
  type Call,
  Gateway,
  Guard,
  type Handshake,
  type Identity,
  Injectable,
  On,
  OnOpen,
  PartylineError,
  type Socket,
} from 'partyline'
import { HandClock } from '../support/clock.ts'
import { Gate } from '../support/gate.ts'
import { until } from '../support/until.ts'
import { knock, refusal } from './knock.ts'
import type { Start } from './start.ts'

@Gateway('/party')
class Party {
  @On() who({ identity }: Socket) {
    return identity ?? null
  }
}

/** An authenticator that knows whom the header `x-user` names. */
function byHeader({ headers }: Handshake): Identity | null {
  const user = headers.get('x-user')
  return user === null ? null : { user }
}

const masked = refusal('INTERNAL', 'the server failed to handle this')
const full = refusal('UNAVAILABLE', 'the server is full')
const tooMany = refusal('RATE_LIMITED', 'too many connections from this address')

export function admission(start: Start): void {
  test('connections beyond the limit of the app are refused with 503, until one leaves', async () => {
    const running = await start(Party, { limits: { connections: 2 } })
    const [first] = [await running.connect('/party'), await running.connect('/party')]
    const { status, headers, body } = await knock(running, '/party')
    expect({ status, body }).toEqual({ status: 503, body: full })
    expect(headers.get('retry-after')).toBe('5')
    expect(running.app.stats()).toMatchObject({ sockets: 2, connectionsRefused: 1 })
    first?.close()
    await until(() => running.app.sockets.size === 1, 'one to leave')
    await running.connect('/party')
    expect(running.app.stats()).toMatchObject({ sockets: 2, connectionsRefused: 1 })
  })

  test('connections beyond the limit of an address are refused with 429, and those of others are not', async () => {
    const running = await start(Party, { trustProxy: true, limits: { connectionsPerAddress: 1 } })
    const from = (ip: string) => ({ 'x-forwarded-for': ip })
    const client = await running.connect('/party', { headers: from('10.0.0.1') })
    const { status, headers, body } = await knock(running, '/party', from('10.0.0.1'))
    expect({ status, body }).toEqual({ status: 429, body: tooMany })
    expect(headers.get('retry-after')).toBe('5')
    await running.connect('/party', { headers: from('10.0.0.2') })
    client.vanish()
    await until(() => running.app.sockets.size === 1, 'the first to be gone')
    await running.connect('/party', { headers: from('10.0.0.1') })
    expect(running.app.stats()).toMatchObject({ sockets: 2, addressesRefused: 1 })
  })

  test('those who are being authenticated do not slip through the limit together', async () => {
    const gate = new Gate()
    const running = await start(Party, {
      limits: { connections: 1 },
      authenticate: async () => {
        await gate.pass()
        return { user: 'ann' }
      },
    })
    const first = running.connect('/party')
    await until(() => gate.arrived === 1, 'the first')
    const second = knock(running, '/party')
    await until(() => gate.arrived === 2, 'the second')
    gate.open()
    await first
    expect(await second).toMatchObject({ status: 503, body: full })
  })

  test('who is known comes in, and handlers see who it is', async () => {
    const { connect } = await start(Party, { authenticate: byHeader })
    const client = await connect('/party', { headers: { 'x-user': 'ann' } })
    expect(await client.ask('{"event":"who","id":1}')).toBe('{"ack":1,"data":{"user":"ann"}}')
  })

  test('who is not known is refused with 401, and counted', async () => {
    const running = await start(Party, { authenticate: byHeader })
    expect(await knock(running, '/party')).toMatchObject({
      status: 401,
      body: refusal('UNAUTHENTICATED', 'nobody is known here'),
    })
    expect(running.app.stats()).toMatchObject({ sockets: 0, unauthenticated: 1 })
  })

  test('an authenticator may say why, with a PartylineError UNAUTHENTICATED', async () => {
    const running = await start(Party, {
      authenticate: async () => {
        throw new PartylineError('UNAUTHENTICATED', 'the token is too old')
      },
    })
    expect(await knock(running, '/party')).toMatchObject({
      status: 401,
      body: refusal('UNAUTHENTICATED', 'the token is too old'),
    })
    expect(running.app.stats().unauthenticated).toBe(1)
  })

  test.each([
    [
      'throws',
      () => {
        throw new Error('the password is 1234')
      },
    ],
    ['rejects', () => Promise.reject(new Error('the password is 1234'))],
  ])(
    'an authenticator that %s is answered with 500, masked, logged, and told to onError',
    async (_, fail) => {
      const told: unknown[] = []
      const running = await start(Party, {
        authenticate: fail,
        onError: (error, where) => told.push([(error as Error).message, where]),
      })
      expect(await knock(running, '/party')).toMatchObject({ status: 500, body: masked })
      expect(running.logged()).toMatchObject([
        {
          level: 'error',
          message: 'the authenticator failed',
          gateway: 'Party',
          error: { message: 'the password is 1234' },
        },
      ])
      expect(told).toEqual([['the password is 1234', { gateway: 'Party' }]])
      expect(running.app.stats()).toMatchObject({ sockets: 0, internalErrors: 1 })
    },
  )

  test('an authenticator that hangs is cut off with 503 at its limit, and what it finds later lets nobody in', async () => {
    const [gate, clock] = [new Gate(), new HandClock()]
    const running = await start(Party, {
      clock,
      limits: { authenticate: 300 },
      authenticate: async () => {
        await gate.pass()
        return { user: 'ann' }
      },
    })
    let answered = false
    const answer = knock(running, '/party').finally(() => {
      answered = true
    })
    await until(() => gate.arrived === 1, 'the authenticator')
    clock.advance(299)
    expect((await running.fetch('/healthz')).status).toBe(200)
    expect(answered).toBe(false)
    clock.advance(1)
    const { status, headers, body } = await answer
    expect({ status, body }).toEqual({
      status: 503,
      body: refusal('UNAVAILABLE', 'authenticating took too long'),
    })
    expect(headers.get('retry-after')).toBe('1')
    gate.open()
    expect(await (await running.fetch('/healthz')).json()).toEqual({ status: 'ok', connections: 0 })
    expect(running.app.stats().authenticateTimeouts).toBe(1)
  })

  test('an authenticator may be a class, with what it needs injected', async () => {
    @Injectable()
    class Users {
      readonly tokens = new Map([['s3cret', 'ada']])
    }

    @Injectable()
    class Cookies implements Authenticator {
      constructor(readonly users: Users) {}

      authenticate({ cookies }: Handshake) {
        const user = this.users.tokens.get(cookies.get('token') ?? '')
        return user === undefined ? null : { user }
      }
    }

    const running = await start(Party, { authenticate: Cookies })
    const client = await running.connect('/party', { headers: { cookie: 'a=b; token=s3cret' } })
    expect(await client.ask('{"event":"who","id":1}')).toBe('{"ack":1,"data":{"user":"ada"}}')
    expect((await knock(running, '/party', { cookie: 'token=wrong' })).status).toBe(401)
  })

  test("a gateway's own authenticator stands in the place of the app's", async () => {
    const asked: string[] = []

    @Gateway('/door', {
      authenticate: () => {
        asked.push('door')
        return { user: 'doorman' }
      },
    })
    class Door {
      @On() who({ identity }: Socket) {
        return identity?.user
      }
    }

    const running = await start([Party, Door], {
      authenticate: () => {
        asked.push('app')
        return null
      },
    })
    const client = await running.connect('/door')
    expect(await client.ask('{"event":"who","id":1}')).toBe('{"ack":1,"data":"doorman"}')
    expect(asked).toEqual(['door'])
    expect((await knock(running, '/party')).status).toBe(401)
  })

  test("guards decide about connecting, the app's before the gateway's, with what they need to know", async () => {
    const asked: unknown[] = []
    const note = (name: string) => (call: Call) => {
      if (call.kind !== 'connect') return true
      asked.push([name, call.gateway.name, call.identity?.user, call.handshake.params.room])
      return call.handshake.headers.get('x-refuse') !== name
    }

    @Guard(note('class'))
    @Gateway('/rooms/:room')
    class Room {
      @OnOpen() opened(socket: Socket) {
        socket.emit('in')
      }
    }

    const running = await start(Room, { authenticate: byHeader, guards: [note('app')] })
    const client = await running.connect('/rooms/blue', { headers: { 'x-user': 'ann' } })
    expect(await client.next()).toBe('{"event":"in","args":[]}')
    const of = (name: string) => [name, 'Room', 'ann', 'blue']
    expect(asked.splice(0)).toEqual([of('app'), of('class')])
    for (const [refusing, others] of [
      ['app', [of('app')]],
      ['class', [of('app'), of('class')]],
    ] as const) {
      expect(await knock(running, '/rooms/blue', { 'x-user': 'ann', 'x-refuse': refusing })).toMatchObject({
        status: 403,
        body: refusal('FORBIDDEN', 'this is not allowed'),
      })
      expect(asked.splice(0)).toEqual([...others])
    }
    expect(running.app.stats()).toMatchObject({ sockets: 1, forbidden: 2, internalErrors: 0 })
  })

  test('a guard may say why, with a PartylineError of its own code', async () => {
    const running = await start(Party, {
      guards: [
        () => {
          throw new PartylineError('NOT_INVITED', 'ask the host first')
        },
      ],
    })
    expect(await knock(running, '/party')).toMatchObject({
      status: 403,
      body: refusal('NOT_INVITED', 'ask the host first'),
    })
    expect(running.app.stats()).toMatchObject({ forbidden: 1, internalErrors: 0 })
  })

  test.each([
    [
      'throws',
      () => {
        throw new Error('the password is 1234')
      },
    ],
    ['rejects', () => Promise.reject(new Error('the password is 1234'))],
  ])('a guard that %s refuses with 403, masked, and is logged', async (_, guard) => {
    const told: unknown[] = []
    const running = await start(Party, {
      guards: [guard],
      onError: (error) => told.push((error as Error).message),
    })
    expect(await knock(running, '/party')).toMatchObject({
      status: 403,
      body: refusal('FORBIDDEN', 'this is not allowed'),
    })
    expect(running.logged()).toMatchObject([
      {
        message: 'a guard failed, which refuses',
        gateway: 'Party',
        error: { message: 'the password is 1234' },
      },
    ])
    expect(told).toEqual(['the password is 1234'])
    expect(running.app.stats()).toMatchObject({ sockets: 0, forbidden: 1, internalErrors: 1 })
  })
}
