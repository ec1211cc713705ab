import { expect, test } from 'bun:test'
import { HELLO, Network } from './network.ts'

test('a ping of the server is answered at once, whatever its number', () => {
  const { line } = new Network().open()
  line.say('{"ping":7}', '{"ping":-1.5}')
  expect(line.sent()).toEqual(['{"pong":7}', '{"pong":-1.5}'])
})

test('a line that was silent for a heartbeat is asked, and given up half a heartbeat later', () => {
  const network = new Network().open()
  const first = network.line
  network.clock.advance(24_999)
  expect(first.sent()).toEqual([])
  network.clock.advance(1)
  expect(first.sent()).toEqual(['{"ping":1}'])
  network.clock.advance(12_499)
  expect(first.closedWith).toBeUndefined()
  network.clock.advance(1)
  expect(first.closedWith).toEqual([4408, 'heartbeat lost'])
  const reason = { code: 4408, reason: 'heartbeat lost' }
  expect(network.told.slice(1)).toEqual([['reconnecting', { attempt: 1, reason, delay: 250 }]])
  // Browsers wait for the other side's close frame for minutes: its end is no news when it comes at last.
  network.redial().open()
  first.end(1006)
  expect(network.client.state).toBe('open')
})

test.each(['{"pong":1}', '{"ping":1}', '{"event":"any"}', 'nonsense'])(
  'whatever is heard keeps it: %s',
  (message) => {
    const network = new Network().open()
    for (let i = 0; i < 10; i++) {
      network.clock.advance(25_000)
      expect(network.line.sent()).toEqual(['{"ping":1}'])
      network.clock.advance(12_000)
      network.line.say(message)
      network.line.sent()
      network.clock.advance(499)
      network.clock.advance(1)
      network.clock.advance(12_499)
      // Every time is counted from the last message on.
      expect(network.line.sent()).toEqual([])
      network.clock.advance(12_001)
      expect(network.line.sent()).toEqual(['{"ping":1}'])
      network.line.say(message)
      network.line.sent()
    }
    expect(network.client.state).toBe('open')
  },
)

test('a server that talks is never asked', () => {
  const network = new Network().open()
  for (let i = 0; i < 100; i++) {
    network.clock.advance(20_000)
    network.line.say('{"event":"news"}')
  }
  expect(network.line.sent()).toEqual([])
})

test('a machine that slept asks first, since the answer may stand behind the timer', () => {
  const network = new Network().open()
  network.clock.advance(25_000)
  expect(network.line.sent()).toEqual(['{"ping":1}'])
  network.clock.sleep(3_600_000)
  expect(network.client.state).toBe('open')
  expect(network.line.sent()).toEqual(['{"ping":1}'])
  network.line.say('{"pong":1}')
  network.clock.advance(20_000)
  expect(network.client.state).toBe('open')
})

test('a machine that slept does not rely on what it heard before', () => {
  const network = new Network().open()
  network.clock.advance(24_000)
  network.line.say('{"event":"news"}')
  network.clock.sleep(15_000)
  expect(network.line.sent()).toEqual(['{"ping":1}'])
})

test('a machine that slept while its line died notices in five seconds', () => {
  const network = new Network().open()
  network.clock.advance(10_000)
  network.clock.sleep(3_600_000)
  expect(network.line.sent()).toEqual(['{"ping":1}'])
  network.clock.advance(5_000)
  expect(network.line.closedWith).toEqual([4408, 'heartbeat lost'])
})

test('timers that are always late, as in a tab behind, put the end off, and not for ever', () => {
  const network = new Network().open()
  for (let i = 0; i < 2; i++) {
    network.clock.sleep(60_000)
    expect(network.line.closedWith).toBeUndefined()
  }
  network.clock.sleep(60_000)
  expect(network.line.closedWith).toEqual([4408, 'heartbeat lost'])
})

test.each([0, -1, 'null', '"often"'])('a hello with the heartbeat %p has none', (heartbeat) => {
  const network = new Network().open(`{"hello":{"sid":"s1","heartbeat":${heartbeat}}}`)
  network.clock.advance(3_600_000)
  expect(network.line.sent()).toEqual([])
  expect(network.client.state).toBe('open')
  expect(network.clock.timers).toBe(0)
})

test('each line has a heartbeat of its own', () => {
  const network = new Network().open()
  network.cut()
  expect(network.clock.timers).toBe(1)
  network.open(HELLO.replace('25000', '1000'))
  network.clock.advance(1_000)
  expect(network.line.sent()).toEqual(['{"ping":1}'])
})
