import { expect, test } from 'bun:test'
import { PartylineError } from 'partyline/client'
import { nextTurn } from '../support/until.ts'
import { Network, NOT_RECOVERED, RESUMABLE, resumed } from './network.ts'

test('a request of the server is answered with what its handler returns, soon or later', async () => {
  const { client, line } = new Network().open()
  client
    .handle('who', () => 'Ann')
    .handle('sum', async (a: number, b: number) => a + b)
    .handle('nothing', () => {})
  line.say(
    '{"event":"who","id":0}',
    '{"event":"sum","args":[1,2],"id":1}',
    '{"event":"nothing","data":1,"id":2}',
  )
  await nextTurn()
  expect(line.sent()).toEqual(['{"ack":0,"data":"Ann"}', '{"ack":1,"data":3}', '{"ack":2}'])
})

test('a request without a handler is answered UNKNOWN_EVENT', async () => {
  const { client, line } = new Network().open()
  client.on('who', () => 'only a listener')
  line.say('{"event":"who","id":1}', '{"event":"constructor","id":2}')
  await nextTurn()
  expect(line.sent()).toEqual([
    '{"ack":1,"error":{"code":"UNKNOWN_EVENT","message":"no handler for \\"who\\""}}',
    '{"ack":2,"error":{"code":"UNKNOWN_EVENT","message":"no handler for \\"constructor\\""}}',
  ])
})

test('a handler that throws answers its PartylineError; anything else is masked, and reported here', async () => {
  const { client, line, errors } = new Network().open()
  client
    .handle('sit', () => {
      throw new PartylineError('TAKEN', 'taken', { free: [1] })
    })
    .handle('crash', async () => {
      throw new Error('the password is 1234')
    })
    .handle('bytes', () => new Uint8Array(3))
    .handle('details', () => {
      throw new PartylineError('BIG', 'big', 1n)
    })
  for (const [id, name] of ['sit', 'crash', 'bytes', 'details'].entries()) {
    line.say(`{"event":"${name}","id":${id}}`)
    await nextTurn()
  }
  const masked = '"error":{"code":"INTERNAL","message":"the client failed to handle this"}'
  expect(line.sent()).toEqual([
    '{"ack":0,"error":{"code":"TAKEN","message":"taken","details":{"free":[1]}}}',
    `{"ack":1,${masked}}`,
    `{"ack":2,${masked}}`,
    '{"ack":3,"error":{"code":"BIG","message":"big"}}',
  ])
  expect(errors).toEqual([
    [new Error('the password is 1234'), 'crash'],
    [expect.any(TypeError), 'bytes'],
    [expect.any(TypeError), 'details'],
  ])
})

test('those who listen to the event hear of a request too, and a plain event is none', async () => {
  const { client, line } = new Network().open()
  const heard: unknown[] = []
  client.on('ask', (data) => heard.push(data)).handle('ask', (data) => ['answer', data])
  line.say('{"event":"ask","data":1,"id":1}', '{"event":"ask","data":2}')
  await nextTurn()
  expect(heard).toEqual([1, 2])
  expect(line.sent()).toEqual(['{"ack":1,"data":["answer",1]}'])
})

test('another handler takes the place of the one before', async () => {
  const { client, line } = new Network().open()
  client.handle('ask', () => 1).handle('ask', () => 2)
  line.say('{"event":"ask","id":1}')
  await nextTurn()
  expect(line.sent()).toEqual(['{"ack":1,"data":2}'])
})

test('a handler that waits for an answer of the server’s gets it', async () => {
  const { client, line } = new Network().open()
  client.handle('ask', () => client.call('back', 1))
  line.say('{"event":"ask","id":1}')
  await nextTurn()
  expect(line.sent()).toEqual(['{"event":"back","data":1,"id":1}'])
  line.say('{"ack":1,"data":"so"}')
  await nextTurn()
  expect(line.sent()).toEqual(['{"ack":1,"data":"so"}'])
})

/** A client whose handler of `ask` answers when the test says so. */
function patient(hello?: string) {
  const network = new Network().open(hello)
  const { promise, resolve } = Promise.withResolvers<unknown>()
  network.client.handle('ask', () => promise)
  return { network, answer: resolve }
}

test('without recovery, the answer to a request of a line that broke is nothing to the next', async () => {
  const { network, answer } = patient()
  network.line.say('{"event":"ask","id":1}')
  network.line.end(1006)
  answer('late')
  await nextTurn()
  network.redial().open()
  await nextTurn()
  expect(network.line.sent()).toEqual([])
})

test('with recovery, it has a position, waits for the line, and is sent again until it arrived', async () => {
  const { network, answer } = patient(RESUMABLE)
  network.line.say('{"event":"ask","id":1,"pos":101}')
  network.line.end(1006)
  network.client.emit('before')
  answer('late')
  await nextTurn()
  network.client.emit('after')
  network.redial().open(resumed(0))
  const frames = [
    '{"event":"before","args":[],"pos":1}',
    '{"ack":1,"data":"late","pos":2}',
    '{"event":"after","args":[],"pos":3}',
  ]
  expect(network.line.sent()).toEqual(frames)
  network.cut().open(resumed(1, 't3'))
  expect(network.line.sent()).toEqual(frames.slice(1))
  network.cut().open(resumed(3, 't4'))
  expect(network.line.sent()).toEqual([])
})

test.each(['before', 'after'])(
  'in a session that begins anew it is dropped, whether it came %s that: another request may have its id',
  async (when) => {
    const { network, answer } = patient(RESUMABLE)
    network.line.say('{"event":"ask","id":1,"pos":101}')
    network.line.end(1006)
    if (when === 'before') answer('late')
    await nextTurn()
    network.client.emit('kept')
    network.redial().open(NOT_RECOVERED)
    if (when === 'after') answer('late')
    await nextTurn()
    expect(network.line.sent()).toEqual(['{"event":"kept","args":[],"pos":1}'])
  },
)

test('an answer for which there is no room is reported', async () => {
  const network = new Network({ queue: { frames: 1 } }).open(RESUMABLE)
  network.client.handle('ask', () => 1).emit('fills it')
  network.line.say('{"event":"ask","id":1,"pos":101}')
  await nextTurn()
  expect(network.errors).toMatchObject([[{ code: 'OVERLOADED' }, 'ask']])
  expect(network.line.sent()).toHaveLength(1)
})
