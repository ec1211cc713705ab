import { afterEach, expect, test } from 'bun:test'
import { Gateway, Inject, Injectable, Module, On, type Provider, token } from 'partyline'
import { finish, put, start } from '../core/in-memory.ts'

afterEach(finish)

interface Clock {
  now(): number
}

const CLOCK = token<Clock>('CLOCK')
const noon: Clock = { now: () => 12 }

@Injectable()
class Names {
  readonly list = ['Ada', 'Robert']
}

@Injectable()
class Greeter {
  constructor(readonly names: Names) {}

  greet() {
    return `Hello ${this.names.list.join(' and ')}!`
  }
}

@Gateway('/')
class Nobody {}

/** Starts an app that has these providers beside a gateway without any. */
async function startWith(...providers: Provider[]) {
  @Module({ gateways: [Nobody], providers })
  class TestModule {}

  const { app } = await start(TestModule)
  return app
}

test("a gateway's constructor gets what its parameters' types say, and that gets what its own say", async () => {
  @Gateway('/greetings')
  class Greetings {
    constructor(private readonly greeter: Greeter) {}

    @On() hello() {
      return this.greeter.greet()
    }
  }

  const { connect } = await start(Greetings)
  const client = await connect('/greetings')
  expect(await client.ask('{"event":"hello","id":1}')).toBe('{"ack":1,"data":"Hello Ada and Robert!"}')
})

test('everybody in an app gets the same instance of a class', async () => {
  const app = await startWith(Greeter, {
    provide: 'second',
    useFactory: (names: Names) => names,
    inject: [Names],
  })
  expect(app.get(Greeter)).toBe(app.get(Greeter))
  expect(app.get(Greeter).names).toBe(app.get<Names>('second'))
})

test('useValue is injected as it is, whatever it is', async () => {
  const promise = Promise.resolve(1)
  // biome-ignore lint/suspicious/noThenProperty: what is tested
  const query = { then: () => expect.unreachable('nobody waits for a value') }
  const app = await startWith(
    { provide: CLOCK, useValue: noon },
    { provide: 'nothing', useValue: undefined },
    { provide: 'null', useValue: null },
    { provide: 'zero', useValue: 0 },
    { provide: 'promise', useValue: promise },
    { provide: 'query', useValue: query },
  )
  expect(app.get(CLOCK)).toBe(noon)
  expect(app.get('nothing')).toBeUndefined()
  expect(app.get('null')).toBeNull()
  expect(app.get('zero')).toBe(0)
  expect(app.get('promise')).toBe(promise)
  expect(app.get('query')).toBe(query)
})

test('useClass builds another class in the place of the one asked for', async () => {
  @Injectable()
  class PoliteGreeter extends Greeter {
    override greet() {
      return `Good evening, ${this.names.list.join(' and ')}.`
    }
  }

  const app = await startWith({ provide: Greeter, useClass: PoliteGreeter })
  expect(app.get(Greeter)).toBeInstanceOf(PoliteGreeter)
  expect(app.get(Greeter).greet()).toBe('Good evening, Ada and Robert.')
})

test('useFactory is called once, with what `inject` lists, in its order', async () => {
  const calls: unknown[][] = []
  const app = await startWith(
    { provide: CLOCK, useValue: noon },
    {
      provide: 'greeting',
      inject: [CLOCK, Names, 'punctuation'],
      useFactory: (...dependencies: [Clock, Names, string]) => {
        calls.push(dependencies)
        const [clock, names, end] = dependencies
        return `${clock.now()}: ${names.list[0]}${end}`
      },
    },
    { provide: 'punctuation', useValue: '?' },
  )
  expect(app.get('greeting')).toBe('12: Ada?')
  expect(app.get('greeting')).toBe('12: Ada?')
  expect(calls).toEqual([[noon, app.get(Names), '?']])
})

test('a factory that returns undefined is not asked again', async () => {
  let calls = 0
  const app = await startWith({ provide: 'nothing', useFactory: () => void calls++ })
  expect([app.get('nothing'), app.get('nothing'), calls]).toEqual([undefined, undefined, 1])
})

test('useExisting is another name for the same instance', async () => {
  const app = await startWith(
    { provide: 'greeter', useExisting: Greeter },
    { provide: 'again', useExisting: 'greeter' },
  )
  expect(app.get<Greeter>('again')).toBe(app.get(Greeter))
})

test('@Inject gives a parameter what a token stands for: a symbol, a string, another class', async () => {
  @Injectable()
  class Sign {
    constructor(
      @Inject(CLOCK) readonly clock: Clock,
      @Inject('motto') readonly motto: string,
      @Inject(Names) readonly names: { list: string[] },
      readonly greeter: Greeter,
    ) {}
  }

  const app = await startWith(
    Sign,
    { provide: CLOCK, useValue: noon },
    { provide: 'motto', useValue: 'Dance!' },
  )
  const sign = app.get(Sign)
  expect([sign.clock, sign.motto, sign.names, sign.greeter]).toEqual([
    noon,
    'Dance!',
    app.get(Names),
    app.get(Greeter),
  ])
})

test('two tokens of the same description are two tokens', async () => {
  const [one, other] = [token<number>('PORT'), token<number>('PORT')]
  const app = await startWith({ provide: one, useValue: 1 }, { provide: other, useValue: 2 })
  expect([app.get(one), app.get(other)]).toEqual([1, 2])
})

test('a class without parameters needs no decorator, and no place in a list', async () => {
  class Counter {
    count = 0
  }

  const app = await startWith()
  app.get(Counter).count++
  expect(app.get(Counter).count).toBe(1)
})

test('a class whose parameters all have @Inject needs no metadata of its compiler', async () => {
  class Compiled {
    constructor(
      readonly motto: string,
      readonly names: Names,
    ) {}
  }
  // What esbuild makes of `@Injectable() class Compiled { constructor(@Inject('motto') motto, @Inject(Names) names) }`.
  Inject('motto')(Compiled, undefined, 0)
  Inject(Names)(Compiled, undefined, 1)
  Injectable()(Compiled)

  const app = await startWith(Compiled, { provide: 'motto', useValue: 'Dance!' })
  expect(app.get(Compiled)).toMatchObject({ motto: 'Dance!', names: app.get(Names) })
})

test("createApp's providers replace those of the modules, those that nobody listed, and nothing else", async () => {
  @Injectable()
  class TestNames extends Names {
    override readonly list = ['Eve']
  }

  @Gateway('/greetings')
  class Greetings {
    constructor(
      readonly greeter: Greeter,
      @Inject('motto') readonly motto: string,
      @Inject('place') readonly place: string,
    ) {}
  }

  @Module({
    gateways: [Greetings],
    providers: [
      { provide: 'motto', useFactory: () => expect.unreachable('it was replaced') },
      { provide: 'place', useValue: 'here' },
    ],
  })
  class TestModule {}

  const providers: Provider[] = [
    { provide: Names, useClass: TestNames },
    { provide: 'motto', useValue: 'Test!' },
  ]
  const { app } = await start(TestModule, { providers })
  const { greeter, motto, place } = app.get(Greetings)
  expect([greeter.greet(), motto, place]).toEqual(['Hello Eve!', 'Test!', 'here'])
})

test('app.get gives gateways, providers and classes that nobody listed; also before the app is ready', async () => {
  @Gateway('/greetings')
  class Greetings {
    constructor(readonly greeter: Greeter) {}
  }

  const { app } = put(Greetings)
  expect(app.get(Greetings).greeter).toBe(app.get(Greeter))
  await app.ready()
  expect(app.get(Greetings).greeter).toBe(app.get(Greeter))
  expect(app.get(Names)).toBe(app.get(Greeter).names)
})
