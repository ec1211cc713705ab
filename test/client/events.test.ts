import { expect, spyOn, test } from 'bun:test'
import { nextTurn } from '../support/until.ts'
import { Network, RESUMABLE } from './network.ts'

test('several callbacks hear an event, in the order in which they came, with its arguments', () => {
  const { client, line } = new Network().open()
  const heard: unknown[] = []
  client
    .on('seat', (seat, state) => heard.push(['first', seat, state]))
    .on('seat', (...args) => heard.push(['second', ...args]))
    .on('bell', (...args) => heard.push(['bell', ...args]))
  line.say('{"event":"seat","args":[3,"free"]}', '{"event":"bell","args":[]}', '{"event":"bell","data":null}')
  expect(heard).toEqual([['first', 3, 'free'], ['second', 3, 'free'], ['bell'], ['bell', null]])
})

test('a callback of once hears one event; off takes one callback away, or all of an event', () => {
  const { client, line } = new Network().open()
  const heard: string[] = []
  const a = (): void => void heard.push('a')
  const b = (): void => void heard.push('b')
  client
    .once('hi', () => heard.push('once'))
    .on('hi', a)
    .on('hi', b)
    .on('ho', () => heard.push('ho'))
  line.say('{"event":"hi"}', '{"event":"hi"}')
  expect(heard.splice(0)).toEqual(['once', 'a', 'b', 'a', 'b'])
  client.off('hi', a).off('nothing').off('hi', a)
  line.say('{"event":"hi"}', '{"event":"ho"}')
  expect(heard.splice(0)).toEqual(['b', 'ho'])
  client.off('hi')
  line.say('{"event":"hi"}', '{"event":"ho"}')
  expect(heard).toEqual(['ho'])
})

test('a callback of once can be taken away, and one that was there twice is gone', () => {
  const { client, line } = new Network().open()
  const heard: number[] = []
  const hear = (n: number): void => void heard.push(n)
  client.on('n', hear).once('n', hear).off('n', hear)
  line.say('{"event":"n","data":1}')
  expect(heard).toEqual([])
})

test('who comes or goes while an event is told makes no difference to it', () => {
  const { client, line } = new Network().open()
  const heard: string[] = []
  client.on('hi', () => {
    client.off('hi').on('hi', () => heard.push('later'))
    heard.push('first')
  })
  client.on('hi', () => heard.push('second'))
  line.say('{"event":"hi"}')
  expect(heard.splice(0)).toEqual(['first', 'second'])
  line.say('{"event":"hi"}')
  expect(heard).toEqual(['later'])
})

test('a callback that throws, or rejects, is reported, and holds up neither the others nor what follows', async () => {
  const { client, line, errors } = new Network().open()
  const heard: unknown[] = []
  client
    .on('hi', () => {
      throw new Error('first')
    })
    .on('hi', async () => {
      throw new Error('second')
    })
    .on('hi', (n) => heard.push(n))
  line.say('{"event":"hi","data":1}', '{"event":"hi","data":2}')
  await nextTurn()
  expect(heard).toEqual([1, 2])
  expect(errors).toEqual([
    [new Error('first'), 'hi'],
    [new Error('first'), 'hi'],
    [new Error('second'), 'hi'],
    [new Error('second'), 'hi'],
  ])
})

test('an onError that throws harms nobody, and without one the console has it', () => {
  const silent = new Network({
    onError() {
      throw new Error('worse')
    },
  }).open()
  const heard: unknown[] = []
  silent.client.on('hi', () => heard.push(1))
  silent.line.say('nonsense', '{"event":"hi"}')
  expect(heard).toEqual([1])

  const spy = spyOn(console, 'error').mockImplementation(() => {})
  new Network({ onError: undefined }).open().line.say('nonsense')
  expect(spy.mock.calls.map(([error]) => String(error))).toEqual(['PartylineError: not JSON'])
  spy.mockRestore()
})

test.each(['open', 'closed', 'reconnecting', 'suspended', 'connecting', 'close', 'error', '__proto__'])(
  'an event of the server that is called %p is an event, and no change of state',
  (name) => {
    const { client, line, told } = new Network().open()
    const heard: unknown[] = []
    client.on(name, (data) => heard.push(data))
    line.say(`{"event":"${name}","data":{"recovered":true}}`)
    expect(heard).toEqual([{ recovered: true }])
    expect(told).toEqual([['open', { recovered: false, lost: 0 }]])
    expect(client.state).toBe('open')
  },
)

test('a change of state is told to nobody who listens to events', () => {
  const network = new Network()
  const heard: unknown[] = []
  for (const name of ['open', 'closed', 'reconnecting']) network.client.on(name, () => heard.push(name))
  network.open().cut().open().client.close()
  expect(heard).toEqual([])
  expect(network.told.map(([state]) => state)).toEqual(['open', 'reconnecting', 'open', 'closed'])
})

test('several hear of a change of state, and forget takes one away, or all', () => {
  const network = new Network()
  const heard: string[] = []
  const a = (): void => void heard.push('a')
  network.client
    .when('open', () => {
      throw new Error('reloading failed')
    })
    .when('open', a)
    .when('open', () => heard.push('b'))
  network.open()
  expect(heard.splice(0)).toEqual(['a', 'b'])
  expect(network.errors).toEqual([[new Error('reloading failed'), 'open']])
  network.client.forget('open', a)
  network.cut().open()
  expect(heard.splice(0)).toEqual(['b'])
  network.client.forget('open')
  network.cut().open()
  expect(heard).toEqual([])
})

test.each([
  'nonsense',
  '[1]',
  '{}',
  'null',
  '{"event":5}',
  '{"event":"hi","args":5}',
  '{"event":"hi","pos":-1}',
  '{"event":"hi","pos":"1"}',
  '{"ack":"x"}',
  '{"ack":1,"error":"x"}',
  '{"error":null,"ack":1}',
  '{"error":5}',
  '{"received":1.5}',
  '{"ping":"x"}',
  '{"hello":5}',
  '{"event":"hi","data":{"__proto__":1}}',
  `{"event":"hi","data":${'['.repeat(100)}${']'.repeat(100)}}`,
])('what is no frame is reported and harms nothing: %p', async (message) => {
  const network = new Network().open(RESUMABLE)
  const heard: unknown[] = []
  network.client.on('hi', (data) => heard.push(data))
  const call = network.client.call('hi', 1)
  network.line.sent()
  network.line.say(message, '{"event":"hi","data":1,"pos":101}', '{"ack":1,"data":2,"pos":102}')
  expect(await call).toBe(2)
  expect(heard).toEqual([1])
  expect(network.errors).toMatchObject([[{ code: 'MALFORMED_FRAME' }]])
  expect(network.line.sent()).toEqual([])
  expect(network.line.closedWith).toBeUndefined()
})

test.each([
  '{"ack":7,"data":1}',
  '{"ack":7,"error":{"code":"X","message":"x"}}',
  '{"pong":5}',
  '{"received":7}',
  '{"hello":{"sid":"other","heartbeat":1}}',
  '{"event":"nobody hears this"}',
])('a frame that means nothing now is ignored: %s', (message) => {
  const network = new Network().open()
  network.line.say(message)
  expect(network.errors).toEqual([])
  expect(network.line.sent()).toEqual([])
  expect(network.client.sid).toBe('s1')
  expect(network.told).toHaveLength(1)
})

test('binary messages are no JSON, and are reported', () => {
  const network = new Network().open()
  expect(network.line.binaryType).toBe('arraybuffer')
  network.line.say(new Uint8Array([123, 125]).buffer)
  expect(network.errors).toMatchObject([[{ message: 'JSON frames are text messages; this one is binary' }]])
})

test('what the server could not do with an emit is reported, with its event', () => {
  const network = new Network().open()
  network.client.emit('dance')
  network.line.say('{"error":{"code":"UNKNOWN_EVENT","message":"no handler","details":[1],"event":"dance"}}')
  expect(network.errors).toMatchObject([
    [{ code: 'UNKNOWN_EVENT', message: 'no handler', details: [1] }, 'dance'],
  ])
})
