import { afterEach, describe, expect, test } from 'bun:test'
import {
  type AppOptions,
  type ChannelOptions,
  type Class,
  createPublisher,
  Gateway,
  type GatewayOptions,
  type Identity,
  type Limits,
  MemoryHub,
  memory,
  On,
  OnOpen,
  PartylineError,
  Publisher,
  type Socket,
} from 'partyline'
import { type TestApp, type TestAppOptions, testApp } from 'partyline/testing'
import type { MemoryBroker } from '../../lib/broker/memory.ts'
import { App } from '../../lib/core/app.ts'
import { type MemoryClient, MemoryRuntime } from '../../lib/runtime/memory.ts'
import { Gate } from '../support/gate.ts'
import { CollectingLogger } from '../support/logger.ts'
import { until } from '../support/until.ts'
import { mistakesIn } from './in-memory.ts'

const JSON_FRAMES = 'partyline.json.v1'
const ann: Identity = { user: 'ann', groups: ['staff'] }

const apps: TestApp[] = []

/** An app with a broker of its own, which stops after the test, and what its nodes listen to. */
async function start(root: Class, options: TestAppOptions = {}) {
  const hub = new MemoryHub()
  const broker = memory({ hub }) as MemoryBroker
  const app = await testApp(root, { broker, ...options })
  apps.push(app)
  const line = (path: string, identity: Identity | undefined = ann) =>
    app.line(path, { subprotocols: [JSON_FRAMES], ...(identity && { identity }) })
  const open = () => hub.channels.filter((name) => /broadcast:|user:|group:|session:/.test(name))
  return { app, broker, hub, line, open }
}

function gatewayWith(channels: ChannelOptions, options: GatewayOptions = {}): Class {
  @Gateway('/ws/:facility', { channels, ...options })
  class News {
    @On() echo(_: Socket, data: unknown) {
      return data
    }
  }
  return News
}

/** What came after the hello, without positions. */
function framesOf(line: { received: readonly unknown[] }): unknown[] {
  return line.received.slice(1).map((one) => {
    const { at, ...frame } = JSON.parse(String(one)) as { at?: number }
    return frame
  })
}

afterEach(async () => {
  for (const app of apps.splice(0)) {
    await app.stop()
    expect(app.logged().filter(({ level }) => level !== 'info')).toEqual([])
  }
})

describe('what a client asks for has its turn', () => {
  /** A rule that waits at each gate in turn. */
  function gated(gates: readonly Gate[]) {
    let asked = 0
    return async (): Promise<boolean> => {
      await gates[asked++]?.pass()
      return true
    }
  }

  test('so that publishing keeps its order, whatever the rule takes', async () => {
    const slow = new Gate()
    const { app, line } = await start(gatewayWith({ publish: gated([slow]) }))
    const listener = await line('/ws/news?subscribe-broadcast')
    const from = await line('/ws/news')
    from.send('{"publish":"broadcast","data":1}', '{"publish":"broadcast","data":2}')
    from.send('{"event":"echo","data":3,"id":3}')
    await app.settle()
    expect(framesOf(listener)).toEqual([])
    expect(framesOf(from)).toEqual([])
    slow.open()
    await until(() => listener.received.length === 3, 'both')
    expect(framesOf(listener)).toEqual([
      { channel: 'broadcast', data: 1 },
      { channel: 'broadcast', data: 2 },
    ])
    expect(framesOf(from)).toEqual([{ ack: 3, data: 3 }])
  })

  test('so that what is given up at once is not subscribed to', async () => {
    const slow = new Gate()
    const { line, open } = await start(gatewayWith({ subscribe: gated([slow]) }))
    const client = await line('/ws/news')
    client.send('{"subscribe":"broadcast","id":1}', '{"unsubscribe":"broadcast","id":2}')
    slow.open()
    await until(() => client.received.length === 3, 'both answers')
    const answers = framesOf(client) as { ack: number }[]
    expect(answers.find(({ ack }) => ack === 2)).toEqual({
      ack: 2,
      data: { channels: ['broadcast'] },
    } as never)
    expect(open()).toEqual([])
  })

  test('after @OnOpen, and not at all where that fails', async () => {
    const gate = new Gate()
    const published: unknown[] = []

    @Gateway('/ws/:facility', { channels: { publish: true } })
    class News {
      @OnOpen() async opened() {
        await gate.pass()
        throw new Error('no')
      }
    }

    const { app, hub } = await start(News)
    hub.channels
    const client = await app.line('/ws/news?publish-broadcast')
    client.send('too early')
    const publisher = app.get(Publisher)
    await app.settle()
    published.push((await publisher.fetch('news', { broadcast: true }))?.text)
    gate.open()
    await until(() => client.closed !== undefined, 'the end')
    published.push((await publisher.fetch('news', { broadcast: true }))?.text)
    expect(published).toEqual([undefined, undefined])
    expect(app.logged()).toMatchObject([{ message: '@OnOpen failed' }])
  })

  test('and is nothing any more when the line has gone meanwhile', async () => {
    for (const recovery of [undefined, {}]) {
      const slow = new Gate()
      const { app, line, open } = await start(
        gatewayWith({ subscribe: gated([slow]) }, recovery === undefined ? {} : { recovery }),
      )
      const client = await line('/ws/news')
      client.send('{"subscribe":"broadcast","id":1}', '{"subscribe":"user","id":2}')
      await until(() => slow.arrived === 1, 'the rule')
      client.network.cut()
      await app.settle()
      slow.open()
      await app.settle()
      expect(open()).toEqual([])
    }
  })

  test('within the limits for events', async () => {
    const limits: Partial<Limits> = { rate: 1, burst: 3, pending: 2, waiting: 4 }
    const { app, line } = await start(gatewayWith({ publish: true }), { limits })
    const client = await line('/ws/news')
    const frames = ['{"subscribe":"broadcast"}', '{"publish":"user","data":1}', '{"event":"echo"}']
    client.send(...frames, '{"publish":"broadcast","data":1}')
    await app.settle()
    expect(framesOf(client)).toMatchObject([{ error: { code: 'RATE_LIMITED', event: 'publish' } }])
    expect(app.stats().rateLimited).toBe(1)

    const gate = new Gate()
    const busy = await start(gatewayWith({ publish: gated([gate]) }), { limits: { pending: 2, waiting: 4 } })
    const other = await busy.line('/ws/news')
    for (let id = 1; id <= 3; id++) other.send(JSON.stringify({ publish: 'broadcast', data: id, id }))
    other.send('{"publish":"broadcast","data":1,"id":1}')
    for (let i = 0; i < 10; i++) other.send('{"publish":"broadcast","data":1}')
    await busy.app.settle()
    const codes = framesOf(other).map((one) => (one as { error: { code: string } }).error.code)
    expect(codes).toEqual(['OVERLOADED', 'MALFORMED_FRAME'])
    gate.open()
    // What waits is not read, so that nothing of it is lost.
    await until(() => other.received.length === 5, 'the answers')
    expect(framesOf(other).slice(2)).toEqual([{ ack: 1 }, { ack: 2 }])
    expect(busy.app.stats()).toMatchObject({ overloaded: 0 })
  })

  test('one that hangs holds up nothing for longer than a handler may', async () => {
    const never = () => new Promise<boolean>(() => {})
    const { app, line } = await start(gatewayWith({ publish: never }), { limits: { handler: 100 } })
    const client = await line('/ws/news')
    client.send('{"publish":"broadcast","data":1,"id":1}', '{"event":"echo","data":2,"id":2}')
    await app.advance(100)
    expect(framesOf(client)).toMatchObject([
      { ack: 1, error: { code: 'TIMEOUT' } },
      { ack: 2, data: 2 },
    ])
  })

  test('at the handshake it is held up for as long as authenticating may take', async () => {
    const never = () => new Promise<boolean>(() => {})
    const { app } = await start(gatewayWith({ subscribe: never }), { limits: { authenticate: 100 } })
    const refused = app.line('/ws/news?subscribe-broadcast').catch((error: Error) => error.message)
    await app.advance(100)
    expect(await refused).toContain('503')
  })
})

describe('a session that goes on over another line', () => {
  const recovery = {}

  test('hears by its url again, and asks for the rest anew', async () => {
    const { app, line, open } = await start(gatewayWith({ publish: true }, { recovery }))
    const client = await line('/ws/news?subscribe-broadcast')
    client.send('{"subscribe":"user","id":1}')
    await app.settle()
    expect(open().length).toBe(2)
    const { token, pos } = JSON.parse(String(client.received[0])).hello.recovery as Record<string, unknown>
    client.network.cut()
    await app.settle()
    expect([app.stats().suspended, open()]).toEqual([1, []])
    const back = await app.line('/ws/news?subscribe-broadcast', {
      subprotocols: [JSON_FRAMES, `partyline.resume.${token}.${pos}`],
      identity: ann,
    })
    await app.settle()
    expect(JSON.parse(String(back.received[0])).hello.recovered).toBe(true)
    expect(open().length).toBe(1)
    await app.stop()
    expect(open()).toEqual([])
  })

  test('publishes once what it sends again', async () => {
    const { app, line } = await start(gatewayWith({ publish: true, history: 10 }, { recovery }))
    const listener = await line('/ws/news?subscribe-broadcast')
    const client = await line('/ws/news')
    client.send('{"publish":"broadcast","data":1,"id":1,"pos":1}')
    client.send('{"publish":"broadcast","data":1,"id":1,"pos":1}')
    client.send('{"publish":"broadcast","data":2,"pos":2}')
    await app.settle()
    expect(framesOf(listener)).toEqual([
      { channel: 'broadcast', data: 1 },
      { channel: 'broadcast', data: 2 },
    ])
  })
})

test('a client that does not read what its channels bring is closed', async () => {
  const log = new CollectingLogger()
  const options = { limits: { buffer: 1_000 }, logger: log }
  const app = new App(gatewayWith({}), options, (host) => new MemoryRuntime(host))
  const client = (await app.runtime.connect('/ws/news?subscribe-broadcast')) as MemoryClient
  client.reading = false
  const publisher = app.get(Publisher)
  for (let i = 0; i < 20; i++) await publisher.publish('news', 'x'.repeat(500), { broadcast: true })
  await until(() => client.closed !== undefined, 'the end')
  expect(client.closed).toEqual({ code: 1_008, reason: 'slow consumer' })
  expect(log.take()).toMatchObject([{ level: 'warn' }])
  await app.stop()
})

test('who subscribes is answered when everything will come, or that it cannot be', async () => {
  const { app, broker, line, open } = await start(gatewayWith({}))
  const client = await line('/ws/news')
  broker.cut()
  client.send('{"subscribe":"broadcast","id":1}')
  await app.advance(4_999)
  expect(framesOf(client)).toEqual([])
  await app.advance(1)
  const message = 'not subscribed: the broker is away'
  expect(framesOf(client)).toEqual([{ ack: 1, error: { code: 'UNAVAILABLE', message } }])
  expect(open()).toEqual([])
  client.send('{"subscribe":"broadcast","id":2}')
  await app.advance(1_000)
  expect(framesOf(client).length).toBe(1)
  broker.mend()
  await app.advance(1_000)
  expect(framesOf(client)[1]).toEqual({ ack: 2, data: { channels: ['broadcast'], at: [0] } })
})

// Who asked again for what its url had asked for, while the broker was away, heard nothing of it any more.
test('what the url asks for comes in the end, though who asks for it again is refused meanwhile', async () => {
  const { app, broker, line, open } = await start(gatewayWith({}))
  broker.cut()
  const client = await line('/ws/news?subscribe-broadcast')
  client.send('{"subscribe":"broadcast","id":1}')
  await app.advance(5_000)
  expect(framesOf(client)).toMatchObject([{ ack: 1, error: { code: 'UNAVAILABLE' } }])
  broker.mend()
  await app.advance(1_000)
  expect(open().length).toBe(1)
})

test('a message that a frame cannot carry is reported, and the others come', async () => {
  const { app, line } = await start(gatewayWith({}), { limits: { buffer: 100 } })
  const client = await line('/ws/news?subscribe-broadcast')
  const publisher = app.get(Publisher)
  for (const data of ['x'.repeat(390), 'y']) await publisher.publish('news', data, { broadcast: true })
  await app.settle()
  expect(framesOf(client)).toEqual([{ channel: 'broadcast', data: 'y' }])
  expect(app.logged()).toMatchObject([
    {
      message: 'a message of a channel was not sent to those whose codec cannot carry it',
      fields: { event: 'broadcast' },
    },
  ])
})

test('the publisher of an app keeps as much as its gateways, and a standalone one what it is told', async () => {
  const hub = new MemoryHub()
  const { app, line } = await start(gatewayWith({ history: 3 }), { broker: memory({ hub }) })
  const publisher = app.get(Publisher)
  for (const data of [1, 2, 3, 4]) await publisher.publish('news', data, { broadcast: true })
  const client = await line('/ws/news?subscribe-broadcast')
  await app.settle()
  expect(framesOf(client).map((one) => (one as { data: number }).data)).toEqual([2, 3, 4])
  const alone = createPublisher({ broker: memory({ hub }), clock: app.clock })
  await alone.publish('news', 5, { broadcast: true })
  const late = await line('/ws/news?subscribe-broadcast')
  await app.settle()
  expect(framesOf(late).map((one) => (one as { data: number }).data)).toEqual([5])
  await alone.close()
})

describe('who asks for a page', () => {
  const request = (user?: string) =>
    new Request('http://localhost/page', { headers: user === undefined ? {} : { 'x-user': user } })
  const appWith = async (authenticate: AppOptions['authenticate'], limits: Partial<Limits> = {}) => {
    const options = authenticate === undefined ? {} : { authenticate }
    const app = new App(gatewayWith({}), { ...options, limits }, (host) => new MemoryRuntime(host))
    await app.ready()
    return { app }
  }

  test('is found out as who connects is', async () => {
    class Cookies {
      authenticate({ headers, ip }: { headers: Headers; ip: string }): Identity | null {
        const user = headers.get('x-user')
        if (user === 'evil') throw new PartylineError('UNAUTHENTICATED', 'no')
        if (user === 'broken') throw new Error('the database is down')
        return user === null ? null : { user, session: ip }
      }
    }
    const { app } = await appWith(Cookies)
    expect(await app.authenticate(request('ann'), { ip: '10.0.0.1' })).toEqual({
      user: 'ann',
      session: '10.0.0.1',
    })
    expect(await app.authenticate(request())).toBeNull()
    expect(await app.authenticate(request('evil'))).toBeNull()
    expect(app.authenticate(request('broken'))).rejects.toThrow('the database is down')
    await app.stop()
    const none = await appWith(undefined)
    expect(await none.app.authenticate(request('ann'))).toBeNull()
    await none.app.stop()
  })

  test('is not waited for for ever', async () => {
    const { app } = await appWith(() => new Promise<null>(() => {}), { authenticate: 1 })
    expect(app.authenticate(request('ann'))).rejects.toMatchObject({ code: 'TIMEOUT' })
    await until(() => app.stats().authenticateTimeouts === 1, 'the timeout')
    await app.stop()
  })
})

describe('mistakes at boot', () => {
  const boot = (channels: unknown, options: GatewayOptions = {}, path = '/ws/:facility') => {
    @Gateway(path, { channels: channels as ChannelOptions, ...options })
    class News {}
    return mistakesIn(News)
  }

  test('are told of channels', () => {
    expect(boot({}, {}, '/ws/:room')).toEqual([
      'News has channels, and its path /ws/:room has no :facility, which would name the facility. Add it, or name another ' +
        'parameter by channels.facility.',
    ])
    expect(boot({ facility: 'room' }, {}, '/ws/:room?')).toEqual([])
    expect(boot({ facility: '.*' }, {}, '/ws/:room')[0]).toContain('has no :.*')
    expect(boot({}, { protocol: 'raw' })[0]).toContain("News has channels and protocol: 'raw'")
    for (const wrong of ['broadcast', ['all'], 1, null, {}])
      expect(boot({ subscribe: wrong })).toEqual([
        'channels.subscribe of News is no rule: give true, false, a function, or a list of broadcast, user, group, session.',
      ])
    expect(boot({ publish: ['user', 'users'] })[0]).toContain('channels.publish of News is no rule')
    expect(boot({ history: 0 })).toEqual([
      'channels of News: the history is 0: give a whole number from 1 to 1000.',
    ])
    expect(boot({ expiry: -1 })[0]).toStartWith('channels of News: the expiry is -1: give whole milliseconds')
  })

  test('are told of what takes messages by HTTP', () => {
    const News = gatewayWith({})
    const key = '0123456789abcdef'
    expect(mistakesIn(News, { publish: { key: 'short' } })[0]).toStartWith(
      'the option publish.key: the key for publishing over HTTP is shorter than 16 characters',
    )
    expect(mistakesIn(News, { publish: { key: [] } })[0]).toContain('is given no key')
    for (const path of ['/healthz', '', '/partyline.js'])
      expect(mistakesIn(News, { publish: { key, path } })[0]).toContain('where something else is')
    expect(mistakesIn(News, { publish: { key } })).toEqual([])
  })

  // A guest's requests are handed to it by what it says it serves: in NestJS /publish was Nest's, which answered 404.
  test('have the path that takes messages by HTTP among those that they serve', () => {
    const publish = { key: '0123456789abcdef', path: '/in' }
    const app = new App(gatewayWith({}), { publish }, (host) => new MemoryRuntime(host))
    expect([app.serves('/in', 'http'), app.serves('/in/', 'http'), app.serves('/in')]).toEqual([
      true,
      true,
      false,
    ])
    expect([app.serves('/publish', 'http'), app.serves('/ws/news', 'http')]).toEqual([false, false])
  })
})
