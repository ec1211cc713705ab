// tsyringe asks for this before its own import, and Bun keeps to no order between packages at different depths.
import 'reflect-metadata'
import { afterEach, expect, test } from 'bun:test'
import { Gateway, GatewayContext, Injectable, Module, On, type Provider } from 'partyline'
import {
  delay,
  container as everybodys,
  inject,
  injectAll,
  injectable,
  injectWithTransform,
  Lifecycle,
  registry,
  scoped,
  singleton,
} from 'tsyringe'
import { finish, mistakesIn, start } from '../core/in-memory.ts'

afterEach(finish)

@Gateway('/')
class Nobody {}

class Loud {
  transform(text: string) {
    return text.toUpperCase()
  }
}

async function startWith(...providers: Provider[]) {
  @Module({ gateways: [Nobody], providers })
  class TestModule {}

  const { app } = await start(TestModule)
  return app
}

@injectable()
class Names {
  readonly list = ['Ada']
}

test('@injectable() classes are built once for the app, listed or not', async () => {
  @injectable()
  class Greeter {
    constructor(
      readonly names: Names,
      @inject('motto') readonly motto: string,
    ) {}
  }

  const app = await startWith(Greeter, { provide: 'motto', useValue: 'Dance!' })
  expect(app.get(Greeter)).toBe(app.get(Greeter))
  expect(app.get(Greeter)).toMatchObject({ names: app.get(Names), motto: 'Dance!' })
})

test('gateways may carry @inject on their parameters beside their own context', async () => {
  @Gateway('/greetings')
  class Greetings {
    constructor(
      @inject('motto') readonly motto: string,
      readonly context: GatewayContext,
      readonly names: Names,
    ) {}

    @On() greet() {
      return `${this.motto} ${this.names.list} ${this.context.path}`
    }
  }

  @Module({ gateways: [Greetings], providers: [{ provide: 'motto', useValue: 'Dance!' }] })
  class TestModule {}

  const { connect } = await start(TestModule)
  const client = await connect('/greetings')
  expect(await client.ask('{"event":"greet","id":1}')).toBe('{"ack":1,"data":"Dance! Ada /greetings"}')
})

test('two apps in one process share nothing, also not what @singleton() or @scoped() stands on', async () => {
  @singleton()
  class Counter {
    count = 0
  }

  @scoped(Lifecycle.ContainerScoped)
  class Scoped {
    constructor(readonly counter: Counter) {}
  }

  const [one, other] = [await startWith(Counter, Scoped), await startWith(Counter, Scoped)]
  one.get(Scoped).counter.count++
  expect(one.get(Counter).count).toBe(1)
  expect(other.get(Scoped).counter.count).toBe(0)
  expect(everybodys.resolve(Counter).count).toBe(0)
  expect(one.get(Scoped)).toBe(one.get(Scoped))
})

test('a @singleton() class that nobody listed is not shared either', async () => {
  @singleton()
  class Counter {
    count = 0
  }

  @injectable()
  class User {
    constructor(readonly counter: Counter) {}
  }

  const [one, other] = [await startWith(User), await startWith(User)]
  one.get(User).counter.count++
  expect([other.get(User).counter.count, everybodys.resolve(Counter).count]).toEqual([0, 0])
  const third = await startWith()
  third.get(Counter).count++
  expect(everybodys.resolve(Counter).count).toBe(0)
})

test('delay() lets two classes need each other', async () => {
  interface Named {
    readonly name: string
  }

  @injectable()
  class Chicken {
    readonly name = 'chicken'
    constructor(@inject(delay(() => Egg)) readonly egg: Named) {}
  }

  @injectable()
  class Egg {
    readonly name = 'egg'
    constructor(readonly chicken: Chicken) {}
  }

  @Gateway('/farm')
  class Farm {
    constructor(
      readonly chicken: Chicken,
      readonly egg: Egg,
    ) {}
  }

  const { app } = await start(Farm)
  const { chicken, egg } = app.get(Farm)
  expect([chicken.egg.name, egg.chicken.name]).toEqual(['egg', 'chicken'])
  expect(egg.chicken).toBe(chicken)
})

test('what delay() asks for later is looked at all the same', () => {
  @injectable()
  class Chicken {
    constructor(@inject(delay(() => Egg)) readonly egg: object) {}
  }

  @injectable()
  class Egg {
    constructor(@inject('colour') readonly colour: string) {}
  }

  @Gateway('/farm')
  class Farm {
    constructor(readonly chicken: Chicken) {}
  }

  expect(mistakesIn(Farm)).toEqual([
    'cannot resolve "colour" ← Egg ← Chicken: parameter 1 of Egg\'s constructor asks for "colour", which nobody ' +
      'provides. Add it to the "providers" of a module.',
  ])
})

test('an optional parameter is undefined where nobody provides it, and given where somebody does', async () => {
  @injectable()
  class Greeter {
    constructor(@inject('motto', { isOptional: true }) readonly motto?: string) {}
  }

  const without = await startWith(Greeter)
  expect(without.get(Greeter).motto).toBeUndefined()
  const given = await startWith(Greeter, { provide: 'motto', useValue: 'Dance!' })
  expect(given.get(Greeter).motto).toBe('Dance!')
})

test('@injectAll gives an array of what the app provides', async () => {
  @injectable()
  class Greeter {
    constructor(@injectAll('motto') readonly mottos: string[]) {}
  }

  const app = await startWith(Greeter, { provide: 'motto', useValue: 'Dance!' })
  expect(app.get(Greeter).mottos).toEqual(['Dance!'])
})

test('@injectWithTransform gives what the transformer makes of it', async () => {
  @injectable()
  class Greeter {
    constructor(@injectWithTransform('motto', Loud) readonly motto: string) {}
  }

  const app = await startWith(Greeter, { provide: 'motto', useValue: 'Dance!' })
  expect(app.get(Greeter).motto).toBe('DANCE!')
})

test("what was registered in tsyringe's own container under a string can be injected, built with the app's things", async () => {
  @Injectable()
  class Host {
    constructor(readonly names: Names) {}
  }

  @registry([
    { token: 'tsyringe-plugin', useClass: Names },
    { token: 'tsyringe-plugin', useValue: 'a plugin' },
  ])
  @injectable({ token: 'tsyringe-greeter' })
  class Greeter {
    constructor(
      readonly names: Names,
      readonly host: Host,
      @injectAll('tsyringe-plugin') readonly plugins: unknown[],
    ) {}
  }

  @injectable()
  class User {
    constructor(@inject('tsyringe-greeter') readonly greeter: Greeter) {}
  }

  const app = await startWith(User, Names)
  expect(app.get(User).greeter).toBeInstanceOf(Greeter)
  expect(app.get(User).greeter.names).toBe(app.get(Names))
  expect(app.get(User).greeter.host.names).toBe(app.get(Names))
  expect(app.get(User).greeter.plugins).toEqual([expect.any(Names), 'a plugin'])
  expect(app.get<Greeter>('tsyringe-greeter')).toBeInstanceOf(Greeter)
})

test('what nobody provides is found at boot, whichever @inject asks for it', () => {
  @injectable()
  class Greeter {
    constructor(
      @inject('motto') readonly motto: string,
      @injectAll('guests') readonly guests: string[],
      @injectWithTransform('song', Loud) readonly song: string,
    ) {}
  }

  @Gateway('/greetings')
  class Greetings {
    constructor(readonly greeter: Greeter) {}
  }

  expect(mistakesIn(Greetings)).toEqual([
    'cannot resolve "motto" ← Greeter ← Greetings ← createApp: parameter 1 of Greeter\'s constructor asks for "motto", ' +
      'which nobody provides. Add it to the "providers" of a module.',
    'cannot resolve "guests" ← Greeter ← Greetings ← createApp: parameter 2 of Greeter\'s constructor asks for "guests", ' +
      'which nobody provides. Add it to the "providers" of a module.',
    'cannot resolve "song" ← Greeter ← Greetings ← createApp: parameter 3 of Greeter\'s constructor asks for "song", ' +
      'which nobody provides. Add it to the "providers" of a module.',
  ])
})
