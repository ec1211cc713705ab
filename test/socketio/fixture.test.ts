import { afterAll, beforeAll, expect, test } from 'bun:test'
import { networkInterfaces } from 'node:os'
import { WebSocket } from 'ws'
import { Program } from '../support/process.ts'
import { until } from '../support/until.ts'

// Suites from outside are run against this server, and count on what it does.

let program: Program
let port: string
beforeAll(async () => {
  program = await Program.ready(['test/fixtures/socketio-server.ts', '--port', '0'])
  const told = /^listening on http:\/\/localhost:(\d+)\n$/.exec(program.stdout)
  expect(told).not.toBeNull()
  port = told?.[1] as string
})
afterAll(async () => {
  program.kill('SIGKILL')
  await program.ended()
})

const interfaces = Object.values(networkInterfaces()).flat()
const addresses = interfaces.some((one) => one?.address === '::1') ? ['127.0.0.1', '[::1]'] : ['127.0.0.1']

// It listened at the one address only that the machine names first: clients of the other found nobody there.
test.each(addresses)('it is to be found at %s, whatever localhost is', async (host) => {
  const response = await fetch(`http://${host}:${port}/engine.io/?EIO=4&transport=polling`)
  const { sid: _, ...rest } = JSON.parse((await response.text()).slice(1))
  expect(rest).toEqual({
    upgrades: ['websocket'],
    pingInterval: 300,
    pingTimeout: 200,
    maxPayload: 1_000_000,
  })
})

test.each([
  ['/engine.io/', ['4hello'], ['4hello']],
  ['/socket.io/', ['40'], ['40{}', '42["auth",{}]']],
  [
    '/socket.io/',
    ['40{"token":"a"}', '42["message",1,"2"]'],
    ['40{}', '42["auth",{"token":"a"}]', '42["message-back",1,"2"]'],
  ],
  ['/socket.io/', ['40', '427["message-with-ack",1,"2"]'], ['40{}', '42["auth",{}]', '437[1,"2"]']],
  ['/socket.io/', ['40/custom,'], ['40/custom,{}', '42/custom,["auth",{}]']],
  ['/socket.io/', ['40/random'], ['44/random,{"message":"Invalid namespace"}']],
])('at %s it answers %j', async (path, sent, answers) => {
  const socket = new WebSocket(`ws://localhost:${port}${path}?EIO=4&transport=websocket`)
  const got: string[] = []
  socket.on('message', (data) => {
    if (`${data}` === '2') socket.send('3')
    else got.push(`${data}`.replace(/"sid":"[^"]*"/, ''))
  })
  socket.on('open', () => {
    for (const packet of sent) socket.send(packet)
  })
  // The first is the handshake of Engine.IO.
  await until(() => got.length > answers.length, 'the answers')
  expect(got.slice(1)).toEqual(answers)
  socket.terminate()
})
