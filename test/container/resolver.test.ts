import { afterEach, describe, expect, test } from 'bun:test'
import { Gateway, Inject, Injectable, inject, On, type Resolver, type Socket, type Token } from 'partyline'
import { finish, mistakesIn, start } from '../core/in-memory.ts'

@Injectable()
class Cats {
  constructor(readonly name = 'built here') {}
}

@Injectable()
class Dogs {
  readonly name = 'built here'
}

/** Another framework's container, which tells what it was asked for. */
class Other implements Resolver {
  readonly asked: Token[] = []
  readonly #known: Map<Token, unknown>

  constructor(...more: [Token, unknown][]) {
    this.#known = new Map<Token, unknown>([
      [Cats, new Cats('the other container')],
      ['MOTD', 'welcome'],
      ...more,
    ])
  }

  has(token: Token): boolean {
    return this.#known.has(token)
  }

  get(token: Token): unknown {
    this.asked.push(token)
    return this.#known.get(token)
  }
}

@Gateway('/pets')
class Pets {
  readonly again = inject(Cats)

  constructor(
    private readonly cats: Cats,
    private readonly dogs: Dogs,
    @Inject('MOTD') private readonly motd: string,
  ) {}

  @On() names(_: Socket) {
    return [this.cats.name, this.dogs.name, this.motd, this.again === this.cats]
  }
}

afterEach(finish)

describe('another container', () => {
  test('stands for what no module provides, before a class is built unasked; and is asked once', async () => {
    const resolver = new Other()
    const { connect } = await start(Pets, { resolver })
    const client = await connect('/pets')
    client.send('{"event":"names","id":1}')
    expect(await client.next()).toBe('{"ack":1,"data":["the other container","built here","welcome",true]}')
    expect(resolver.asked).toEqual([Cats, 'MOTD'])
  })

  test('does not stand for what a module provides', async () => {
    const providers = [{ provide: Cats, useValue: new Cats('the module') }]
    const { connect } = await start(Pets, { resolver: new Other(), providers })
    const client = await connect('/pets')
    client.send('{"event":"names","id":1}')
    expect(await client.next()).toBe('{"ack":1,"data":["the module","built here","welcome",true]}')
  })

  test('keeps what it gave: nothing of it is waited for, or disposed of when the app ends', async () => {
    const ended: string[] = []
    const pool = { dispose: () => ended.push('the pool') }
    const later = new Promise(() => {})

    @Gateway('/swimmers')
    class Swimmers {
      constructor(
        @Inject('POOL') readonly pool: object,
        @Inject('LATER') readonly later: unknown,
      ) {}

      @On() same(_: Socket) {
        return [this.pool === pool, this.later === later]
      }

      dispose() {
        ended.push('the gateway')
      }
    }

    const resolver = new Other(['POOL', pool], ['LATER', later])
    const { app, connect } = await start(Swimmers, { resolver })
    const client = await connect('/swimmers')
    client.send('{"event":"same","id":1}')
    expect(await client.next()).toBe('{"ack":1,"data":[true,true]}')
    await app.stop()
    expect(ended).toEqual(['the gateway'])
  })

  test('what fails in it is told with the way that led there', async () => {
    const resolver: Resolver = {
      has: (token) => token === 'MOTD' || token === Cats,
      get() {
        throw new Error('there is none today')
      },
    }
    const app = start(Pets, { resolver })
    await expect(app).rejects.toThrow('Cats ← Pets could not be built: there is none today')
  })

  test('what neither has is a mistake as ever', () => {
    @Gateway('/lost')
    class Lost {
      constructor(@Inject('NOBODY') readonly nobody: string) {}
    }
    expect(mistakesIn(Lost, { resolver: new Other() })).toEqual([
      'cannot resolve "NOBODY" ← Lost ← createApp: parameter 1 of Lost\'s constructor asks for "NOBODY", which nobody provides. Add it to the "providers" of a module.',
    ])
  })
})
