import { afterEach, describe, expect, test } from 'bun:test'
import { connect } from 'partyline/client'
import { nextTurn } from '../support/until.ts'
import { HELLO, Network } from './network.ts'

const page = globalThis as { location?: { href: string } }
afterEach(() => {
  delete page.location
})

test('a client connects at once, offers JSON, and is open when the server has said hello', () => {
  const network = new Network()
  expect(network.line.url).toBe('ws://party.example/party')
  expect(network.line.protocols).toEqual(['partyline.json.v1'])
  expect(network.client.state).toBe('connecting')
  expect(network.client.sid).toBeUndefined()
  network.line.open()
  expect(network.client.state).toBe('connecting')
  expect(network.told).toEqual([])
  network.line.say(HELLO)
  expect(network.client.state).toBe('open')
  expect(network.client.sid).toBe('s1')
  expect(network.told).toEqual([['open', { recovered: false, lost: 0 }]])
})

test.each([
  ['ws://a.example/x', 'ws://a.example/x'],
  ['wss://a.example/x?y=1#z', 'wss://a.example/x?y=1'],
  ['http://a.example:3000/x', 'ws://a.example:3000/x'],
  ['https://a.example/x', 'wss://a.example/x'],
])('%p is an address', (url, address) => {
  expect(new Network({}, url).line.url).toBe(address)
  expect(new Network({}, new URL(url)).line.url).toBe(address)
})

test.each([
  ['/party', 'wss://shop.example/party'],
  ['party', 'wss://shop.example/cart/party'],
  ['//chat.example/x', 'wss://chat.example/x'],
])('in a page, %p is an address as a link would be', (url, address) => {
  page.location = { href: 'https://shop.example/cart/?full#top' }
  expect(new Network({}, url).line.url).toBe(address)
})

test.each(['/party', 'nonsense', ''])('outside of a page, %p is none', (url) => {
  expect(() => new Network({}, url)).toThrow()
})

test('what leads to no WebSocket server is none', () => {
  expect(() => new Network({}, 'ftp://a.example/x')).toThrow(
    new TypeError('"ftp://a.example/x" is no address of http, https, ws or wss'),
  )
})

test('a client without a WebSocket, or with a codec that no server could choose, is a mistake', () => {
  const own = globalThis.WebSocket
  // @ts-expect-error as on Node 20
  globalThis.WebSocket = undefined
  try {
    expect(() => connect('ws://a.example')).toThrow('give one as the option WebSocket')
  } finally {
    globalThis.WebSocket = own
  }
  const codec = { decode: () => ({ ping: 1 }), encode: () => '' }
  expect(() => connect('ws://a.example', { codec })).toThrow('the codec has no subprotocol')
})

test('options that are undefined are as if they were not given', () => {
  const { line } = new Network({ codec: undefined, token: undefined, backoff: { min: undefined } })
  expect(line.protocols).toEqual(['partyline.json.v1'])
})

test('a token is offered as a subprotocol, and asked for anew each time where a function finds it', async () => {
  expect(new Network({ token: 'abc' }).line.protocols).toEqual(['partyline.json.v1', 'partyline.bearer.abc'])

  let count = 0
  const network = new Network({ token: () => Promise.resolve(`t${++count}`) })
  expect(network.sockets).toHaveLength(0)
  await nextTurn()
  expect(network.line.protocols).toEqual(['partyline.json.v1', 'partyline.bearer.t1'])
  network.line.refuse()
  network.clock.advance(1_000)
  await nextTurn()
  expect(network.line.protocols).toEqual(['partyline.json.v1', 'partyline.bearer.t2'])
})

test.each([null, undefined, ''])('where the function finds %p, no token is offered', async (token) => {
  const network = new Network({ token: () => token })
  await nextTurn()
  expect(network.line.protocols).toEqual(['partyline.json.v1'])
})

test('a url can be asked for each time too, for tickets that are good once', async () => {
  let count = 0
  const network = new Network({}, async () => `https://a.example/desk?ticket=${++count}`)
  await nextTurn()
  network.open()
  expect(network.line.url).toBe('wss://a.example/desk?ticket=1')
  network.line.end(1006)
  network.clock.advance(1_000)
  await nextTurn()
  expect(network.line.url).toBe('wss://a.example/desk?ticket=2')
})

test('a token that cannot be had is reported, and asked for again', async () => {
  let isThere = false
  const token = async () => {
    if (!isThere) throw new Error('not now')
    return 'abc'
  }
  const network = new Network({ token })
  await nextTurn()
  expect(network.sockets).toEqual([])
  expect(network.errors).toEqual([[new Error('not now')]])
  const reason = { code: 1006, reason: 'Error: not now' }
  expect(network.told).toEqual([['reconnecting', { attempt: 1, reason, delay: 250 }]])
  isThere = true
  network.clock.advance(250)
  await nextTurn()
  expect(network.open().client.state).toBe('open')
})

test('a token that comes after the attempt was given up is not used, nor one after close', async () => {
  const answers: ((token: string) => void)[] = []
  const token = () => new Promise<string>((resolve) => answers.push(resolve))
  const network = new Network({ token })
  network.clock.advance(10_000)
  expect(network.told).toMatchObject([
    ['reconnecting', { reason: { code: 4408, reason: 'no hello in time' } }],
  ])
  network.clock.advance(250)
  answers[0]?.('late')
  await nextTurn()
  expect(network.sockets).toEqual([])
  network.client.close()
  answers[1]?.('too late')
  await nextTurn()
  expect(network.sockets).toEqual([])
})

test('a token that could not be had, and is late to say so, ends no other attempt', async () => {
  const answers: ((error: Error) => void)[] = []
  const network = new Network({ token: () => new Promise((_, reject) => answers.push(reject)) })
  network.clock.advance(10_250)
  answers[0]?.(new Error('late'))
  await nextTurn()
  expect(network.errors).toEqual([])
  expect(network.told).toHaveLength(1)
  network.client.close()
})

test.each(['handshake', 'hello'])('a %s that does not come in time is waited for no longer', (what) => {
  const network = new Network({ connectTimeout: 3_000 })
  const first = network.line
  if (what === 'hello') first.open()
  network.clock.advance(2_999)
  expect(first.closedWith).toBeUndefined()
  network.clock.advance(1)
  expect(first.closedWith).toEqual([4408, 'no hello in time'])
  const reason = { code: 4408, reason: 'no hello in time' }
  expect(network.told).toEqual([['reconnecting', { attempt: 1, reason, delay: 250 }]])
  network.clock.advance(250)
  // What the first says now is nothing to anybody.
  first.open(HELLO)
  first.end(4403)
  expect(network.client.state).toBe('reconnecting')
  expect(network.open().client.state).toBe('open')
})

test('the hello ends the time for connecting', () => {
  const network = new Network({ connectTimeout: 3_000 }).open()
  network.clock.advance(10_000)
  expect(network.client.state).toBe('open')
})

test('nothing counts before the hello', async () => {
  const network = new Network()
  const heard: unknown[] = []
  network.client.on('hi', (data) => heard.push(data))
  network.line.open('{"event":"hi","data":1}', '{"event":"hi","data":2,"id":1}', '{"ack":1,"data":3}')
  await nextTurn()
  expect(heard).toEqual([])
  expect(network.line.sent()).toEqual([])
})

describe('close', () => {
  test('ends it for good, with 1000, and says so once', () => {
    const network = new Network().open()
    network.client.close()
    expect(network.line.closedWith).toEqual([1000, ''])
    expect(network.client.state).toBe('closed')
    network.line.end(1000)
    network.client.close(4000, 'again')
    network.clock.advance(100_000)
    expect(network.told.slice(1)).toEqual([['closed', { code: 1000, reason: '' }]])
    expect(network.sockets).toHaveLength(1)
  })

  test('may have a code and a reason of its own', () => {
    const network = new Network().open()
    network.client.close(4000, 'enough')
    expect(network.line.closedWith).toEqual([4000, 'enough'])
    expect(network.told.slice(1)).toEqual([['closed', { code: 4000, reason: 'enough' }]])
  })

  test('with a code that cannot be sent throws, and changes nothing', () => {
    const network = new Network().open()
    expect(() => network.client.close(1001)).toThrow('no code: 1001')
    expect(network.client.state).toBe('open')
  })

  test('ends the attempt that is under way, or the wait for one', () => {
    const connecting = new Network()
    connecting.client.close()
    expect(connecting.line.closedWith).toEqual([1000, ''])
    connecting.clock.advance(100_000)

    const waiting = new Network().open()
    waiting.line.end(1006)
    waiting.client.close()
    waiting.clock.advance(100_000)
    expect(waiting.sockets).toHaveLength(1)
    expect(waiting.told.at(-1)).toEqual(['closed', { code: 1000, reason: '' }])
  })

  test.each(['open', 'reconnecting'] as const)('can be called by who hears that it is %s', (state) => {
    const network = new Network()
    network.client.when(state, () => network.client.close())
    network.open().line.end(1006)
    network.clock.advance(100_000)
    expect(network.sockets).toHaveLength(1)
    expect(network.client.state).toBe('closed')
    expect(network.told.filter(([state]) => state === 'closed')).toHaveLength(1)
  })

  test('leaves no timer behind', async () => {
    const network = new Network().open()
    void network.client.call('never').catch(() => {})
    network.client.close()
    await nextTurn()
    expect(network.clock.timers).toBe(0)
  })
})
