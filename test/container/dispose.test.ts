import { afterEach, expect, test } from 'bun:test'
import { Gateway, Inject, Injectable, Module, On, OnClose, type Provider, type Scope } from 'partyline'
import { finish, start } from '../core/in-memory.ts'
import { until } from '../support/until.ts'

afterEach(finish)

/** Three providers of a scope, each needing the one before, that note their disposal. */
function chain(scope: Scope) {
  const notes: string[] = []

  @Injectable({ scope })
  class First {
    dispose() {
      notes.push('first disposed')
    }
  }

  @Injectable({ scope })
  class Second {
    constructor(readonly first: First) {}

    async dispose() {
      notes.push('second begins')
      await Promise.resolve()
      notes.push('second disposed')
    }
  }

  @Injectable({ scope })
  class Third {
    constructor(
      readonly second: Second,
      readonly first: First,
    ) {}

    dispose() {
      notes.push('third disposed')
    }
  }

  @Gateway('/chain', { scope })
  class Chain {
    constructor(
      readonly first: First,
      readonly third: Third,
    ) {}

    @On() run(_: unknown, name: string) {
      notes.push(`ran ${name}`)
      return name
    }

    @OnClose() closed() {
      notes.push('closed')
    }

    dispose() {
      notes.push('gateway disposed')
    }
  }

  return { Chain, notes }
}

const lastBuiltFirst = [
  'gateway disposed',
  'third disposed',
  'second begins',
  'second disposed',
  'first disposed',
]

test('app scope: when the app stops, the last built first, one after another', async () => {
  const { Chain, notes } = chain('app')
  const { app } = await start(Chain)
  await app.stop()
  expect(notes).toEqual(lastBuiltFirst)
})

test('connection scope: when the connection has ended, after @OnClose, and no other connection', async () => {
  const { Chain, notes } = chain('connection')
  const { app, connect } = await start(Chain)
  const [leaving, staying] = [await connect('/chain'), await connect('/chain')]
  leaving.close()
  await until(() => notes.length === 6, 'the disposal')
  expect(notes).toEqual(['closed', ...lastBuiltFirst])
  expect(await staying.ask('{"event":"run","data":"on","id":1}')).toBe('{"ack":1,"data":"on"}')
  await app.stop()
  expect(notes.slice(6)).toEqual(['ran on', 'closed', ...lastBuiltFirst])
})

test('event scope: when the handler has finished, before the next event begins', async () => {
  const { Chain, notes } = chain('event')
  const { connect } = await start(Chain)
  const client = await connect('/chain')
  client.send('{"event":"run","data":"one","id":1}', '{"event":"run","data":"two","id":2}')
  await client.take(2)
  expect(notes).toEqual(['ran one', ...lastBuiltFirst, 'ran two', ...lastBuiltFirst])
})

test('event scope: also when the handler throws', async () => {
  const notes: string[] = []

  @Gateway('/broken', { scope: 'event' })
  class Broken {
    @On() run() {
      throw new Error('on purpose')
    }

    dispose() {
      notes.push('disposed')
    }
  }

  const { connect, logged } = await start(Broken)
  expect(await (await connect('/broken')).ask('{"event":"run","id":1}')).toContain('INTERNAL')
  expect(notes).toEqual(['disposed'])
  expect(logged()).toMatchObject([{ error: new Error('on purpose') }])
})

/** Something that counts its disposals. */
class Line {
  disposals = 0

  dispose() {
    this.disposals++
  }
}

test('what a factory made is disposed of, and what is given as a value is not', async () => {
  const [made, later, given] = [new Line(), new Line(), new Line()]

  @Gateway('/')
  class Root {}

  @Module({
    gateways: [Root],
    providers: [
      { provide: 'made', useFactory: () => made },
      { provide: 'later', useFactory: async () => later },
      { provide: 'given', useValue: given },
    ],
  })
  class TestModule {}

  const { app } = await start(TestModule)
  await app.stop()
  expect([made.disposals, later.disposals, given.disposals]).toEqual([1, 1, 0])
})

test('what several tokens stand for is disposed of once, with the scope that made it', async () => {
  const given = new Line()
  const again: Provider[] = [
    { provide: 'alias', useExisting: Line },
    { provide: 'same', useFactory: (line: Line) => line, inject: [Line] },
    { provide: 'given', useValue: given },
    { provide: 'same as given', useFactory: (line: Line) => line, inject: ['given'] },
    { provide: 'same per connection', useFactory: (line: Line) => line, inject: [Line], scope: 'connection' },
  ]

  @Gateway('/', { scope: 'connection' })
  class Root {
    constructor(
      @Inject('alias') readonly alias: Line,
      @Inject('same per connection') readonly same: Line,
    ) {}

    @On() sameLine() {
      return this.alias === this.same
    }
  }

  @Module({ gateways: [Root], providers: again })
  class TestModule {}

  const { app, connect } = await start(TestModule)
  const line = app.get(Line)
  const client = await connect('/')
  expect(await client.ask('{"event":"sameLine","id":1}')).toBe('{"ack":1,"data":true}')
  client.close()
  await until(() => app.sockets.size === 0, 'the socket to be gone')
  expect(await (await connect('/')).ask('{"event":"sameLine","id":1}')).toBe('{"ack":1,"data":true}')
  expect(line.disposals).toBe(0)
  await app.stop()
  expect([line.disposals, given.disposals]).toEqual([1, 0])
})
