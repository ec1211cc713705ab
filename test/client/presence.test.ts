import { expect, test } from 'bun:test'
import { presence } from 'partyline/client'
import { nextTurn } from '../support/until.ts'
import { Network, outcomeOf, RESUMABLE, resumed } from './network.ts'

/** A client that watches a room, and what it was told. */
function house(hello?: string) {
  const network = new Network().open(hello)
  const told: string[] = []
  const watch = (room: string) =>
    presence(network.client).watch<string>(room, {
      joined: ({ id, state }) => told.push(`+${id} ${state}`),
      changed: ({ id, state }) => told.push(`*${id} ${state}`),
      left: ({ id, state }) => told.push(`-${id} ${state}`),
    })
  return { network, told, watch }
}

const ANN = '{"id":"ann","state":"A"}'
const BOB = '{"id":"bob","state":"B"}'

test('those who are there are told first, then who comes, changes and leaves', async () => {
  const { network, told, watch } = house()
  const lobby = watch('lobby')
  expect(network.line.sent()).toEqual(['{"watch":"lobby","id":1}'])
  network.line.say(
    // It is in the answer.
    `{"presence":"lobby","joined":[${ANN}]}`,
    `{"ack":1,"data":[${ANN},${BOB}]}`,
    // In the same read as the answer, and after it.
    '{"presence":"lobby","joined":[{"id":"cy","state":"C"}],"changed":[{"id":"ann","state":"AA"}],"left":["bob"]}',
    '{"presence":"other","joined":[{"id":"dee"}]}',
    // As nobody knows it, or as it is.
    `{"presence":"lobby","left":["zoe"],"changed":[{"id":"ann","state":"AA"}]}`,
  )
  expect(await outcomeOf(lobby.ready)).toEqual({ value: undefined })
  expect(told).toEqual(['+ann A', '+bob B', '-bob B', '+cy C', '*ann AA'])
  expect(lobby.members()).toEqual([
    { id: 'ann', state: 'AA' },
    { id: 'cy', state: 'C' },
  ])
})

test.each([
  ['a new session', undefined, '{"hello":{"sid":"s2","heartbeat":25000}}'],
  ['a session that goes on', RESUMABLE, resumed(0)],
])('after a line that broke, in %s, the difference is told', async (_, hello, next) => {
  const { network, told, watch } = house(hello)
  const lobby = watch('lobby')
  network.line.say(`{"ack":1,"data":[${ANN},${BOB}]}`)
  await lobby.ready
  told.length = 0
  network.line.end(1006)
  expect(lobby.members()).toHaveLength(2)
  network.redial().open(next)
  expect(network.line.sent()).toEqual(['{"watch":"lobby","id":2}'])
  // Of what was watched on the line before.
  network.line.say('{"presence":"lobby","left":["ann"]}')
  expect(told).toEqual([])
  network.line.say('{"ack":2,"data":[{"id":"bob","state":"BB"},{"id":"cy","state":"C"}]}')
  await nextTurn()
  expect(told).toEqual(['-ann A', '*bob BB', '+cy C'])
})

test('who watches a room that is watched is told of everybody, too; the last one ends it', async () => {
  const { network, told, watch } = house()
  const [one, two] = [watch('lobby'), watch('lobby')]
  expect(network.line.sent()).toEqual(['{"watch":"lobby","id":1}', '{"watch":"lobby","id":2}'])
  network.line.say(`{"ack":1,"data":[${ANN}]}`)
  await one.ready
  network.line.say(`{"presence":"lobby","joined":[${BOB}]}`, `{"ack":2,"data":[${ANN},${BOB}]}`)
  await two.ready
  expect(told).toEqual(['+ann A', '+bob B', '+ann A', '+bob B'])
  one.unwatch()
  one.unwatch()
  expect(network.line.sent()).toEqual([])
  network.line.say('{"presence":"lobby","left":["ann"]}')
  expect(told.splice(0)).toHaveLength(5)
  two.unwatch()
  expect(network.line.sent()).toEqual(['{"unwatch":"lobby"}'])
  network.line.say('{"presence":"lobby","left":["bob"]}')
  expect(told).toEqual([])
  network.cut().open()
  expect(network.line.sent()).toEqual([])
})

test('who ends it in a callback hears no more of the same change', async () => {
  const { network, watch, told } = house()
  const lobby = presence(network.client).watch('lobby', {
    joined: ({ id }) => {
      told.push(id)
      lobby.unwatch()
    },
  })
  network.line.say(`{"ack":1,"data":[${ANN},${BOB}]}`)
  await nextTurn()
  expect(told).toEqual(['ann'])
  void watch
})

test('a refusal ends it, and a callback that throws is reported', async () => {
  const { network, watch } = house()
  const secret = watch('secret')
  network.line.say('{"ack":1,"error":{"code":"FORBIDDEN","message":"no"}}')
  expect(await outcomeOf(secret.ready)).toEqual({ code: 'FORBIDDEN' })
  presence(network.client).watch('lobby', {
    joined: () => {
      throw new Error('mine')
    },
  })
  network.line.say(`{"ack":2,"data":[${ANN}]}`)
  await nextTurn()
  expect(network.errors).toMatchObject([[{ code: 'FORBIDDEN' }], [{ message: 'mine' }, 'lobby']])
  network.cut().open()
  expect(network.line.sent()).toEqual(['{"watch":"lobby","id":3}'])
})

test('an answer that is none ends it, and harms nobody', async () => {
  const { network, watch } = house()
  const lobby = watch('lobby')
  network.line.say('{"ack":1,"data":"nonsense"}')
  expect(await outcomeOf(lobby.ready)).toEqual({ error: expect.any(TypeError) })
  expect(lobby.members()).toEqual([])
  expect(network.client.state).toBe('open')
})
