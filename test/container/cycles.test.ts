import { afterEach, describe, expect, test } from 'bun:test'
import { Gateway, Inject, Injectable, inject, Module, type Provider, Socket } from 'partyline'
import { finish, mistakeAtStart, mistakesIn, put } from '../core/in-memory.ts'

afterEach(finish)

@Gateway('/')
class Nobody {}

function moduleWith(...providers: Provider[]) {
  @Module({ gateways: [Nobody], providers })
  class AppModule {}
  return AppModule
}

describe('a cycle of dependencies', () => {
  const advice =
    "Move what they share to a class of its own, or let one of them ask later, by tsyringe's delay(() => …) in its @inject or its static inject."

  test('of constructors is named at boot, from where it closes', () => {
    @Injectable()
    class Chicken {
      constructor(@Inject('egg') readonly egg: object) {}
    }

    @Injectable()
    class Egg {
      constructor(readonly chicken: Chicken) {}
    }

    @Gateway('/farm')
    class Farm {
      constructor(readonly chicken: Chicken) {}
    }

    @Module({ gateways: [Farm], providers: [{ provide: 'egg', useExisting: Egg }] })
    class AppModule {}

    expect(mistakesIn(AppModule)).toEqual([
      `Chicken → "egg" → Egg → Chicken is a cycle of dependencies. ${advice}`,
    ])
  })

  test('of one with itself, of factories, and of names that stand for each other, is named', () => {
    @Injectable()
    class Narcissus {
      constructor(@Inject('narcissus') readonly self: object) {}
    }

    const mistakes = mistakesIn(
      moduleWith(
        { provide: 'narcissus', useClass: Narcissus },
        { provide: 'a', useFactory: () => 1, inject: ['b'] },
        { provide: 'b', useFactory: () => 1, inject: ['a'] },
        { provide: 'x', useExisting: 'y' },
        { provide: 'y', useExisting: 'x' },
      ),
    )
    expect(mistakes).toEqual([
      `"narcissus" → "narcissus" is a cycle of dependencies. ${advice}`,
      `"a" → "b" → "a" is a cycle of dependencies. ${advice}`,
      `"x" → "y" → "x" is a cycle of dependencies. ${advice}`,
    ])
  })

  test('by way of inject() is named when the app starts', async () => {
    class Chicken {
      readonly egg: object = inject(Egg)
    }

    class Egg {
      readonly chicken = inject(Chicken)
    }

    @Gateway('/farm')
    class Farm {
      readonly chicken = inject(Chicken)
    }

    expect(await mistakeAtStart(Farm)).toBe(
      'Chicken → Egg → Chicken is a cycle of dependencies, by way of inject(). Move what they share to a class of its own.',
    )
  })
})

describe('what lives long and needs what lives shorter', () => {
  @Injectable({ scope: 'connection' })
  class Profile {}

  @Injectable({ scope: 'event' })
  class Purchase {}

  test('is named with both ways out', () => {
    @Injectable()
    class Statistics {
      constructor(readonly profile: Profile) {}
    }

    @Gateway('/shop', { scope: 'connection' })
    class Shop {
      constructor(readonly purchase: Purchase) {}
    }

    @Module({ gateways: [Shop], providers: [Statistics] })
    class AppModule {}

    expect(mistakesIn(AppModule)).toEqual([
      'Shop lives per connection but needs Purchase, which lives per event: it would keep the first one for ever. Give ' +
        "Shop the scope 'event', or Purchase the scope 'connection'.",
      'Statistics lives per app but needs Profile, which lives per connection: it would keep the first one for ever. ' +
        "Give Statistics the scope 'connection', or Profile the scope 'app'.",
    ])
  })

  test('is found behind factories and other names', () => {
    const mistakes = mistakesIn(
      moduleWith(
        { provide: 'name', useExisting: Profile },
        { provide: 'alias', useExisting: 'name' },
        { provide: 'made', useFactory: () => 1, inject: ['alias'] },
      ),
    )
    expect(mistakes).toEqual([
      '"made" lives per app but needs "alias", which lives per connection: it would keep the first one for ever. Give ' +
        '"made" the scope \'connection\', or "alias" the scope \'app\'.',
    ])
  })

  test('has one way out where it is the socket that it needs', () => {
    @Gateway('/shop')
    class Shop {
      constructor(readonly socket: Socket) {}
    }

    expect(mistakesIn(Shop)).toEqual([
      'Shop lives per app but needs Socket, which lives per connection: it would keep the first one for ever. Give Shop ' +
        "the scope 'connection'.",
    ])
  })

  test('is named where inject() asks for it', async () => {
    @Gateway('/shop')
    class Shop {
      readonly profile = inject(Profile)
    }

    @Gateway('/door')
    class Door {
      readonly socket = inject(Socket)
    }

    expect(await mistakeAtStart(Shop)).toBe(
      'Shop lives per app but asks inject() for Profile, which lives per connection: there is none when it is built. ' +
        "Give Shop the scope 'connection', or Profile the scope 'app'.",
    )
    expect(await mistakeAtStart(Door)).toBe(
      'Door lives per app but asks inject() for Socket, which lives per connection: there is none when it is built. ' +
        "Give Door the scope 'connection'.",
    )
  })

  test('is told once, however often it is needed, also of a class that inject() is the first to ask for', async () => {
    @Injectable()
    class Statistics {
      constructor(
        readonly first: Profile,
        readonly second: Profile,
      ) {}
    }

    @Gateway('/shop')
    class Shop {
      readonly statistics = inject(Statistics)
    }

    const told =
      'Statistics lives per app but needs Profile, which lives per connection: it would keep the first one for ever. ' +
      "Give Statistics the scope 'connection', or Profile the scope 'app'."
    expect(mistakesIn(moduleWith(Statistics))).toEqual([told])
    expect(await mistakeAtStart(Shop)).toBe(told)
  })

  test('is named where app.get() asks for it', () => {
    const { app } = put(moduleWith(Profile))
    expect(() => app.get(Profile)).toThrow(
      'app.get() reaches only what lives per app, and was asked for Profile, which lives per connection.',
    )
  })
})
