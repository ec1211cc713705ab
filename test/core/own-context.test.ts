import { afterEach, expect, test } from 'bun:test'
import {
  contextOf,
  Gateway,
  GatewayContext,
  Inject,
  Injectable,
  inject,
  Module,
  On,
  type Socket,
} from 'partyline'
import { finish, start } from './in-memory.ts'

afterEach(finish)

@Gateway('/one')
class One {
  constructor(readonly context: GatewayContext) {}

  @On() tell(_: Socket, text: string) {
    this.context.emit('told', text)
  }
}

@Gateway('/two')
class Two {
  constructor(readonly context: GatewayContext) {}
}

test('each gateway is given its own context, which reaches its own sockets only', async () => {
  const { app, connect } = await start([One, Two])
  const [one, two] = [await connect('/one'), await connect('/two')]
  one.send('{"event":"tell","data":"hi"}')
  expect(await one.next()).toBe('{"event":"told","data":"hi"}')
  app.get(Two).context.emit('only two')
  expect(await two.next()).toBe('{"event":"only two","args":[]}')
  expect(app.get(One).context).not.toBe(app.get(Two).context)
  expect([app.get(One).context.path, app.get(Two).context.path]).toEqual(['/one', '/two'])
  expect([one.received.length, two.received.length]).toEqual([1, 1])
})

test('contextOf(Gateway) is that same context: for services, for other gateways, for app.get', async () => {
  @Injectable()
  class News {
    constructor(@Inject(contextOf(One)) readonly one: GatewayContext) {}
    readonly two = inject(contextOf(Two))
  }

  @Gateway('/three')
  class Three {
    constructor(
      readonly own: GatewayContext,
      @Inject(contextOf(One)) readonly one: GatewayContext,
      readonly news: News,
    ) {}
  }

  const { app } = await start([One, Two, Three])
  const { own, one, news } = app.get(Three)
  expect(one).toBe(app.get(One).context)
  expect(news.one).toBe(app.get(One).context)
  expect(news.two).toBe(app.get(Two).context)
  expect(app.get(contextOf(Three))).toBe(own)
  expect(app.get(contextOf(One))).toBe(one)
})

test('two gateways can have the context of each other', async () => {
  @Gateway('/ping')
  class Ping {
    constructor(readonly context: GatewayContext) {}
    readonly pong = inject(contextOf(Pong))
  }

  @Gateway('/pong')
  class Pong {
    constructor(@Inject(contextOf(Ping)) readonly ping: GatewayContext) {}
  }

  const { app } = await start([Ping, Pong])
  expect(app.get(Ping).pong.path).toBe('/pong')
  expect(app.get(Pong).ping).toBe(app.get(Ping).context)
})

test('gateways of shorter scopes are given the same context each time', async () => {
  const contexts = new Set<GatewayContext>()

  @Gateway('/connection', { scope: 'connection' })
  class Connection {
    constructor(readonly context: GatewayContext) {}

    @On() note() {
      contexts.add(this.context)
    }
  }

  @Gateway('/event', { scope: 'event' })
  class Event {
    readonly context = inject(GatewayContext)

    @On() note() {
      contexts.add(this.context)
    }
  }

  const { app, connect } = await start([Connection, Event])
  for (const path of ['/connection', '/connection', '/event', '/event']) {
    expect(await (await connect(path)).ask('{"event":"note","id":1}')).toBe('{"ack":1}')
  }
  expect([...contexts]).toEqual([app.get(contextOf(Connection)), app.get(contextOf(Event))])
})

test('a gateway can be injected into a service, and has its own context there too', async () => {
  @Injectable()
  class Desk {
    constructor(readonly one: One) {}
  }

  @Module({ gateways: [One], providers: [Desk] })
  class TestModule {}

  const { app } = await start(TestModule)
  expect(app.get(Desk).one).toBe(app.get(One))
  expect(app.get(Desk).one.context.path).toBe('/one')
})

test('the same gateway has another context in another app', async () => {
  const [first, second] = [await start(One), await start(One, { prefix: '/ws' })]
  const client = await first.connect('/one')
  await second.connect('/ws/one')
  second.app.get(contextOf(One)).emit('elsewhere')
  first.app.get(contextOf(One)).emit('here')
  expect(await client.next()).toBe('{"event":"here","args":[]}')
  expect([first.app.get(One).context.path, second.app.get(One).context.path]).toEqual(['/one', '/ws/one'])
})
