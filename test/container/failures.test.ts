import { afterEach, describe, expect, test } from 'bun:test'
import { Gateway, Inject, Injectable, inject, Module, On, PartylineError, type Provider } from 'partyline'
import { finish, put, start } from '../core/in-memory.ts'

afterEach(finish)

const cause = new TypeError('cannot read x of undefined')

@Injectable()
class Boom {
  constructor() {
    throw cause
  }
}

@Injectable()
class Mid {
  constructor(readonly boom: Boom) {}
}

@Gateway('/party')
class Party {
  constructor(readonly mid: Mid) {}
}

/** Why an app does not start. */
async function failureOf(root: new (...args: never[]) => object, ...providers: Provider[]): Promise<Error> {
  const { app } = put(root, { providers })
  const failure = await app.ready().then(
    () => new Error('it started'),
    (reason: unknown) => reason as Error,
  )
  return failure
}

describe('what fails to be built is named, with who wanted it, and with what it threw', () => {
  // "TypeError: cannot read x of undefined" was all that was said, of whichever of a hundred classes.
  test('a constructor, wanted by constructors', async () => {
    const failure = await failureOf(Party)
    expect(failure.message).toBe('Boom ← Mid ← Party could not be built: cannot read x of undefined')
    expect(failure.cause).toBe(cause)
  })

  test('a factory, at once or later, and whatever it throws', async () => {
    const factories = [
      () => {
        throw cause
      },
      () => Promise.reject(cause),
    ]
    for (const useFactory of factories) {
      const failure = await failureOf(Party, { provide: Boom, useFactory })
      expect(failure.message).toBe('Boom ← Mid ← Party could not be built: cannot read x of undefined')
      expect(failure.cause).toBe(cause)
    }
    const failure = await failureOf(Party, { provide: Boom, useFactory: () => Promise.reject('no luck') })
    expect(failure.message).toBe('Boom ← Mid ← Party could not be built: no luck')
    expect(failure.cause).toBe('no luck')
  })

  test('what inject() asks for, in a class that others want', async () => {
    @Injectable()
    class Asks {
      readonly boom = inject(Boom)
    }

    @Gateway('/asks')
    class Asking {
      constructor(readonly asks: Asks) {}
    }

    const failure = await failureOf(Asking)
    expect(failure.message).toBe('Boom ← Asks ← Asking could not be built: cannot read x of undefined')
    expect(failure.cause).toBe(cause)
  })

  test('what is first asked for when the app runs, by app.get() and for a connection', async () => {
    @Gateway('/lazy', { scope: 'connection' })
    class Lazy {
      readonly mid = inject(Mid)
    }

    const { app, connect, logged } = await start(Lazy)
    // tsyringe said: Cannot inject the dependency at position #0 of "Mid" constructor. Reason: …
    expect(() => app.get(Mid)).toThrow('Boom ← Mid could not be built: cannot read x of undefined')
    await (await connect('/lazy')).closed()
    expect(logged()).toMatchObject([
      {
        message: 'what lives for the connection failed to build',
        error: { message: 'Boom ← Mid ← Lazy could not be built: cannot read x of undefined', cause },
      },
    ])
  })
})

// tsyringe put its own words around ours, and the advice was lost among them.
test('a mistake that is found while a parameter is built is told as it is', async () => {
  @Injectable({ scope: 'connection' })
  class Basket {}

  @Injectable()
  class Counter {
    readonly basket = inject(Basket)
  }

  @Injectable()
  class Till {
    constructor(readonly counter: Counter) {}
  }

  @Gateway('/party')
  class Nobody {}

  const { app } = await start(Nobody)
  expect(() => app.get(Till)).toThrow(
    /^Counter lives per app but asks inject\(\) for Basket, which lives per connection/,
  )
})

test('an error of the application in what lives per event reaches the caller', async () => {
  @Injectable({ scope: 'event' })
  class Membership {
    constructor() {
      throw new PartylineError('NO_MEMBER', 'join the club first')
    }
  }

  @Gateway('/club', { scope: 'event' })
  class Club {
    constructor(readonly membership: Membership) {}

    @On() drink() {}
  }

  const { connect } = await start(Club)
  expect(await (await connect('/club')).ask('{"event":"drink","id":1}')).toBe(
    '{"ack":1,"error":{"code":"NO_MEMBER","message":"join the club first"}}',
  )
})

describe('what could not be resolved is forgotten', () => {
  // It stayed known: later inject() and app.get() of anything at all failed with its mistakes.
  test('after app.get(): others can be asked for, and it fails the same way again', async () => {
    @Injectable()
    class Fine {}

    @Injectable()
    class Needy {
      constructor(
        readonly fine: Fine,
        @Inject('missing') readonly missing: string,
      ) {}
    }

    @Gateway('/party')
    class Nobody {}

    const { app } = await start(Nobody)
    const mistake = /^cannot resolve "missing" ← Needy ← app\.get\(\): parameter 2 of Needy's constructor/
    expect(() => app.get(Needy)).toThrow(mistake)
    expect(app.get(Fine)).toBeInstanceOf(Fine)
    expect(() => app.get(Needy)).toThrow(mistake)
    expect(app.get(Fine)).toBe(app.get(Fine))
  })

  test('after inject(), in the same constructor', async () => {
    @Injectable({ scope: 'connection' })
    class Basket {}

    @Injectable()
    class Captor {
      constructor(readonly basket: Basket) {}
    }

    @Injectable()
    class Fine {}

    @Gateway('/party')
    class Asker {
      readonly outcomes = [this.#try(), this.#try()]
      readonly fine = inject(Fine)

      #try() {
        try {
          return inject(Captor)
        } catch (error) {
          return (error as Error).message
        }
      }
    }

    const { app } = await start(Asker)
    const [first, second] = app.get(Asker).outcomes
    expect(first).toMatch(/^Captor lives per app but needs Basket, which lives per connection/)
    expect(second).toBe(first as string)
    expect(app.get(Asker).fine).toBeInstanceOf(Fine)
  })

  test('a class that is known is built once still, after what failed beside it', async () => {
    @Module({ providers: [{ provide: 'motto', useValue: 'Dance!' }] })
    class MottoModule {}

    @Injectable()
    class Sign {
      constructor(@Inject('motto') readonly motto: string) {}
    }

    @Injectable()
    class Broken {
      constructor(
        readonly sign: Sign,
        @Inject('missing') readonly missing: string,
      ) {}
    }

    @Gateway('/party')
    class Nobody {}

    const { app } = await start([Nobody, MottoModule])
    const sign = app.get(Sign)
    expect(() => app.get(Broken)).toThrow('cannot resolve "missing"')
    expect(app.get(Sign)).toBe(sign)
    expect(sign.motto).toBe('Dance!')
  })
})
