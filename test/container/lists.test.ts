import { afterEach, describe, expect, test } from 'bun:test'
import 'reflect-metadata'
import { Gateway, GatewayContext, Inject, Injectable, inject, Module, On, type Token, token } from 'partyline'
import { delay } from 'tsyringe'
import { finish, mistakesIn, start } from '../core/in-memory.ts'

// What the compiler does not say of a constructor. test/dialects has the same under standard decorators.

afterEach(finish)

const MOTTO = token<string>('MOTTO')

class Names {
  readonly list = ['Ada']
}

@Gateway('/')
class Root {}

function moduleWith(target: new (...args: never[]) => object) {
  @Module({ gateways: [Root], providers: [target, { provide: MOTTO, useValue: 'Dance!' }] })
  class TestModule {}
  return TestModule
}

/** Builds a class in an app that also has a motto. */
async function build<T extends object>(target: new (...args: never[]) => T): Promise<T> {
  const { app } = await start(moduleWith(target))
  return app.get<T>(target)
}

describe('a static list', () => {
  class Listed {
    static readonly inject: readonly Token[] = [Names, MOTTO]

    constructor(
      readonly names: Names,
      readonly motto: string,
    ) {}
  }

  test('says what the constructor is given, without any decorator', async () => {
    expect(await build(Listed)).toMatchObject({ names: { list: ['Ada'] }, motto: 'Dance!' })
  })

  test('holds for subclasses without a constructor, decorated or not', async () => {
    class Heir extends Listed {
      readonly own = 1
    }

    @Injectable()
    class Decorated extends Heir {}

    for (const target of [Heir, Decorated])
      expect(await build(target)).toMatchObject({ names: { list: ['Ada'] }, motto: 'Dance!', own: 1 })
  })

  test('does not speak of the constructor of a subclass', async () => {
    class Alone extends Listed {
      constructor(motto = 'alone') {
        super(new Names(), motto)
      }
    }

    @Injectable()
    class Typed extends Listed {
      constructor(names: Names) {
        super(names, 'typed')
      }
    }

    class Swapped extends Listed {
      static override readonly inject = [MOTTO, Names]

      constructor(motto: string, names: Names) {
        super(names, motto.toUpperCase())
      }
    }

    class Unlisted extends Listed {
      constructor(motto: string) {
        super(new Names(), motto)
      }
    }

    expect((await build(Alone)).motto).toBe('alone')
    expect((await build(Typed)).motto).toBe('typed')
    expect((await build(Swapped)).motto).toBe('DANCE!')
    expect(mistakesIn(moduleWith(Unlisted))).toEqual([
      expect.stringMatching(
        /^nothing says what to inject as parameter 1 \(motto\) of Unlisted's constructor\. /,
      ),
    ])
  })

  test('goes before the types, and after @Inject', async () => {
    interface Named {
      readonly list: string[]
    }

    @Injectable()
    class Both {
      static readonly inject = ['nobody', MOTTO, Names] as const

      constructor(
        @Inject(MOTTO) readonly first: string,
        readonly second: string,
        readonly third: Named,
      ) {}
    }

    expect(await build(Both)).toMatchObject({ first: 'Dance!', second: 'Dance!', third: { list: ['Ada'] } })
  })

  test('may be longer than the parameters that have no default value', async () => {
    class Long {
      static readonly inject = [Names, MOTTO, MOTTO]
      readonly rest: readonly unknown[]

      constructor(
        readonly names: Names,
        readonly motto = 'none',
        ...rest: unknown[]
      ) {
        this.rest = rest
      }
    }

    expect(await build(Long)).toMatchObject({ motto: 'Dance!', rest: ['Dance!'] })
  })

  test('may be a getter, and ask later for what is part of a cycle', async () => {
    class Chicken {
      static get inject() {
        return [Egg]
      }

      constructor(readonly egg: Egg) {}
    }

    class Egg {
      static readonly inject = [delay(() => Chicken)]
      readonly kind = 'egg'

      constructor(readonly chicken: Chicken) {}
    }

    const chicken = await build(Chicken)
    expect(chicken.egg.chicken.egg.kind).toBe('egg')
  })

  test("gives a gateway's constructor its own context", async () => {
    @Gateway('/party')
    class Party {
      static readonly inject = [GatewayContext] as const

      constructor(readonly context: GatewayContext) {}

      @On() where() {
        return this.context.path
      }
    }

    const { connect } = await start(Party)
    const client = await connect('/party')
    expect(await client.ask('{"event":"where","id":1}')).toBe('{"ack":1,"data":"/party"}')
  })

  test('that does not reach is told so', () => {
    class Short {
      static readonly inject = [Names]

      constructor(
        readonly names: Names,
        readonly motto: string,
      ) {}
    }

    expect(mistakesIn(moduleWith(Short))).toEqual([
      "nothing says what to inject as parameter 2 (motto) of Short's constructor. Its static inject has 1 of 2: list one " +
        'token for each, in their order.',
    ])
  })

  test('is none where something else has its name', async () => {
    @Injectable()
    class Other {
      static inject(): string {
        return 'something else'
      }

      constructor(readonly names: Names) {}
    }

    expect((await build(Other)).names.list).toEqual(['Ada'])
  })
})

describe('a parameter with a default value', () => {
  interface Clock {
    now(): number
  }

  const CLOCK = token<Clock>('CLOCK')

  @Injectable()
  class Defaults {
    constructor(
      readonly names: Names,
      readonly clock: Clock = { now: () => 5 },
      readonly retries = 3,
      readonly motto = inject(MOTTO),
      readonly others: Names = new Names(),
      @Inject(MOTTO) readonly given = 'none',
    ) {}
  }

  test('takes it where its type is no class; otherwise it is injected', async () => {
    class Heir extends Defaults {}

    for (const target of [Defaults, Heir]) {
      const built = await build(target)
      expect([built.clock.now(), built.retries, built.motto, built.given]).toEqual([5, 3, 'Dance!', 'Dance!'])
      expect(built.names).toBe(built.others)
    }
  })

  test('says what is wrong in what it asks for', async () => {
    @Injectable()
    class Asking {
      constructor(readonly clock = inject(CLOCK)) {}
    }

    expect(mistakesIn(moduleWith(Asking))).toEqual([])
    expect(build(Asking)).rejects.toThrow('inject() in Asking asks for CLOCK, which nobody provides')
  })

  test('that only may be left out has no value, and is missed', () => {
    @Injectable()
    class Optional {
      constructor(readonly clock?: Clock) {}
    }

    expect(mistakesIn(moduleWith(Optional))).toEqual([
      expect.stringContaining(
        "parameter 1 of Optional's constructor has a type that stands for nothing at run time",
      ),
    ])
  })
})

test('a constructor that only hands on asks for what the one behind it asks for', async () => {
  @Injectable()
  class Base {
    constructor(
      readonly names: Names,
      @Inject(MOTTO) readonly motto: string,
    ) {}
  }

  @Injectable()
  class HandsOn extends Base {
    readonly own = 1

    constructor(...rest: [Names, string]) {
      super(...rest)
    }
  }

  class Further extends HandsOn {}

  for (const target of [HandsOn, Further])
    expect(await build(target)).toMatchObject({ names: { list: ['Ada'] }, motto: 'Dance!', own: 1 })
})
