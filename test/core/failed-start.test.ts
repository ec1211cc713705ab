import { afterEach, describe, expect, test } from 'bun:test'
import { createApp, Gateway, Injectable, On, OnSignal } from 'partyline'
import { memory } from '../../lib/broker/memory.ts'
import { App } from '../../lib/core/app.ts'
import { MemoryRuntime } from '../../lib/runtime/memory.ts'
import { Client } from '../contract/client.ts'
import { HandClock } from '../support/clock.ts'
import { Gate } from '../support/gate.ts'
import { CollectingLogger } from '../support/logger.ts'

const notes: string[] = []
let down = true
const log = new CollectingLogger()

@Injectable()
class Pool {
  constructor() {
    notes.push('pool')
  }

  @OnSignal('connected') arrived() {
    notes.push('arrived')
  }

  dispose() {
    notes.push('disposed')
  }
}

@Gateway('/party')
class Party {
  constructor(readonly pool: Pool) {}

  @On() hello() {
    return 'hello'
  }
}

/** A provider that fails until it is back, and needs what was built before it. */
const database = {
  provide: 'database',
  useFactory: async () => {
    if (down) throw new Error('the database is down')
    return 'database'
  },
  inject: [Pool],
}

const options = { providers: [database], logger: log, fetch: () => new Response('a page') }

function inMemory(): App<MemoryRuntime> {
  return new App(Party, options, (host) => new MemoryRuntime(host))
}

afterEach(() => {
  expect(log.take()).toEqual([])
  notes.length = 0
  down = true
})

describe('a start that fails', () => {
  // It was final, and left open what had been built: every later call failed with the first error.
  test('disposes of what was built, and can be tried again', async () => {
    const app = inMemory()
    await expect(app.listen()).rejects.toThrow('the database is down')
    expect(notes.splice(0)).toEqual(['pool', 'disposed'])
    await expect(app.ready()).rejects.toThrow('the database is down')
    expect(notes.splice(0)).toEqual(['pool', 'disposed'])

    down = false
    await app.listen()
    expect(app.get('database')).toBe('database')
    const client = new Client((await app.runtime.connect('/party')) as never)
    expect(await client.ask('{"event":"hello","id":1}')).toBe('{"ack":1,"data":"hello"}')
    expect(notes.splice(0)).toEqual(['pool', 'arrived'])
    await app.stop()
    expect(notes).toEqual(['disposed'])
  })

  test('is one failure for all who wait for it', async () => {
    const app = inMemory()
    const attempts = await Promise.allSettled([app.ready(), app.ready(), app.listen()])
    expect(attempts.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
    expect(notes).toEqual(['pool', 'disposed'])
    await app.stop()
  })

  // Served by a Bun.serve of one's own, requests were answered with Bun's page and the stack of the error.
  test('is answered with 503 in JSON, logged and told to onError, until it succeeds', async () => {
    const told: unknown[] = []
    const app = createApp(Party, { ...options, onError: (error, where) => told.push([error, where]) })
    const server = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: app.fetch, websocket: app.websocket })
    for (const path of ['/', '/healthz', '/party']) {
      const response = await fetch(new URL(path, server.url))
      expect(response.status).toBe(503)
      expect(response.headers.get('retry-after')).toBe('5')
      expect(await response.json()).toEqual({
        error: { code: 'UNAVAILABLE', message: 'the server could not start' },
      })
      expect(log.take()).toMatchObject([
        {
          message: 'the app could not start',
          error: { message: '"database" could not be built: the database is down' },
        },
      ])
      expect(told.splice(0)).toEqual([[expect.any(Error), {}]])
    }
    expect(app.stats().internalErrors).toBe(3)
    down = false
    expect(await (await fetch(server.url)).text()).toBe('a page')
    await app.stop()
    await server.stop(true)
  })

  test('leaves no timer, however often it is tried: nothing looks at sockets that nobody has', async () => {
    @Gateway('/party')
    class Quiet {}
    const broker = memory()
    const put = (clock: HandClock) =>
      new App(Quiet, { logger: log, clock, broker }, (host) => new MemoryRuntime(host))
    const [first, clock] = [put(new HandClock()), new HandClock()]
    await first.ready()
    const second = put(clock)
    for (const _ of [1, 2]) await expect(second.ready()).rejects.toThrow('make one for each app')
    expect(clock.pending).toBe(0)
    await first.stop()
  })
})

describe('an app that was stopped', () => {
  const stopped = {
    code: 'LISTEN_FAILED',
    message: 'cannot listen: this app was stopped. Make another with createApp',
  }

  // It listened, with its providers disposed of.
  test('does not listen, whether or not it had begun', async () => {
    down = false
    for (const begin of [true, false]) {
      const app = createApp(Party, options)
      if (begin) await app.listen({ port: 0, signals: false })
      await app.stop()
      await expect(app.listen({ port: 0, signals: false })).rejects.toMatchObject(stopped)
    }
    expect(notes).toEqual(['pool', 'disposed'])
  })

  test('does not begin, and what was not built stays so', async () => {
    const app = inMemory()
    await app.stop()
    await expect(app.ready()).rejects.toMatchObject(stopped)
    expect(notes).toEqual([])
  })

  test('while it was about to listen does not listen', async () => {
    const gate = new Gate()
    const app = new App(
      Party,
      { logger: log, providers: [{ provide: 'slow', useFactory: () => gate.pass(), inject: [Pool] }] },
      (host) => new MemoryRuntime(host),
    )
    const listening = app.listen()
    const stopping = app.stop()
    gate.open()
    await expect(listening).rejects.toMatchObject(stopped)
    await stopping
    expect(notes).toEqual(['pool', 'disposed'])
  })

  test('while a factory was at work builds nothing more when it comes', async () => {
    const [gate, clock] = [new Gate(), new HandClock()]

    @Gateway('/late')
    class Late {
      constructor() {
        notes.push('late')
      }
    }

    const app = new App(
      Late,
      { logger: log, clock, providers: [{ provide: 'slow', useFactory: () => gate.pass(), inject: [Pool] }] },
      (host) => new MemoryRuntime(host),
    )
    const starting = app.ready()
    const stopping = app.stop({ deadline: 100 })
    clock.advance(70)
    await stopping
    expect(log.take()).toMatchObject([{ level: 'warn', milliseconds: 100 }])
    gate.open()
    await expect(starting).rejects.toMatchObject(stopped)
    expect(notes).toEqual(['pool', 'disposed'])
  })
})
