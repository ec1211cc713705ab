import { afterEach, describe, expect, test } from 'bun:test'
import {
  Gateway,
  Injectable,
  inject,
  Module,
  On,
  OnAny,
  OnClose,
  OnOpen,
  type Scope,
  Socket,
  type SocketEvent,
} from 'partyline'
import { finish, start } from '../core/in-memory.ts'

afterEach(finish)

/** A gateway, and a provider of a scope; each is numbered as it is built. */
function numbered(gatewayScope: Scope, providerScope: Scope) {
  let [gateways, providers] = [0, 0]

  @Injectable({ scope: providerScope })
  class Part {
    readonly number = ++providers
  }

  @Injectable({ scope: providerScope })
  class Neighbour {
    constructor(readonly part: Part) {}
  }

  @Gateway('/numbers', { scope: gatewayScope })
  class Numbers {
    readonly number = ++gateways

    constructor(
      readonly part: Part,
      readonly neighbour: Neighbour,
    ) {}

    @On() numbers() {
      return [this.number, this.part.number, this.neighbour.part.number]
    }
  }
  return Numbers
}

/** What two sockets, the first of them twice, hear of the numbers of the gateway, the provider, and the neighbour's. */
async function hear(gateway: ReturnType<typeof numbered>) {
  const { connect } = await start(gateway)
  const [ada, eve] = [await connect('/numbers'), await connect('/numbers')]
  return [
    await ada.ask('{"event":"numbers","id":1}'),
    await ada.ask('{"event":"numbers","id":2}'),
    await eve.ask('{"event":"numbers","id":3}'),
  ]
}

describe('each instance lives as long as its scope, and everybody in that scope gets the same', () => {
  test.each<[gateway: Scope, provider: Scope, first: string, again: string, other: string]>([
    ['app', 'app', '1,1,1', '1,1,1', '1,1,1'],
    ['connection', 'app', '1,1,1', '1,1,1', '2,1,1'],
    ['connection', 'connection', '1,1,1', '1,1,1', '2,2,2'],
    ['event', 'app', '1,1,1', '2,1,1', '3,1,1'],
    ['event', 'connection', '1,1,1', '2,1,1', '3,2,2'],
    ['event', 'event', '1,1,1', '2,2,2', '3,3,3'],
  ])('a gateway per %s with a provider per %s', async (gateway, provider, first, again, other) => {
    expect(await hear(numbered(gateway, provider))).toEqual([
      `{"ack":1,"data":[${first}]}`,
      `{"ack":2,"data":[${again}]}`,
      `{"ack":3,"data":[${other}]}`,
    ])
  })
})

test('what lives for a connection can be given its socket', async () => {
  @Injectable({ scope: 'connection' })
  class Profile {
    constructor(readonly socket: Socket) {}
  }

  @Gateway('/profiles/:name', { scope: 'connection' })
  class Profiles {
    constructor(
      readonly profile: Profile,
      readonly socket: Socket,
    ) {}

    @On() name(socket: Socket) {
      return [this.profile.socket.params.name, this.profile.socket === socket, this.socket === socket]
    }
  }

  const { connect } = await start(Profiles)
  const [ada, eve] = [await connect('/profiles/ada'), await connect('/profiles/eve')]
  expect(await ada.ask('{"event":"name","id":1}')).toBe('{"ack":1,"data":["ada",true,true]}')
  expect(await eve.ask('{"event":"name","id":1}')).toBe('{"ack":1,"data":["eve",true,true]}')
})

test('what lives for an event can be given the socket, and what lives for its connection', async () => {
  @Injectable({ scope: 'connection' })
  class Budget {
    left = 2
  }

  @Injectable({ scope: 'event' })
  class Purchase {
    constructor(
      readonly socket: Socket,
      readonly budget: Budget,
    ) {
      budget.left--
    }
  }

  @Gateway('/shop', { scope: 'event' })
  class Shop {
    constructor(readonly purchase: Purchase) {}

    @On() buy(socket: Socket) {
      return [this.purchase.socket === socket, this.purchase.budget.left]
    }
  }

  const { connect } = await start(Shop)
  const [ada, eve] = [await connect('/shop'), await connect('/shop')]
  expect(await ada.ask('{"event":"buy","id":1}')).toBe('{"ack":1,"data":[true,1]}')
  expect(await ada.ask('{"event":"buy","id":2}')).toBe('{"ack":2,"data":[true,0]}')
  expect(await eve.ask('{"event":"buy","id":3}')).toBe('{"ack":3,"data":[true,1]}')
})

test('@OnOpen, events and @OnClose of a connection have the same gateway; no other connection has it', async () => {
  const diaries: string[][] = []

  @Gateway('/diary', { scope: 'connection' })
  class Diary {
    readonly notes: string[] = []

    @OnOpen() opened() {
      diaries.push(this.notes)
      this.notes.push('opened')
    }

    @On() write(_: Socket, note: string) {
      this.notes.push(note)
    }

    @OnClose() closed() {
      this.notes.push('closed')
    }
  }

  const { app, connect } = await start(Diary)
  const [ada, eve] = [await connect('/diary'), await connect('/diary')]
  ada.send('{"event":"write","data":"by ada"}')
  eve.send('{"event":"write","data":"by eve"}')
  await app.stop()
  expect(diaries).toEqual([
    ['opened', 'by ada', 'closed'],
    ['opened', 'by eve', 'closed'],
  ])
})

test('@OnAny and the handler of one event have the same gateway; the next event has another', async () => {
  @Gateway('/traced', { scope: 'event' })
  class Traced {
    trace = ''

    @OnAny() any(_: Socket, event: SocketEvent) {
      this.trace += `any ${event.name}`
    }

    @On() run(_: Socket, data: unknown) {
      return `${this.trace}, run ${data}`
    }
  }

  const { connect } = await start(Traced)
  const client = await connect('/traced')
  expect(await client.ask('{"event":"run","data":1,"id":1}')).toBe('{"ack":1,"data":"any run, run 1"}')
  expect(await client.ask('{"event":"run","data":2,"id":2}')).toBe('{"ack":2,"data":"any run, run 2"}')
})

test('events of a gateway per event keep their order', async () => {
  const order: number[] = []

  @Gateway('/ordered', { scope: 'event' })
  class Ordered {
    @On() async run(_: Socket, turns: number) {
      for (let i = 0; i < turns; i++) await Promise.resolve()
      order.push(turns)
    }
  }

  const { app, connect } = await start(Ordered)
  const client = await connect('/ordered')
  for (const turns of [9, 1, 5]) client.send(`{"event":"run","data":${turns}}`)
  await app.stop()
  expect(order).toEqual([9, 1, 5])
})

test('a provider may say its own scope; @Injectable says it otherwise', async () => {
  class Part {}

  @Gateway('/parts', { scope: 'connection' })
  class Parts {
    readonly shared = inject<Part>('shared')
    readonly made = inject<Part>('made')
    readonly built = inject<Part>('built')
    readonly alias = inject<Part>('alias')

    @On() parts() {
      all.push(this)
      return this.alias === this.built
    }
  }

  const all: Parts[] = []

  @Module({
    gateways: [Parts],
    providers: [
      { provide: 'shared', useClass: Part },
      { provide: 'made', useFactory: () => new Part(), scope: 'connection' },
      { provide: 'built', useClass: Part, scope: 'connection' },
      { provide: 'alias', useExisting: 'built' },
    ],
  })
  class TestModule {}

  const { connect } = await start(TestModule)
  for (const client of [await connect('/parts'), await connect('/parts')]) {
    expect(await client.ask('{"event":"parts","id":1}')).toBe('{"ack":1,"data":true}')
  }
  const [one, other] = all as [Parts, Parts]
  expect(one.shared).toBe(other.shared)
  expect(one.made).not.toBe(other.made)
  expect(one.built).not.toBe(other.built)
  expect(one.alias).not.toBe(other.alias)
})
