import { afterEach, describe, expect, spyOn, test } from 'bun:test'
import { type Attempt, closeCodes } from 'partyline/client'
import { seeded } from 'partyline/testing'
import { Network } from './network.ts'

const codes = Object.values(closeCodes).map(({ code, reconnect }): [number, boolean] => [code, reconnect])

test.each([
  ...codes,
  ...[1005, 1006, 1014, 1015].map((code): [number, boolean] => [code, true]),
  ...[1002, 1003, 1010, 3000, 3999, 4000, 4400, 4499, 4999].map((code): [number, boolean] => [code, false]),
])('closed with %i, a client comes back: %p', (code, comesBack) => {
  const network = new Network().open()
  network.line.end(code, 'because')
  const reason = { code, reason: 'because' }
  expect(network.told.slice(1)).toEqual([
    comesBack ? ['reconnecting', { attempt: 1, reason, delay: 250 }] : ['closed', reason],
  ])
  network.clock.advance(60_000)
  expect(network.sockets.length > 1).toBe(comesBack)
  expect(network.client.state).toBe(comesBack ? 'reconnecting' : 'closed')
})

test('4409, another line has taken over, is in the table', () => {
  expect(closeCodes.takenOver).toEqual({ code: 4409, reconnect: false })
})

test('a server that closes before its hello, but after the handshake, is obeyed too', () => {
  const network = new Network()
  network.line.open()
  network.line.end(4403, 'not you')
  expect(network.told).toEqual([['closed', { code: 4403, reason: 'not you' }]])
})

test('a refused handshake is tried again, whatever code a platform has for it', () => {
  const network = new Network()
  network.line.end(1002, 'Expected 101 status code')
  const reason = { code: 1006, reason: 'Expected 101 status code' }
  expect(network.told).toEqual([['reconnecting', { attempt: 1, reason, delay: 250 }]])
})

test('a platform that tells of a refused handshake by an error alone is understood', () => {
  const network = new Network()
  network.line.onerror?.({ message: 'non-101 status code' })
  const reason = { code: 1006, reason: 'non-101 status code' }
  expect(network.told).toEqual([['reconnecting', { attempt: 1, reason, delay: 250 }]])
  expect(network.line.onerror).not.toBeNull()
})

test('an error of an open line is no news: its end is', () => {
  const network = new Network().open()
  network.line.onerror?.({ message: 'reset' })
  expect(network.client.state).toBe('open')
  network.line.end(1006)
  expect(network.client.state).toBe('reconnecting')
})

describe('the backoff', () => {
  /** The delays of so many attempts of which none succeeds. */
  function delays(random: () => number, count: number, backoff = {}): number[] {
    const network = new Network({ random, backoff })
    for (let i = 0; i < count; i++) {
      network.line.refuse()
      network.redial()
    }
    return network.told.map(([, attempt]) => (attempt as { delay: number }).delay)
  }

  test('doubles from half a second to half a minute, by chance in full', () => {
    expect(delays(() => 1, 9)).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000])
    expect(delays(() => 0, 9)).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0])
  })

  test('never waits longer than its bounds, and spreads within them', () => {
    const random = seeded(4)
    const first = Array.from({ length: 1_000 }, () => delays(random, 1, { min: 100, max: 1_000 })[0]!)
    expect(Math.max(...first)).toBeLessThan(100)
    expect(first.filter((delay) => delay < 50).length).toBeWithin(400, 600)
    const later = delays(random, 1_000, { min: 100, max: 1_000 }).slice(4)
    expect(Math.max(...later)).toBeLessThan(1_000)
    expect(later.filter((delay) => delay < 500).length).toBeWithin(400, 600)
  })

  test('goes on for ever', () => {
    expect(delays(() => 1, 2_000).at(-1)).toBe(30_000)
  })

  describe('after lines that', () => {
    /** One whose lines broke four times as soon as they were open: the next attempt is the fifth, and waits for up to 8 s. */
    function unlucky(): Network {
      const network = new Network({ random: () => 1 }).open()
      for (let i = 0; i < 4; i++) network.cut().open()
      expect(attempts(network)).toEqual([
        [1, 500],
        [2, 1_000],
        [3, 2_000],
        [4, 4_000],
      ])
      return network
    }
    const attempts = (network: Network) =>
      network.told
        .splice(0)
        .flatMap(([state, change]) =>
          state === 'reconnecting' ? [[(change as Attempt).attempt, (change as Attempt).delay]] : [],
        )

    test.each([
      ['broke at once, it goes on', 499, [5, 8_000]],
      ['lasted for a while, it waits no longer than that', 500, [1, 500]],
      ['lasted for a while, it waits no longer than that', 1_999, [2, 1_000]],
      ['lasted for a while, it waits no longer than that', 7_999, [4, 4_000]],
      ['lasted for longer than the wait, it begins anew', 8_000, [1, 500]],
    ])('%s: %p ms', (_, lasted, next) => {
      const network = unlucky()
      network.clock.advance(lasted)
      network.cut()
      expect(attempts(network)).toEqual([next])
    })
  })
})

describe('in a browser', () => {
  const globals = globalThis as unknown as {
    document?: { visibilityState: string }
    navigator: { onLine?: boolean }
  }
  const setOnline = (isOnline: boolean | undefined): void => {
    Object.defineProperty(globals.navigator, 'onLine', { value: isOnline, configurable: true })
  }
  const open: Network[] = []
  /** A client in a page, that was open before its line broke. */
  function lost(): Network {
    const network = new Network({ random: () => 1 })
    open.push(network)
    network.open().line.end(1006)
    return network
  }

  afterEach(() => {
    for (const { client } of open.splice(0)) client.close()
    delete globals.document
    setOnline(undefined)
  })

  test.each(['online', 'pageshow'])('%s ends the wait for the next attempt', (type) => {
    const network = lost()
    network.line.refuse()
    dispatchEvent(new Event(type))
    dispatchEvent(new Event(type))
    network.clock.advance(0)
    expect(network.sockets).toHaveLength(2)
    expect(network.told.slice(2)).toMatchObject([['reconnecting', { attempt: 1, delay: 0 }]])
    network.clock.advance(60_000)
  })

  test('a tab that is looked at again ends it too, and one that is left does not', () => {
    const network = lost()
    // It bubbles from the document to the window.
    globals.document = { visibilityState: 'hidden' }
    dispatchEvent(new Event('visibilitychange'))
    network.clock.advance(0)
    expect(network.sockets).toHaveLength(1)
    globals.document = { visibilityState: 'visible' }
    dispatchEvent(new Event('visibilitychange'))
    network.clock.advance(0)
    expect(network.sockets).toHaveLength(2)
  })

  test('nobody tries while it is offline: the client is suspended, and goes on when it is online', () => {
    const network = new Network({ random: () => 1 }).open()
    open.push(network)
    setOnline(false)
    network.line.end(1006)
    expect(network.client.state).toBe('suspended')
    network.clock.advance(600_000)
    dispatchEvent(new Event('pageshow'))
    expect(network.sockets).toHaveLength(1)
    setOnline(true)
    dispatchEvent(new Event('online'))
    network.clock.advance(0)
    network.open()
    expect(network.told.slice(1)).toEqual([
      ['suspended'],
      ['reconnecting', { attempt: 1, reason: { code: 1006, reason: '' }, delay: 0 }],
      ['open', { recovered: false, lost: 0 }],
    ])
  })

  test('it may go offline while the next attempt is waited for', () => {
    const network = lost()
    setOnline(false)
    network.clock.advance(60_000)
    expect(network.client.state).toBe('suspended')
    expect(network.sockets).toHaveLength(1)
    network.client.close()
    expect(network.client.state).toBe('closed')
  })

  test('the first attempt is made all the same: localhost is there without a network', () => {
    setOnline(false)
    const network = new Network()
    open.push(network)
    expect(network.open().client.state).toBe('open')
  })

  test('an attempt that is under way is not disturbed', () => {
    const network = new Network()
    open.push(network)
    dispatchEvent(new Event('online'))
    network.clock.advance(0)
    expect(network.sockets).toHaveLength(1)
    expect(network.told).toEqual([])
    network.open().cut()
    dispatchEvent(new Event('online'))
    network.clock.advance(0)
    expect(network.sockets).toHaveLength(2)
  })

  test('an open line is asked at once whether it is still there, and given up where it is not', () => {
    const network = new Network({ random: () => 1 }).open()
    open.push(network)
    dispatchEvent(new Event('online'))
    expect(network.line.sent()).toEqual(['{"ping":1}'])
    network.clock.advance(4_999)
    expect(network.client.state).toBe('open')
    network.clock.advance(1)
    expect(network.line.closedWith).toEqual([4408, 'heartbeat lost'])
    expect(network.client.state).toBe('reconnecting')
  })

  test('a client that is closed has left the page', () => {
    const added = spyOn(globalThis, 'addEventListener')
    const removed = spyOn(globalThis, 'removeEventListener')
    const network = lost()
    network.client.close()
    expect(added.mock.calls).toHaveLength(3)
    expect(removed.mock.calls).toEqual(added.mock.calls)
    dispatchEvent(new Event('online'))
    network.clock.advance(60_000)
    expect(network.sockets).toHaveLength(1)
    expect(network.client.state).toBe('closed')
  })
})
