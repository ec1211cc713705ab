import { afterEach, describe, expect, test } from 'bun:test'
import { type App, createApp, Gateway, GatewayContext, On, type Socket } from 'partyline'
import { HandClock } from '../support/clock.ts'
import { CollectingLogger } from '../support/logger.ts'
import { WireClient } from '../support/tcp.ts'
import { nextTurn, until } from '../support/until.ts'

const MESSAGE = 'x'.repeat(64 * 1024)

let app: App | undefined
afterEach(async () => {
  await app?.stop()
})

// A client was taken for slow as soon as more than the limit waited for it: one reply of 6 MiB closed a client that read as
// fast as it could, and a broadcast of 8 MiB cut off everybody, with 1006 and without a word in the log.
describe('a client that reads is not closed for what is large or comes at once', () => {
  // The kernel takes a few megabytes at once: this is more, and leaves more than the limit to wait.
  const BUFFER = 2 * 1024 * 1024
  const LARGE = 'y'.repeat(4 * BUFFER - 100)
  const MANY = 150

  @Gateway('/large')
  class Large {
    constructor(readonly context: GatewayContext) {}

    @On() reply() {
      return LARGE
    }

    @On() async later() {
      await nextTurn()
      return LARGE
    }

    @On() all() {
      this.context.emit('all', LARGE)
    }

    @On() async many(socket: Socket) {
      await nextTurn()
      for (let i = 0; i < MANY; i++) socket.emit('n', MESSAGE)
    }

    @On() toMany() {
      for (let i = 0; i < MANY; i++) this.context.emit('n', MESSAGE)
    }

    @On() tooLarge(_: Socket, way: 'reply' | 'emit') {
      if (way === 'reply') return `${LARGE}${LARGE}`
      this.context.emit('all', `${LARGE}${LARGE}`)
    }
  }

  /** An app on a clock that stands still, and two clients. */
  async function two(clock = new HandClock()) {
    const logger = new CollectingLogger()
    const made = createApp(Large, { logger, clock, limits: { buffer: BUFFER } })
    app = made
    const { port = 0 } = await made.listen({ port: 0, hostname: '127.0.0.1', signals: false })
    const place = { port, host: '127.0.0.1' }
    const clients = [await WireClient.open(place, '/large'), await WireClient.open(place, '/large')] as const
    return { made, clients, logger, clock }
  }

  test.each([
    ['reply', 1],
    ['later', 1],
    ['all', 2],
    ['many', MANY + 1],
    ['toMany', MANY + 1],
  ])('sent by "%s"', async (event, count) => {
    const { made, clients, logger, clock } = await two()
    const [client] = clients
    client.send(`{"event":"${event}","id":1}`)
    await until(() => client.frames.length === count, 'all of it')
    clock.advance(60_000)
    client.send('{"ping":2}')
    await until(() => client.frames.at(-1)?.payload.toString() === '{"pong":2}', 'the pong')
    expect(made.sockets.size).toBe(2)
    expect(made.stats().slowConsumers).toBe(0)
    expect(logger.take()).toEqual([])
    for (const one of clients) one.destroy()
  })

  test.each(['reply', 'emit'])(
    'a message that is too large to send is refused in words (%s)',
    async (way) => {
      const { made, clients, logger } = await two()
      const [client, other] = clients
      expect(await client.ask(`{"event":"tooLarge","data":"${way}","id":1}`)).toBe(
        '{"ack":1,"error":{"code":"INTERNAL","message":"the server failed to handle this"}}',
      )
      const [entry, ...rest] = logger.take()
      expect(entry).toMatchObject({ level: 'error', gateway: 'Large', event: 'tooLarge' })
      expect(String(entry?.error)).toMatch(
        /^RangeError: a message of 167\d{5} bytes is too large to send: with limits.buffer at 2097152, 8388608 is the most/,
      )
      expect(rest).toEqual([])
      expect(made.sockets.size).toBe(2)
      expect(other.frames).toEqual([])
      for (const one of clients) one.destroy()
    },
  )
})
