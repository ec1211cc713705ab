import { describe, expect, test } from 'bun:test'
import {
  BootError,
  closeCodes,
  createApp,
  Gateway,
  type GatewayOptions,
  type Limits,
  On,
  type Socket,
} from 'partyline'
import { App } from '../../lib/core/app.ts'
import { type MemoryClient, MemoryRuntime } from '../../lib/runtime/memory.ts'

@Gateway('/party')
class Party {
  @On() bye(socket: Socket, code: number) {
    try {
      socket.close(code)
    } catch (error) {
      return (error as Error).message
    }
  }
}

function mistake(make: () => unknown): BootError {
  try {
    make()
  } catch (error) {
    if (error instanceof BootError) return error
    throw error
  }
  throw new Error('nothing was found')
}

describe('an option that makes no sense is found at boot', () => {
  test.each([
    ['payload', Number.NaN],
    ['buffer', -1],
    ['waiting', 0],
    ['heartbeat', 1.5],
  ] as [keyof Limits, number][])('limits.%s %p', (name, value) => {
    const { problems } = mistake(() => createApp(Party, { limits: { [name]: value } }))
    expect(problems).toEqual([`limits.${name} is ${value}: a limit is a whole number from 1 on.`])
  })

  test.each([-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])('trustProxy %p', (trustProxy) => {
    expect(mistake(() => createApp(Party, { trustProxy })).problems).toEqual([
      `trustProxy is ${trustProxy}: it is the number of proxies in front of the app, or true for one.`,
    ])
  })

  test('a limit that is explicitly undefined is the default, not none', () => {
    const { websocket } = createApp(Party, { limits: { payload: undefined } })
    expect(websocket.maxPayloadLength).toBe(64 * 1024)
  })

  test.each([0, -1, 1.5])('concurrency %p', (concurrency) => {
    function gateway(options: GatewayOptions) {
      @Gateway('/slow', options)
      class Slow {}
      return Slow
    }
    expect(mistake(() => createApp(gateway({ concurrency }))).message).toBe(
      `Slow's concurrency is ${concurrency}: it is a whole number from 1 on.`,
    )
  })

  // With `eventKey: 'data'` an event lost its name to its data, with 'id' every event was a request.
  test.each([
    ...['data', 'args', 'id', 'ack', 'error', 'hello', 'ping', 'pong', '', 'constructor', '__proto__'],
    ...['subscribe', 'unsubscribe', 'publish', 'channel', 'watch', 'unwatch', 'presence'],
    ...['after', 'at', 'lost', 'base64', 'joined', 'changed', 'left'],
  ])('eventKey %p', (eventKey) => {
    @Gateway('/key', { eventKey })
    class Key {}
    expect(mistake(() => createApp(Key)).problems).toEqual([
      `Key's eventKey is "${eventKey}", which frames and objects have for other things: choose another, such as 'type'.`,
    ])
  })

  // An uncaught boot error was printed with the library's source, a stack of it, and its message twice.
  test('what is found has a message and nothing around it', () => {
    const error = mistake(() => createApp(Party, { limits: { waiting: 0 } }))
    expect(Object.keys(error)).toEqual(['name'])
    expect(error.stack ?? '').not.toContain('.ts')
  })
})

// 70000 arrived as 4464, and 999 as 1006: @OnClose saw a code that no client did. Later, those codes of Partyline's own table
// that RFC 6455 has for servers were refused with them.
describe('socket.close', () => {
  test.each([0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 70_000, 4000.5])(
    'refuses %p, which cannot be sent',
    async (code) => {
      const app = new App(Party, {}, (host) => new MemoryRuntime(host))
      const client = (await app.runtime.connect('/party')) as MemoryClient
      client.send(`{"event":"bye","data":${code},"id":1}`)
      const data = `${code} is no close code that can be sent: use 1000 to 1003, 1007 to 1014, or 3000 to 4999`
      expect(client.received).toEqual([JSON.stringify({ ack: 1, data })])
      expect(client.closed).toBeUndefined()
      await app.stop()
    },
  )

  const own = Object.values(closeCodes).map(({ code }) => code)

  test.each([...new Set([1000, 1003, 1007, 1014, 3000, 4999, ...own])])('closes with %p', async (code) => {
    const app = new App(Party, {}, (host) => new MemoryRuntime(host))
    const client = (await app.runtime.connect('/party')) as MemoryClient
    client.send(`{"event":"bye","data":${code}}`)
    expect(client.closed).toEqual({ code, reason: '' })
    await app.stop()
  })
})
