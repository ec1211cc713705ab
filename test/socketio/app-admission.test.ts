import { afterEach, describe, expect, test } from 'bun:test'
import {
  type ConnectCall,
  Gateway,
  Guard,
  type Handshake,
  Module,
  On,
  OnMessage,
  PartylineError,
  type Socket,
} from 'partyline'
import { socketio } from 'partyline/socketio'
import { finish, mistakesIn, type Started, start } from '../core/in-memory.ts'
import { nextTurn } from '../support/until.ts'
import { SocketioClient, SocketioPoller, valuesOf } from './app-world.ts'

@Gateway('/')
class Main {
  @On() who(socket: Socket): unknown {
    const { auth, query, ip, params } = {
      ...socket.handshake,
      auth: socket.handshake.auth,
      ip: socket.handshake.ip,
      params: socket.params,
      query: socket.query.get('q'),
    }
    return { auth, query, ip, params, user: socket.identity?.user }
  }
}

@Gateway('/rooms/:name')
class Room {
  @On() who(socket: Socket): unknown {
    return [socket.params.name, socket.path]
  }
}

@Gateway('/raw', { protocol: 'raw' })
class Raw {
  @OnMessage() message(): void {}
}

/** Knows who says a token in `auth`. */
function known({ auth }: Handshake): { user: string } | null {
  const { token } = (auth ?? {}) as { token?: unknown }
  if (token === 'broken') throw new Error('the password is 1234')
  if (token === 'expired') throw new PartylineError('UNAUTHENTICATED', 'the token has expired')
  return typeof token === 'string' ? { user: token } : null
}

@Gateway('/members', { authenticate: known })
@Guard((call) => {
  if (call.kind === 'connect' && (call as ConnectCall).identity?.user === 'mallory')
    throw new PartylineError('BANNED', 'you are not welcome', { until: 'tomorrow' })
  return (call as ConnectCall).identity?.user !== 'eve'
})
class Members extends Main {}

@Module({ gateways: [Main, Room, Raw, Members] })
class Everything {}

const options = { dialects: [socketio()] }

/** The one refusal that a client got, without its head. */
async function refusalOf(one: Started, packet: string): Promise<unknown> {
  const client = await SocketioClient.open(one)
  const [answer, ...others] = await client.ask(packet)
  expect(others).toEqual([])
  expect(String(answer)).toStartWith('44')
  return valuesOf(answer)
}

describe('who enters a namespace', () => {
  afterEach(finish)

  test('says who it is by auth, which authenticators, guards and handlers see', async () => {
    const one = await start(Everything, options)
    const client = await SocketioClient.in(one, '40/members,{"token":"ada"}', {
      query: '&q=7',
      ip: '10.0.0.1',
    })
    const [answer] = await client.ask('42/members,1["who"]')
    expect(answer).toBe(
      '43/members,1[{"auth":{"token":"ada"},"query":"7","ip":"10.0.0.1","params":{},"user":"ada"}]',
    )
  })

  test('is given an empty auth where it says nothing', async () => {
    const one = await start(Everything, options)
    const client = await SocketioClient.in(one)
    expect(valuesOf((await client.ask('421["who"]'))[0])).toEqual([
      { auth: {}, query: null, ip: '127.0.0.1', params: {} },
    ])
  })

  test.each([
    ['', { message: 'nobody is known here', data: { code: 'UNAUTHENTICATED' } }],
    ['{"token":"expired"}', { message: 'the token has expired', data: { code: 'UNAUTHENTICATED' } }],
    ['{"token":"eve"}', { message: 'this is not allowed', data: { code: 'FORBIDDEN' } }],
    [
      '{"token":"mallory"}',
      { message: 'you are not welcome', data: { code: 'BANNED', details: { until: 'tomorrow' } } },
    ],
  ])('is refused with code and details: %s', async (auth, refusal) => {
    const one = await start(Everything, options)
    expect(await refusalOf(one, `40/members,${auth}`)).toEqual(refusal as never)
    expect(one.app.sockets.size).toBe(0)
  })

  test('is told nothing of why an authenticator failed', async () => {
    const one = await start(Everything, options)
    expect(await refusalOf(one, '40/members,{"token":"broken"}')).toEqual({
      message: 'the server failed to handle this',
      data: { code: 'INTERNAL' },
    } as never)
    expect(one.logged()).toMatchObject([{ message: 'the authenticator failed' }])
  })

  test('is refused where there is no such gateway, or one without events', async () => {
    const one = await start(Everything, options)
    for (const path of ['/nowhere', '/raw', '/rooms', '/rooms/a/b', '/healthz', '/socket.io'])
      expect(await refusalOf(one, `40${path},`)).toEqual({ message: 'Invalid namespace' } as never)
  })

  test('finds parameters in the name, decoded, and other spellings of a path', async () => {
    const one = await start(Everything, options)
    const client = await SocketioClient.in(one, '40/rooms/a%20b,')
    expect(await client.ask('42/rooms/a%20b,5["who"]')).toEqual(
      ['43/rooms/a%20b,5["a b","/rooms/:name"]'].map((text) => `${text.replace('5[', '5[[')}]`),
    )
    expect(String((await client.ask('40//members/,{"token":"ada"}'))[0])).toStartWith('40//members/,{"sid":')
    expect(String((await client.ask('42//members/,1["who"]'))[0])).toStartWith('43//members/,1[{"auth"')
  })

  test('has the prefix of the app in its name; the path of the requests has not', async () => {
    const one = await start(Everything, { ...options, prefix: '/api' })
    expect(await refusalOf(one, '40')).toEqual({ message: 'Invalid namespace' } as never)
    expect(await (await SocketioClient.in(one, '40/api/rooms/x,')).ask('42/api/rooms/x,1["who"]')).toEqual([
      '43/api/rooms/x,1[["x","/api/rooms/:name"]]',
    ])
  })

  test('enters by polling as well, and goes over to WebSocket', async () => {
    const one = await start(Everything, options)
    const poller = await SocketioPoller.in(one, '40/members,{"token":"ada"}')
    const line = await one.app.runtime.connect(`/socket.io/?EIO=4&transport=websocket&sid=${poller.sid}`)
    const client = new SocketioClient(line as never)
    expect(await client.ask('2probe')).toEqual(['3probe'])
    expect(await client.ask('5', '42/members,1["who"]')).toHaveLength(1)
    expect(one.app.sockets.size).toBe(1)
  })
})

describe('an app that is full', () => {
  afterEach(finish)

  /** Lets somebody in when told so. */
  function slow(): { authenticate: () => Promise<{ user: string }>; go: () => void } {
    let go = (): void => {}
    const gate = new Promise<void>((resolve) => {
      go = resolve
    })
    return { authenticate: () => gate.then(() => ({ user: 'ada' })), go }
  }

  test('refuses handshakes of Engine.IO as it does others', async () => {
    const one = await start(Everything, { ...options, limits: { connections: 1 } })
    await one.connect('/')
    const refused = await SocketioPoller.knock(one)
    expect([refused.status, await refused.json()]).toEqual([503, { code: 4, message: 'the server is full' }])
    expect((await SocketioClient.knock(one)) as Response).toMatchObject({ status: 503 })
    expect(one.app.stats().connectionsRefused).toBe(2)
  })

  test('counts those who are in no namespace yet, by their addresses', async () => {
    const one = await start(Everything, {
      ...options,
      trustProxy: true,
      limits: { connections: 3, connectionsPerAddress: 2 },
    })
    const from = (address: string): { headers: Record<string, string> } => ({
      headers: { 'x-forwarded-for': address },
    })
    const first = await SocketioPoller.open(one, from('10.0.0.1'))
    const second = await SocketioClient.open(one, from('10.0.0.1'))
    expect((await SocketioPoller.knock(one, from('10.0.0.1'))).status).toBe(429)
    await SocketioClient.open(one, from('10.0.0.2'))
    expect((await SocketioPoller.knock(one, from('10.0.0.2'))).status).toBe(503)
    // They take the places that they have.
    await first.post('40')
    expect((await first.poll())[0]).toStartWith('40{')
    expect(String((await second.ask('40'))[0])).toStartWith('40{')
    // Another namespace would be another place.
    expect(valuesOf((await second.ask('40/rooms/a,'))[0])).toMatchObject({
      message: 'the server is full',
      data: { code: 'UNAVAILABLE' },
    })
    expect(one.app.stats()).toMatchObject({ sockets: 2, addressesRefused: 1, connectionsRefused: 2 })
    expect(await (await one.app.runtime.fetch(new Request('http://localhost/healthz'))).json()).toMatchObject(
      {
        connections: 3,
      },
    )
  })

  test('gives places back, however clients go', async () => {
    const one = await start(Everything, { ...options, limits: { connections: 2 } })
    for (let i = 0; i < 5; i++) {
      const client = await SocketioClient.in(one)
      await client.ask('41')
      await client.ask('40')
      if (i % 2 > 0) await client.ask('40/nowhere,')
      client.line.close()
      const other = await SocketioClient.open(one)
      other.line.vanish()
      await (await SocketioPoller.open(one)).post('1')
      await (await SocketioPoller.in(one)).post('41', '1')
      await (await SocketioClient.open(one)).ask('no packet')
    }
    expect(await (await one.app.runtime.fetch(new Request('http://localhost/healthz'))).json()).toMatchObject(
      {
        connections: 0,
      },
    )
  })

  test('asks once more when deciding took time', async () => {
    const { authenticate, go } = slow()
    const one = await start(Everything, { ...options, authenticate, limits: { connections: 2 } })
    const [ada, bob] = [await SocketioClient.open(one), await SocketioClient.open(one)]
    expect(await ada.ask('40', '40/rooms/a,')).toEqual([])
    expect(await bob.ask('40')).toEqual([])
    go()
    await nextTurn()
    const answers = [...ada.take(), ...bob.take()].map((packet) => String(packet).slice(0, 2))
    expect(answers.sort()).toEqual(['40', '40', '44'])
    expect(one.app.sockets.size).toBe(2)
  })

  test('forgets who is not there any more when that is decided', async () => {
    const { authenticate, go } = slow()
    const one = await start(Everything, { ...options, authenticate })
    const [left, gone] = [await SocketioClient.open(one), await SocketioClient.open(one)]
    await left.ask('40', '41')
    await gone.ask('40')
    gone.line.close()
    go()
    await nextTurn()
    expect(left.take()).toEqual([])
    expect(one.app.sockets.size).toBe(0)
  })
})

describe('dialects', () => {
  test('say what is wrong with their options when the app is put together', () => {
    expect(mistakesIn(Everything, { dialects: [socketio({ path: 'x', pingTimeout: 0 })] })).toEqual([
      "socketio()'s pingTimeout is 0: it is a whole number from 1 to 2147483647.",
      'socketio()\'s path is "x": it begins with "/".',
    ])
    expect(mistakesIn(Everything, { dialects: [socketio(), socketio({ path: '/other' })] })).toEqual([
      'the option "dialects" lists socketio twice: an app speaks it at one path. Leave one out.',
    ])
  })
})
