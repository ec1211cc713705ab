import { afterEach, describe, expect, test } from 'bun:test'
import {
  type Codec,
  type ConnectCall,
  Gateway,
  type Handshake,
  type Identity,
  json,
  On,
  OnSuspend,
  PartylineError,
  type Socket,
} from 'partyline'
import { nextTurn } from '../support/until.ts'
import { expectNew, expectRecovered, Guest, resuming } from './guest.ts'
import { finish, start } from './in-memory.ts'

afterEach(finish)

@Gateway('/desk', { recovery: {} })
class Desk {
  @On() echo(_: Socket, data: unknown) {
    return data
  }
}

@Gateway('/other', { recovery: {} })
class Other extends Desk {}

@Gateway('/rooms/:room/:seat?', { recovery: {} })
class Rooms extends Desk {}

/** Whom the header `x-user` names; nobody without. */
function byHeader({ headers }: Handshake): Identity | null {
  const user = headers.get('x-user')
  return user === null ? null : { user }
}

const as = (user: string) => ({ headers: { 'x-user': user } })

describe('who asks for a session and gets a new one', () => {
  test.each([
    ['a token that was never given', () => `${'x'.repeat(32)}.0`],
    ['no token', () => '.0'],
    ['nothing', () => ''],
    ['a part of the token', (token: string) => `${token.slice(0, -1)}.0`],
    ['more than the token', (token: string) => `${token}x.0`],
    ['no position', (token: string) => token],
    ['an empty position', (token: string) => `${token}.`],
    ['a negative position', (token: string) => `${token}.-1`],
    ['a position that is no whole number', (token: string) => `${token}.0.5`],
    ['a position in other digits', (token: string) => `${token}.0x0`],
    ['text for a position', (token: string) => `${token}.zero`],
    ['a position beyond all numbers', (token: string) => `${token}.${'9'.repeat(400)}`],
    ['a position beyond the safe ones', (token: string) => `${token}.9007199254740992`],
    ['the name of something else', () => '__proto__.0'],
  ])('has %s; the session waits on', async (_, ask) => {
    const one = await start(Desk)
    const guest = await Guest.open(one, '/desk')
    guest.client.vanish()
    const subprotocols = [`partyline.resume.${ask(guest.token)}`, 'partyline.json.v1']
    const fresh = await Guest.open(one, '/desk', { subprotocols })
    expectNew(fresh, guest)
    expect(one.app.stats()).toMatchObject({ resumesRefused: 1, sessionsResumed: 0, suspended: 1 })
    expectRecovered(await guest.resume(0), guest)
  })

  test.each([
    ['a position from the future', 3],
    ['a position before what it said that it had', 1],
  ])('has %s; nobody comes back to the other', async (_, pos) => {
    const one = await start(Desk)
    const guest = await Guest.open(one, '/desk')
    for (const id of [1, 2]) guest.send(`{"event":"echo","id":${id}}`)
    guest.send('{"received":2}')
    guest.client.vanish()
    expectNew(await guest.resume(pos), guest)
    expect(one.app.stats()).toMatchObject({ resumesRefused: 1, suspended: 0, sockets: 1 })
    expectNew(await guest.resume(2), guest)
  })

  test('is at another gateway', async () => {
    const one = await start([Desk, Other])
    const guest = await Guest.open(one, '/desk')
    guest.client.vanish()
    expectNew(await guest.resume(0, { path: '/other' }), guest)
    expectRecovered(await guest.resume(0), guest)
  })

  test.each(['/rooms/b', '/rooms/a/1', '/rooms/A'])(
    'is at the same gateway with other parameters: %s',
    async (path) => {
      const one = await start(Rooms)
      const guest = await Guest.open(one, '/rooms/a')
      guest.client.vanish()
      expectNew(await guest.resume(0, { path }), guest)
      expectRecovered(await guest.resume(0, { path: '//rooms/%61/?query=other' }), guest)
    },
  )

  test('is in another app, with a token of this one', async () => {
    const guest = await Guest.open(await start(Desk), '/desk')
    const stranger = await Guest.open(await start(Desk), '/desk')
    expectNew(await stranger.resume(0, { token: guest.token }), guest)
  })

  test('is another user, or nobody', async () => {
    const one = await start(Desk, { authenticate: (handshake) => byHeader(handshake) ?? { user: '' } })
    const ann = await Guest.open(one, '/desk', as('ann'))
    ann.client.vanish()
    expectNew(await ann.resume(0, as('bob')), ann)
    expectNew(await ann.resume(0), ann)
    expect(one.app.stats()).toMatchObject({ resumesRefused: 2, suspended: 1 })
    expectRecovered(await ann.resume(0, as('ann')), ann)
  })

  test('uses another codec', async () => {
    const shouting: Codec = { ...json(), subprotocol: 'shouting' }
    const one = await start(Desk, { codecs: [shouting] })
    const guest = await Guest.open(one, '/desk')
    guest.client.vanish()
    const fresh = await guest.resume(0, { subprotocols: ['shouting', resuming(guest.token, 0)] })
    expectNew(fresh, guest)
    expectRecovered(await guest.resume(0), guest)
  })

  test('has none of the gateway’s subprotocols beside the token', async () => {
    const one = await start(Desk)
    const guest = await Guest.open(one, '/desk')
    guest.client.vanish()
    await expect(guest.resume(0, { subprotocols: [resuming(guest.token, 0)] })).rejects.toThrow(
      'refused with 400',
    )
    expect(one.app.stats()).toMatchObject({ resumesRefused: 0, suspended: 1 })
  })
})

describe('a token', () => {
  test('is good until something arrives on the line of the next, and then no more', async () => {
    const one = await start(Desk)
    const first = await Guest.open(one, '/desk')
    const second = await first.returns(0)
    // The hello may have been lost with the line.
    const third = await first.resume(0)
    expectRecovered(third, first)
    expectRecovered(second, first)
    third.client.vanish()
    const fourth = await third.resume(0)
    expectRecovered(fourth, first)
    fourth.send('not a frame')
    fourth.client.vanish()
    for (const used of [first, second, third]) expectNew(await used.resume(0), first)
    expect(one.app.stats()).toMatchObject({ sessionsResumed: 3, resumesRefused: 3, suspended: 1 })
    expectRecovered(await fourth.resume(1), first)
  })

  test('that was told with a line that another took over is void: whoever has it had a line after', async () => {
    const one = await start(Desk)
    const first = await Guest.open(one, '/desk')
    const second = await first.returns(0)
    const third = await first.returns(0)
    expectNew(await second.resume(0), first)
    expectRecovered(await third.returns(0), first)
  })

  test('that is used up does no harm to who has the session', async () => {
    const one = await start(Desk)
    const first = await Guest.open(one, '/desk')
    const second = await first.returns(0)
    second.send('{"event":"echo","data":1,"id":1,"pos":1}')
    expectNew(await first.resume(0), first)
    second.send('{"event":"echo","data":2,"id":2,"pos":2}')
    expect(second.client.closed).toBeUndefined()
    expect(second.frames()).toEqual(['{"ack":1,"data":1,"pos":1}', '{"ack":2,"data":2,"pos":2}'])
  })

  test('of a session that is over is void', async () => {
    const one = await start(Desk)
    const first = await Guest.open(one, '/desk')
    const second = await first.returns(0)
    second.client.close()
    expectNew(await first.resume(0), first)
    expectNew(await second.resume(0), first)
  })
})

describe('authentication and guards', () => {
  test('run again, and may refuse; the session waits on', async () => {
    const calls: ConnectCall[] = []
    const suspended: string[] = []
    let mood = 'kind'

    @Gateway('/guarded', {
      recovery: {},
      authenticate: (handshake) => {
        if (mood === 'broken') throw new Error('on purpose')
        return byHeader(handshake)
      },
    })
    class Guarded {
      @OnSuspend() suspended({ id }: Socket) {
        suspended.push(id)
      }
    }

    const one = await start(Guarded, {
      guards: [
        (call) => {
          if (call.kind === 'connect') calls.push(call)
          if (mood === 'odd') throw new PartylineError('BANNED', 'you are banned')
          return mood === 'kind'
        },
      ],
    })
    const guest = await Guest.open(one, '/guarded', as('ann'))
    const asAnn = (): Promise<Guest> => guest.resume(0, as('ann'))
    await expect(guest.resume(0)).rejects.toThrow('refused with 401')
    mood = 'strict'
    await expect(asAnn()).rejects.toThrow('refused with 403')
    // It was not even taken over.
    expect(guest.client.closed).toBeUndefined()
    guest.client.vanish()
    await expect(asAnn()).rejects.toThrow('refused with 403')
    mood = 'odd'
    await expect(asAnn()).rejects.toThrow('refused with 403')
    mood = 'broken'
    await expect(asAnn()).rejects.toThrow('refused with 500')
    expect(one.logged()).toHaveLength(1)
    await nextTurn()
    expect(suspended).toEqual([guest.hello.sid])
    expect(one.app.stats()).toMatchObject({
      suspended: 1,
      resumesRefused: 0,
      forbidden: 3,
      unauthenticated: 1,
    })
    mood = 'kind'
    expectRecovered(await asAnn(), guest)
    expect(calls.at(-1)?.handshake.subprotocols).toContain(resuming(guest.token, 0))
  })

  test('of a page that may not connect are not even asked', async () => {
    const one = await start(Desk, { origins: [] })
    const guest = await Guest.open(one, '/desk')
    await expect(guest.resume(0, { headers: { origin: 'https://a.example' } })).rejects.toThrow(
      'refused with 403',
    )
    expect(one.app.stats()).toMatchObject({ originsRefused: 1, sockets: 1, suspended: 0 })
  })
})
