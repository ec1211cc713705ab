// The channels as a process of their own, for plain clients, alone and over Redis.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'bun:test'
import { RedisServer } from '../redis/server.ts'
import { Program } from '../support/process.ts'
import { until } from '../support/until.ts'

const binary = process.env.PARTYLINE_REDIS
const KEY = 'a key that is long enough'.replaceAll(' ', '-')

/** A plain WebSocket, and what came on it. */
class Listener {
  readonly heard: unknown[] = []
  code: number | undefined

  private constructor(readonly socket: WebSocket) {
    socket.binaryType = 'arraybuffer'
    socket.addEventListener('message', ({ data }) => {
      this.heard.push(typeof data === 'string' ? data : [...new Uint8Array(data)])
    })
    socket.addEventListener('close', ({ code }) => {
      this.code = code
    })
  }

  static async come(url: string, cookie?: string): Promise<Listener> {
    const headers = cookie === undefined ? {} : { cookie }
    const listener = new Listener(new WebSocket(url.replace('http', 'ws'), { headers } as never))
    await until(() => listener.socket.readyState === WebSocket.OPEN, `the connection to ${url}`)
    return listener
  }

  async next(count = 1): Promise<unknown[]> {
    await until(() => this.heard.length >= count, `${count} messages`)
    return this.heard.splice(0)
  }
}

/** The app as a process, and what is asked of it. */
class House {
  readonly #listeners: Listener[] = []

  private constructor(
    readonly program: Program,
    readonly url: string,
  ) {}

  static async start(env: Record<string, string> = {}): Promise<House> {
    const args = ['apps/channels/main.ts', '--host', '127.0.0.1', '--port', '0']
    const program = await Program.ready(args, { PUBLISH_KEY: KEY, ...env })
    const house = new House(program, /http:\S+/.exec(program.stdout)?.[0] ?? '')
    await until(async () => (await house.ask('GET', '/healthz')).status === 200, 'it to be ready')
    return house
  }

  async stop(): Promise<void> {
    this.leave()
    this.program.kill('SIGTERM')
    expect(await this.program.ended()).toMatchObject({ code: 0, stderr: '' })
  }

  leave(): void {
    for (const { socket } of this.#listeners.splice(0)) socket.close()
  }

  async listen(path: string, cookie?: string): Promise<Listener> {
    const listener = await Listener.come(this.url + path, cookie)
    this.#listeners.push(listener)
    return listener
  }

  async ask(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<{ status: number; body: unknown; headers: Headers }> {
    const response = await fetch(this.url + path, {
      method,
      headers,
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    return { status: response.status, body: await response.json(), headers: response.headers }
  }

  /** Signs in; the cookie, and the session that it stands for. */
  async signIn(user: string, ...groups: string[]): Promise<{ cookie: string; session: string }> {
    const { body, headers } = await this.ask('POST', '/login', { user, groups })
    expect(body).toEqual({ user, groups, session: expect.stringMatching(/^[0-9a-f]{32}$/) })
    const cookie = headers.get('set-cookie')?.split(';')[0] ?? ''
    return { cookie, session: (body as { session: string }).session }
  }

  /** The status of a handshake. */
  async knock(path: string, headers: Record<string, string> = {}): Promise<number> {
    const { status } = await fetch(this.url + path, {
      headers: {
        ...{ connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13' },
        ...{ 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==', ...headers },
      },
    })
    return status
  }
}

const refusal = (code: string): object => ({
  error: expect.objectContaining({ code, message: expect.any(String) }),
})

describe.each([
  ['alone', false],
  ['over Redis', true],
] as const)('the channels, %s', (_, hasRedis) => {
  let redis: RedisServer | undefined
  let house: House

  const isHere = !hasRedis || Boolean(binary)
  beforeAll(async () => {
    if (!isHere) return
    if (hasRedis) redis = await RedisServer.start(binary ?? '')
    house = await House.start(redis && { REDIS_URL: `redis://127.0.0.1:${redis.port}` })
  })
  afterAll(async () => {
    await house?.stop()
    await redis?.stop()
  })
  afterEach(() => house?.leave())

  /** A facility of a test's own: what is kept in it is not another's. */
  let facility: string
  let number = 0
  beforeEach(() => {
    facility = `facility-${++number}`
  })

  describe.skipIf(!isHere)('for plain clients', () => {
    test('what one publishes to everybody, everybody hears as it was; who publishes, only with echo', async () => {
      const one = await house.listen(`/ws/${facility}?subscribe-broadcast&publish-broadcast`)
      const two = await house.listen(`/ws/${facility}?subscribe-broadcast&publish-broadcast&echo`)
      one.socket.send('héllo')
      expect(await two.next()).toEqual(['héllo'])
      two.socket.send(new Uint8Array([0, 255, 128]))
      expect(await two.next()).toEqual([[0, 255, 128]])
      expect(await one.next()).toEqual([[0, 255, 128]])
    })

    test('who comes later gets the last that was said', async () => {
      const one = await house.listen(`/ws/${facility}?subscribe-broadcast&publish-broadcast&echo`)
      for (const text of ['first', 'second']) {
        one.socket.send(text)
        expect(await one.next()).toEqual([text])
      }
      const late = await house.listen(`/ws/${facility}?subscribe-broadcast`)
      expect(await late.next()).toEqual(['second'])
      one.socket.send('third')
      expect(await late.next()).toEqual(['third'])
    })

    test('the cookie is out of reach of scripts and other sites, and of those who see what is kept', async () => {
      const { headers, body } = await house.ask('POST', '/login', { user: 'ada', groups: [] })
      const [pair = '', ...attributes] = (headers.get('set-cookie') ?? '').split('; ')
      expect(pair).toMatch(/^session=[0-9a-f]{64}$/)
      expect(attributes).toEqual(['Path=/', 'HttpOnly', 'SameSite=Lax', 'Max-Age=28800'])
      expect(pair).not.toContain((body as { session: string }).session)
      expect((await house.ask('GET', '/me', undefined, { cookie: pair })).body).toEqual(body)
      expect(await house.ask('GET', '/me', undefined, { cookie: `session=${'0'.repeat(64)}` })).toMatchObject(
        {
          status: 401,
          body: refusal('UNAUTHENTICATED'),
        },
      )
      const https = await house.ask('POST', '/login', { user: 'ada' }, { 'x-forwarded-proto': 'https' })
      expect(https.headers.get('set-cookie')).toEndWith('; Secure')
    })

    test('one’s own channels are heard by oneself, one’s groups, one’s browser, and nobody else', async () => {
      const ada = await house.signIn('ada', 'staff', 'ops')
      const elsewhere = await house.signIn('ada', 'staff')
      const bob = await house.signIn('bob', 'staff')
      const flags = 'subscribe-user&subscribe-group&subscribe-session'
      const [one, two, three] = [
        await house.listen(`/ws/${facility}?${flags}`, ada.cookie),
        await house.listen(`/ws/${facility}?${flags}`, elsewhere.cookie),
        await house.listen(`/ws/${facility}?${flags}`, bob.cookie),
      ]
      const speak = await house.listen(`/ws/${facility}?publish-user`, ada.cookie)
      speak.socket.send('to ada')
      expect([await one.next(), await two.next()]).toEqual([['to ada'], ['to ada']])
      const group = await house.listen(`/ws/${facility}?publish-group`, bob.cookie)
      group.socket.send('to staff')
      expect([await one.next(), await two.next(), await three.next()]).toEqual(Array(3).fill(['to staff']))
      const session = await house.listen(`/ws/${facility}?publish-session`, elsewhere.cookie)
      session.socket.send('to that browser')
      expect(await two.next()).toEqual(['to that browser'])
      // What was for others would have come before this.
      group.socket.send('the end')
      expect([await one.next(), await three.next()]).toEqual([['the end'], ['the end']])
    })

    test('what is nobody’s own is refused at the handshake', async () => {
      for (const audience of ['user', 'group', 'session'])
        for (const verb of ['subscribe', 'publish'])
          expect(await house.knock(`/ws/${facility}?${verb}-${audience}`)).toBe(403)
      const { cookie } = await house.signIn('ada')
      expect(await house.knock(`/ws/${facility}?subscribe-group`, { cookie })).toBe(403)
      expect(
        await house.knock(`/ws/${facility}?subscribe-broadcast`, { origin: 'http://evil.example' }),
      ).toBe(403)
      for (const bad of ['a%3Ab', 'a%20b', '%7Ba%7D', 'a%00'])
        expect(await house.knock(`/ws/${bad}?subscribe-broadcast`)).toBe(400)
    })

    test('who signs out is somebody no more: connections end, and the cookie is worth nothing', async () => {
      const { cookie } = await house.signIn('ada')
      const other = await house.signIn('ada')
      const one = await house.listen(`/ws/${facility}?subscribe-user`, cookie)
      const two = await house.listen(`/ws/${facility}?subscribe-user`, other.cookie)
      const { headers } = await house.ask('POST', '/logout', undefined, { cookie })
      expect(headers.get('set-cookie')).toBe('session=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0')
      await until(() => one.code !== undefined, 'the connection to end')
      expect(one.code).toBe(4401)
      expect((await house.ask('GET', '/me', undefined, { cookie })).status).toBe(401)
      expect(await house.knock(`/ws/${facility}?subscribe-user`, { cookie })).toBe(403)
      await house.ask(
        'POST',
        '/self',
        { facility, to: ['user'], text: 'still here' },
        { cookie: other.cookie },
      )
      expect(await two.next()).toEqual(['still here'])
    })
  })

  describe.skipIf(!isHere)('over HTTP', () => {
    test('SELF is whoever asks: their user, their groups, their session', async () => {
      const { cookie, session } = await house.signIn('ada', 'staff', 'ops')
      const user = await house.listen(`/ws/${facility}?subscribe-user`, cookie)
      const group = await house.listen(`/ws/${facility}?subscribe-group`, cookie)
      const own = await house.listen(`/ws/${facility}?subscribe-session`, cookie)
      const to = ['user', 'group', 'session']
      expect(await house.ask('POST', '/self', { facility, to, text: 'Hello' }, { cookie })).toMatchObject({
        status: 200,
        body: {
          published: [
            { key: `session:${session}:${facility}`, at: expect.any(Number) },
            { key: `user:ada:${facility}`, at: expect.any(Number) },
            { key: `group:staff:${facility}`, at: expect.any(Number) },
            { key: `group:ops:${facility}`, at: expect.any(Number) },
          ],
        },
      })
      expect([await user.next(), await group.next(2), await own.next()]).toEqual([
        ['Hello'],
        ['Hello', 'Hello'],
        ['Hello'],
      ])
      for (const [query, key] of [
        ['broadcast&group&user&session', `session:${session}:${facility}`],
        ['broadcast&group&user', `user:ada:${facility}`],
        ['broadcast&group', `group:staff:${facility}`],
      ]) {
        const kept = await house.ask('GET', `/kept?facility=${facility}&${query}`, undefined, { cookie })
        expect(kept.body).toEqual({ key, text: 'Hello', at: expect.any(Number) })
      }
      expect((await house.ask('GET', `/kept?facility=${facility}&broadcast`)).body).toBeNull()
    })

    test.each(['user', 'group', 'session'])(
      'nobody has no %s: that is an error, and nobody’s channel',
      async (to) => {
        const body = { facility, to: [to], text: 'Hello' }
        expect(await house.ask('POST', '/self', body)).toMatchObject({
          status: 401,
          body: refusal('UNAUTHENTICATED'),
        })
        expect(await house.ask('GET', `/kept?facility=${facility}&${to}`)).toMatchObject({ status: 401 })
        expect((await redis?.ask('KEYS', `*${facility}*`)) ?? []).toEqual([])
      },
    )

    test('with the key, any program publishes; without, none', async () => {
      const { cookie } = await house.signIn('ada')
      const everybody = await house.listen(`/ws/${facility}?subscribe-broadcast`)
      const ada = await house.listen(`/ws/${facility}?subscribe-user`, cookie)
      const message = { facility, broadcast: true, users: ['ada'], text: 'Rain' }
      expect((await house.ask('POST', '/publish', message)).status).toBe(401)
      expect((await house.ask('POST', '/publish', message, { authorization: 'Bearer guessed' })).status).toBe(
        401,
      )
      const headers = { authorization: `Bearer ${KEY}` }
      expect(await house.ask('POST', '/publish', message, headers)).toMatchObject({ status: 200 })
      expect([await everybody.next(), await ada.next()]).toEqual([['Rain'], ['Rain']])
    })

    test('whatever else is asked is refused in words', async () => {
      const { cookie } = await house.signIn('ada')
      const cases = [
        ['POST', '/login', '{', 400, 'INVALID_DATA'],
        ['POST', '/login', { user: 'a:b' }, 400, 'INVALID_DATA'],
        ['POST', '/login', { user: 'a b' }, 400, 'INVALID_DATA'],
        ['POST', '/login', { user: '' }, 400, 'INVALID_DATA'],
        ['POST', '/login', { user: 'anybody' }, 400, 'INVALID_DATA'],
        ['POST', '/login', { user: 'ada', groups: ['{ops}'] }, 400, 'INVALID_DATA'],
        ['POST', '/self', { facility: 'a:b', to: ['user'], text: 'x' }, 400, 'INVALID_DATA'],
        ['POST', '/self', { facility, to: ['broadcast'], text: 'x' }, 400, 'INVALID_DATA'],
        ['POST', '/self', { facility, to: [], text: 'x' }, 400, 'INVALID_DATA'],
        ['GET', '/kept?facility=a%20b&broadcast', undefined, 400, 'INVALID_DATA'],
        ['GET', `/kept?facility=${facility}`, undefined, 400, 'INVALID_DATA'],
        ['GET', '/login', undefined, 405, 'METHOD_NOT_ALLOWED'],
      ] as const
      for (const [method, path, body, status, code] of cases)
        expect(await house.ask(method, path, body, { cookie })).toMatchObject({ status, body: refusal(code) })
      const fromElsewhere = { cookie, 'sec-fetch-site': 'cross-site' }
      expect((await house.ask('POST', '/login', { user: 'eve' }, fromElsewhere)).status).toBe(403)
      expect(house.program.stderr).toBe('')
    })

    test('its page is served, and nothing else of the disk', async () => {
      expect(await (await fetch(house.url)).text()).toContain('<!doctype html>')
      for (const path of ['/channels.js', '/line.js', '/style.css', '/shared/page.js'])
        expect((await fetch(house.url + path)).status).toBe(200)
      for (const path of ['/main.ts', '/people/sign-ins.ts', '/../main.ts', '/constructor', '/__proto__'])
        expect((await fetch(house.url + path)).status).toBe(404)
    })
  })

  if (hasRedis) describe.skipIf(!binary)('for any program with a Redis client', withRedis)

  function withRedis(): void {
    const server = (): RedisServer => redis as RedisServer

    test('PUBLISH reaches plain clients: text as text, anything else byte by byte', async () => {
      const listener = await house.listen(`/ws/${facility}?subscribe-broadcast`)
      await until(async () => {
        const subscribed = (await server().ask('PUBSUB', 'NUMSUB', `broadcast:${facility}`)) as [
          string,
          number,
        ]
        const sharded = (await server().ask('PUBSUB', 'SHARDNUMSUB', `broadcast:${facility}`)) as [
          string,
          number,
        ]
        return Number(subscribed[1]) + Number(sharded[1]) > 0
      }, 'the node to listen')
      await server().ask('PUBLISH', `broadcast:${facility}`, 'Hello')
      expect(await listener.next()).toEqual(['Hello'])
      await server().ask('PUBLISH', `broadcast:${facility}`, Buffer.from([0xff, 0x00, 0xfe]))
      expect(await listener.next()).toEqual([[0xff, 0x00, 0xfe]])
      const { cookie, session } = await house.signIn('ada', 'staff')
      const own = await house.listen(
        `/ws/${facility}?subscribe-user&subscribe-group&subscribe-session`,
        cookie,
      )
      for (const name of [
        `user:ada:${facility}`,
        `group:staff:${facility}`,
        `session:${session}:${facility}`,
      ]) {
        await until(async () => Number(await server().ask('PUBLISH', name, name)) > 0, 'the node to listen')
        expect(await own.next()).toEqual([name])
      }
    })

    test('what a client publishes is there under its name, byte by byte, for an hour', async () => {
      const listener = await house.listen(`/ws/${facility}?subscribe-broadcast&publish-broadcast&echo`)
      const name = `broadcast:${facility}`
      const hex = async (): Promise<unknown> =>
        server().ask(
          'EVAL',
          "return (redis.call('GET', KEYS[1]):gsub('.', function(c) return string.format('%02x', c:byte()) end))",
          '1',
          name,
        )
      listener.socket.send('héllo \u0000')
      await listener.next()
      expect(await hex()).toBe('68c3a96c6c6f2000')
      expect(Number(await server().ask('PTTL', name))).toBeWithin(3_500_000, 3_600_001)
      listener.socket.send(new Uint8Array([0xff, 0x00, 0x80, 0x0a]))
      await listener.next()
      expect(await hex()).toBe('ff00800a')
    })

    test('what another program has set is what those get who come', async () => {
      await server().ask('SET', `broadcast:${facility}`, 'set by hand', 'EX', '60')
      const listener = await house.listen(`/ws/${facility}?subscribe-broadcast`)
      expect(await listener.next()).toEqual(['set by hand'])
    })

    test('other nodes know who has signed in, and hear what is published here', async () => {
      const other = await House.start({ REDIS_URL: `redis://127.0.0.1:${server().port}` })
      const { cookie } = await house.signIn('ada')
      const there = await other.listen(`/ws/${facility}?subscribe-user`, cookie)
      const here = await house.listen(`/ws/${facility}?publish-user`, cookie)
      here.socket.send('over there')
      expect(await there.next()).toEqual(['over there'])
      await house.ask('POST', '/logout', undefined, { cookie })
      await until(() => there.code !== undefined, 'the connection on the other node to end')
      expect(there.code).toBe(4401)
      await other.stop()
    })

    test('nothing is kept for ever but what is documented', async () => {
      const { cookie } = await house.signIn('ada', 'staff')
      const one = await house.listen(`/ws/${facility}?publish-user&publish-group&publish-broadcast`, cookie)
      one.socket.send('x')
      await until(async () => (await server().ask('EXISTS', `broadcast:${facility}`)) === 1, 'it to be kept')
      const keys = (await server().ask('KEYS', '*')) as string[]
      const lasting: string[] = []
      for (const key of keys) if ((await server().ask('PTTL', key)) === -1) lasting.push(key)
      expect(lasting).toEqual([])
    })
  }
})

describe('what the environment says is looked at', () => {
  const started = async (env: Record<string, string>) => {
    const program = Program.start(['apps/channels/main.ts', '--port', '0'], env)
    return program.ended()
  }

  test('a key that is too short, and a url that is none, are errors that say so', async () => {
    expect(await started({ PUBLISH_KEY: 'short' })).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/publish.key: .* is shorter than 16 characters.*openssl rand -hex 32/),
    })
    expect(await started({ REDIS_URL: 'http://secret@localhost' })).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^REDIS_URL: the url of redis\(\) is none of Redis[^\n]*\n$/),
    })
  })
})
