// tsyringe asks for this before its own import, and Bun keeps to no order between packages at different depths.
import 'reflect-metadata'
import { afterEach, expect, test } from 'bun:test'
import { Gateway, GatewayContext, Inject, Injectable, inject, Module, On } from 'partyline'
import { inject as tsyringesInject } from 'tsyringe'
import { finish, mistakesIn, start } from '../core/in-memory.ts'
import { until } from '../support/until.ts'

afterEach(finish)

@Injectable()
class Names {
  readonly list = ['Ada']
}

const motto = { provide: 'motto', useValue: 'Dance!' }

@Injectable()
abstract class Base {
  constructor(
    readonly names: Names,
    @Inject('motto') readonly motto: string,
  ) {}
}

/** Builds a class in an app that also has a motto. */
async function build<T>(target: new (...args: never[]) => T & object): Promise<T> {
  @Gateway('/')
  class Root {}

  @Module({ gateways: [Root], providers: [target, motto] })
  class TestModule {}

  const { app } = await start(TestModule)
  return app.get<T>(target)
}

test('a class without a constructor is given what the one that it inherits takes, decorated or not', async () => {
  class Plain extends Base {}

  @Injectable()
  class Decorated extends Base {}

  class Further extends Decorated {}

  for (const target of [Plain, Decorated, Further]) {
    const built = await build(target)
    expect(built).toBeInstanceOf(target)
    expect([built.names.list, built.motto]).toEqual([['Ada'], 'Dance!'])
  }
})

test('a constructor of its own replaces the inherited one, also one without parameters', async () => {
  @Injectable()
  class Swapped extends Base {
    constructor(@Inject('motto') motto: string, names: Names) {
      super(names, motto.toUpperCase())
    }
  }

  @Injectable()
  class Alone extends Base {
    constructor() {
      super(new Names(), 'alone')
    }
  }

  expect((await build(Swapped)).motto).toBe('DANCE!')
  expect((await build(Alone)).motto).toBe('alone')
})

test('tokens of an inherited constructor are kept, whichever @inject set them', async () => {
  // Without a decorator of its own: nothing but its parameters is known of it.
  class Other {
    constructor(
      @tsyringesInject('motto') readonly first: string,
      @Inject('motto') readonly second: string,
    ) {}
  }

  @Injectable()
  class Heir extends Other {}

  for (const target of [Heir, Other])
    expect(await build(target)).toMatchObject({ first: 'Dance!', second: 'Dance!' })
})

test('inherited field initialisers ask too', async () => {
  class Root {
    readonly names = inject(Names)
  }

  class Heir extends Root {
    readonly motto = inject<string>('motto')
  }

  const heir = await build(Heir)
  expect([heir.names.list, heir.motto]).toEqual([['Ada'], 'Dance!'])
})

test('gateways that extend one another each get their own context through the inherited constructor', async () => {
  @Gateway('/base')
  class BaseGateway {
    constructor(
      readonly context: GatewayContext,
      @Inject('motto') readonly motto: string,
    ) {}

    @On() where() {
      return [this.context.path, this.motto, this.context.sockets.size]
    }
  }

  @Gateway('/heir')
  class HeirGateway extends BaseGateway {}

  @Module({ gateways: [BaseGateway, HeirGateway], providers: [motto] })
  class TestModule {}

  const { connect } = await start(TestModule)
  const [base, heir] = [await connect('/base'), await connect('/heir')]
  expect(await base.ask('{"event":"where","id":1}')).toBe('{"ack":1,"data":["/base","Dance!",1]}')
  expect(await heir.ask('{"event":"where","id":1}')).toBe('{"ack":1,"data":["/heir","Dance!",1]}')
})

// A subclass without a decorator lived per app: what it kept of one client, all others saw.
test('a class lives as long as the one that it extends, unless it says how long', async () => {
  @Injectable({ scope: 'connection' })
  class Basket {}

  class GiftBasket extends Basket {}

  @Injectable({ scope: 'app' })
  class SharedBasket extends Basket {}

  @Gateway('/shop', { scope: 'connection' })
  class Shop {
    constructor(
      readonly gift: GiftBasket,
      readonly shared: SharedBasket,
    ) {
      shops.push(this)
    }
  }

  const shops: Shop[] = []
  const { connect } = await start(Shop)
  await Promise.all([connect('/shop'), connect('/shop')])
  await until(() => shops.length === 2, 'both shops')
  const [one, other] = shops as [Shop, Shop]
  expect(one.gift).toBeInstanceOf(GiftBasket)
  expect(one.gift).not.toBe(other.gift)
  expect(one.shared).toBe(other.shared)
  @Gateway('/app')
  class AsksForGift {
    constructor(readonly gift: GiftBasket) {}
  }

  expect(mistakesIn(AsksForGift)).toEqual([
    'AsksForGift lives per app but needs GiftBasket, which lives per connection: it would keep the first one for ever. Give ' +
      "AsksForGift the scope 'connection', or GiftBasket the scope 'app'.",
  ])
})
