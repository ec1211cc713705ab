import { expect, test } from 'bun:test'
import { type AppOptions, Gateway, On, type Origins, type Socket } from 'partyline'
import { knock, refusal } from './knock.ts'
import type { Start } from './start.ts'

@Gateway('/party')
class Party {
  @On() ip(socket: Socket) {
    return socket.handshake.ip
  }
}

const forbidden = {
  status: 403,
  body: refusal('FORBIDDEN', 'pages of this origin may not connect: see the option "origins"'),
}

export function origins(start: Start): void {
  /** Expects that a handshake with these headers is taken in. */
  async function expectIn(options: Omit<AppOptions, 'logger'>, headers: Record<string, string>) {
    const running = await start(Party, options)
    const client = await running.connect('/party', { headers })
    expect(await client.flushed()).toEqual([])
    expect(running.app.stats()).toMatchObject({ sockets: 1, originsRefused: 0 })
  }

  async function expectRefused(options: Omit<AppOptions, 'logger'>, headers: Record<string, string>) {
    const running = await start(Party, options)
    expect(await knock(running, '/party', headers)).toMatchObject(forbidden)
    expect(running.app.stats()).toMatchObject({ sockets: 0, originsRefused: 1 })
    return running
  }

  const host = 'party.example:3000'

  test.each([
    ['of the same host and port', { host, origin: 'http://party.example:3000' }],
    ['of the same host, whatever its scheme', { host, origin: 'https://party.example:3000' }],
    ['whatever the case of the host', { host: 'Party.Example:3000', origin: 'http://party.example:3000' }],
    ['with the default port said', { host: 'party.example:443', origin: 'https://party.example' }],
  ])('without the option, a page connects to its own host: %s', async (_, headers) => {
    await expectIn({}, headers)
  })

  test.each([
    ['of another host', { host, origin: 'http://evil.example:3000' }],
    ['of another port', { host, origin: 'http://party.example:4000' }],
    ['of a host that begins alike', { host, origin: 'http://party.example:3000.evil.example' }],
    ['of no origin that it tells', { host, origin: 'null' }],
    ['of a file', { host: 'localhost', origin: 'file://' }],
    ['of what is no origin', { host, origin: 'party.example:3000' }],
    [
      'that names another host as a proxy would',
      { host, origin: 'http://a.example', 'x-forwarded-host': 'a.example' },
    ],
  ])('without the option, other pages are refused with 403, and counted: %s', async (_, headers) => {
    await expectRefused({}, headers)
  })

  // With neither a host nor a readable origin, both were unknown, and so the same.
  test.each(['null', 'nonsense'])('an origin without a host is never the same: "%s"', async (origin) => {
    await expectRefused({}, { origin })
  })

  test('who has no Origin is no browser, and connects', async () => {
    await expectIn({ origins: [] }, {})
    await expectIn({}, {})
  })

  const list = { origins: ['https://party.example', 'https://other.example/', 'app://home'] }

  test.each(['https://party.example', 'https://other.example', 'app://home'])(
    'an origin of the list connects, with or without a slash at its end: %s',
    async (origin) => {
      await expectIn(list, { host, origin })
    },
  )

  test.each(['http://party.example:3000', 'http://party.example', 'https://party.example.evil', 'null'])(
    'an origin that is not on the list is refused, even of the same host: %s',
    async (origin) => {
      await expectRefused(list, { host, origin })
    },
  )

  test("'*' lets pages of all origins connect", async () => {
    await expectIn({ origins: '*' }, { host, origin: 'https://anywhere.example' })
  })

  test('a function decides, from origin and request', async () => {
    const asked: unknown[] = []
    const origins: Origins = (origin, { headers }) => {
      asked.push(origin)
      return headers.get('x-pass') === 'yes'
    }
    await expectIn({ origins }, { origin: 'https://a.example', 'x-pass': 'yes' })
    await expectRefused({ origins }, { origin: 'https://b.example' })
    expect(asked).toEqual(['https://a.example', 'https://b.example'])
  })

  // It was an answer with 500, which on Bun showed the function's source.
  test('a function that throws refuses, and is logged', async () => {
    const running = await expectRefused(
      {
        origins: () => {
          throw new Error('on purpose')
        },
      },
      { origin: 'https://a.example' },
    )
    expect(running.logged()).toMatchObject([
      {
        message: 'the option "origins" failed, which refuses',
        gateway: 'Party',
        error: { message: 'on purpose' },
      },
    ])
  })

  // A promise is truthy: an asynchronous function let everybody in.
  test('a function that returns a promise allows nothing', async () => {
    const origins = (async () => true) as unknown as Origins
    await expectRefused({ origins }, { origin: 'https://a.example' })
  })

  test('a proxy that is trusted says which host the page asked for', async () => {
    const behind = { host: '10.0.0.7:8080', 'x-forwarded-host': 'party.example, inner.example' }
    await expectIn({ trustProxy: true }, { ...behind, origin: 'https://party.example' })
    await expectIn({ trustProxy: 2 }, { ...behind, origin: 'https://party.example' })
    await expectRefused({ trustProxy: true }, { ...behind, origin: 'http://10.0.0.7:8080' })
    await expectRefused({ trustProxy: 0 }, { ...behind, origin: 'https://party.example' })
  })

  // Behind two proxies the address of the outer one was everybody's, or else anybody could say what theirs is.
  test.each([
    [false, '127.0.0.1'],
    [0, '127.0.0.1'],
    [true, '10.0.0.1'],
    [1, '10.0.0.1'],
    [2, '192.0.2.7'],
    [3, '6.6.6.6'],
    // Fewer proxies than are trusted: nobody stands before the first.
    [4, '6.6.6.6'],
  ])(
    'the address is what the outermost of the trusted proxies heard from, not what the client says (%p)',
    async (trustProxy, ip) => {
      const headers = { 'x-forwarded-for': '6.6.6.6, 192.0.2.7,10.0.0.1' }
      const { connect } = await start(Party, { trustProxy })
      const client = await connect('/party', { headers })
      expect(await client.ask('{"event":"ip","id":1}')).toBe(`{"ack":1,"data":"${ip}"}`)
    },
  )

  test.each(['', ' ', ',', '6.6.6.6, '])(
    'where the proxy says no address, it is the proxy\'s own: "%s"',
    async (said) => {
      const { connect } = await start(Party, { trustProxy: 1 })
      const client = await connect('/party', { headers: { 'x-forwarded-for': said } })
      expect(await client.ask('{"event":"ip","id":1}')).toBe('{"ack":1,"data":"127.0.0.1"}')
    },
  )
}
