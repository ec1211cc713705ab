import { afterEach, expect, test } from 'bun:test'
import {
  contextOf,
  Gateway,
  GatewayContext,
  Injectable,
  inject,
  Module,
  On,
  OnSignal,
  Socket,
  type SocketEvent,
  token,
} from 'partyline'
import { finish, start } from '../core/in-memory.ts'

afterEach(finish)

const MOTTO = token<string>('MOTTO')
const motto = { provide: MOTTO, useValue: 'Dance!' }

class Names {
  readonly list = ['Ada']
}

test('field initialisers and constructors of gateways and providers can ask for what they need', async () => {
  @Injectable()
  class Greeter {
    readonly names = inject(Names)
    readonly motto: string

    constructor() {
      this.motto = inject(MOTTO)
    }
  }

  @Gateway('/greetings')
  class Greetings {
    readonly #greeter = inject(Greeter)
    readonly #context = inject(GatewayContext)

    @On() greet() {
      return [this.#greeter.motto, this.#greeter.names.list, this.#context.path]
    }
  }

  @Module({ gateways: [Greetings], providers: [Greeter, motto] })
  class TestModule {}

  const { app, connect } = await start(TestModule)
  const client = await connect('/greetings')
  expect(await client.ask('{"event":"greet","id":1}')).toBe(
    '{"ack":1,"data":["Dance!",["Ada"],"/greetings"]}',
  )
  expect(app.get(Greeter).names).toBe(app.get(Names))
})

test('classes that nobody listed can be asked for, and ask themselves', async () => {
  class Greeter {
    readonly names = inject(Names)
  }

  class Host {
    readonly greeter = inject(Greeter)
    readonly names = inject(Names)
  }

  @Gateway('/house')
  class House {
    readonly host = inject(Host)
  }

  const { app } = await start(House)
  const { host } = app.get(House)
  expect(host.greeter.names.list).toEqual(['Ada'])
  expect(host.names).toBe(host.greeter.names)
})

test('it is answered by the app that builds, also when another app is being built within', async () => {
  class Counter {
    count = 0
  }

  const insides: unknown[] = []

  @Gateway('/inner')
  class Inner {
    readonly counter = inject(Counter)
  }

  @Gateway('/outer')
  class Outer {
    readonly before = inject(Counter)
    readonly inside = insides.push(start(Inner).then(({ app }) => app.get(Inner).counter))
    readonly after = inject(Counter)
  }

  const { app } = await start(Outer)
  const { before, after } = app.get(Outer)
  expect(after).toBe(before)
  expect(await insides[0]).not.toBe(before)
})

test("a factory's synchronous part can ask too", async () => {
  @Gateway('/')
  class Root {}

  @Module({
    gateways: [Root],
    providers: [motto, { provide: 'loud', useFactory: async () => inject(MOTTO).toUpperCase() }],
  })
  class TestModule {}

  const { app } = await start(TestModule)
  expect(app.get('loud')).toBe('DANCE!')
})

test('what lives for a connection or an event asks for its own', async () => {
  @Injectable({ scope: 'connection' })
  class Guest {
    readonly socket = inject(Socket)
  }

  @Gateway('/guests', { scope: 'connection' })
  class Guests {
    readonly #guest = inject(Guest)
    readonly #context = inject(GatewayContext)

    @On() self(socket: Socket) {
      return [this.#guest.socket === socket, this.#context.sockets.size]
    }
  }

  @Gateway('/events', { scope: 'event' })
  class Events {
    readonly #guest = inject(Guest)
    readonly #guests = inject(contextOf(Guests))

    @On() self(socket: Socket) {
      return [this.#guest.socket === socket, this.#guests.path]
    }
  }

  const { connect } = await start([Guests, Events])
  for (const client of [await connect('/guests'), await connect('/guests')]) {
    expect(await client.ask('{"event":"self","id":1}')).toBe('{"ack":1,"data":[true,2]}')
  }
  expect(await (await connect('/events')).ask('{"event":"self","id":1}')).toBe(
    '{"ack":1,"data":[true,"/guests"]}',
  )
})

test('outside of a construction it says where it belongs', async () => {
  @Gateway('/late')
  class Late {
    @On() handler() {
      return inject(MOTTO)
    }
  }

  expect(() => inject(MOTTO)).toThrow(
    'inject(MOTTO) was called outside of a construction: use it in field initialisers and constructors of classes ' +
      'that the container builds, and app.get(MOTTO) elsewhere.',
  )
  expect(
    () =>
      new (class Greeter {
        readonly names = inject(Names)
      })(),
  ).toThrow('inject(Names) was called outside of a construction')

  @Module({ gateways: [Late], providers: [motto] })
  class TestModule {}

  const { connect, logged } = await start(TestModule)
  expect(await (await connect('/late')).ask('{"event":"handler","id":1}')).toContain('"code":"INTERNAL"')
  expect(logged()).toMatchObject([
    { error: { message: expect.stringContaining('outside of a construction') } },
  ])
})

test('a constructor that throws leaves inject() as it was', async () => {
  @Injectable()
  class Broken {
    constructor() {
      throw new Error('on purpose')
    }
  }

  @Gateway('/fragile')
  class Fragile {
    readonly outcomes = [this.#tryIt(), this.#tryIt()]
    readonly names = inject(Names)

    #tryIt() {
      try {
        return inject(Broken)
      } catch (error) {
        return String(error)
      }
    }
  }

  const { app } = await start(Fragile)
  expect(app.get(Fragile).outcomes).toEqual(
    Array(2).fill('BuildError: Broken ← Fragile could not be built: on purpose'),
  )
  expect(app.get(Fragile).names.list).toEqual(['Ada'])
  expect(() => inject(Names)).toThrow('outside of a construction')
})

// It listened to nothing: listeners had been connected before inject() first asked for it, from below.
test('a provider that a connection is the first to ask for listens to signals from then on, once', async () => {
  const heard: string[] = []

  @Injectable()
  class Audit {
    @OnSignal('event', 'hello') said(_: Socket, { data }: SocketEvent) {
      heard.push(String(data))
    }
  }

  @Gateway('/party', { scope: 'connection' })
  class Party {
    readonly audit = inject(Audit)
    readonly again = inject(Audit)

    @On() hello() {}
  }

  const { app, connect } = await start(Party)
  const ann = await connect('/party')
  const bob = await connect('/party')
  await ann.ask('{"event":"hello","data":"ann","id":1}')
  await bob.ask('{"event":"hello","data":"bob","id":1}')
  expect(app.get(Audit)).toBeInstanceOf(Audit)
  await ann.ask('{"event":"hello","data":"ann again","id":2}')
  expect(heard).toEqual(['ann', 'bob', 'ann again'])
})
