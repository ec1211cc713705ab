import { afterEach, expect, test } from 'bun:test'
import { Gateway, Inject, Injectable, inject, Module, On } from 'partyline'
import { finish, put, start } from '../core/in-memory.ts'
import { Gate } from '../support/gate.ts'
import { until } from '../support/until.ts'

afterEach(finish)

/** Something that counts its disposals. */
class Line {
  disposals = 0

  dispose() {
    this.disposals++
  }
}

test('one that fails is logged, the others are disposed of, and nobody else notices', async () => {
  const notes: string[] = []

  @Injectable({ scope: 'connection' })
  class Fine {
    dispose() {
      notes.push('fine')
    }
  }

  @Injectable({ scope: 'connection' })
  class Throws {
    constructor(readonly fine: Fine) {}

    dispose() {
      throw new Error('thrown')
    }
  }

  @Gateway('/fragile', { scope: 'connection' })
  class Fragile {
    constructor(readonly throws: Throws) {}

    @On() ping() {
      return 'pong'
    }

    async dispose() {
      throw new Error('rejected')
    }
  }

  const { connect, logged } = await start(Fragile)
  const [leaving, staying] = [await connect('/fragile'), await connect('/fragile')]
  leaving.close()
  await until(() => notes.length === 1, 'the disposal')
  expect(await staying.ask('{"event":"ping","id":1}')).toBe('{"ack":1,"data":"pong"}')
  const causes = { errors: [new Error('rejected'), new Error('thrown')] }
  expect(logged()).toMatchObject([
    { message: 'what lived for the connection failed to dispose', gateway: 'Fragile', error: causes },
  ])
  staying.close()
  await until(() => notes.length === 2, 'the other disposal')
  expect(logged()).toHaveLength(1)
})

test('one of an event that fails is logged, and the request is answered as if it had not', async () => {
  @Gateway('/fragile', { scope: 'event' })
  class Fragile {
    @On() ping() {
      return 'pong'
    }

    dispose() {
      throw new Error('on purpose')
    }
  }

  const { connect, logged } = await start(Fragile)
  expect(await (await connect('/fragile')).ask('{"event":"ping","id":1}')).toBe('{"ack":1,"data":"pong"}')
  expect(logged()).toMatchObject([
    { message: 'what lived for an event failed to dispose', error: { errors: [new Error('on purpose')] } },
  ])
})

test('what was built for a connection before a factory failed is disposed of', async () => {
  const lines: Line[] = []

  @Gateway('/fragile', { scope: 'connection' })
  class Fragile {
    constructor(
      @Inject('line') readonly line: Line,
      @Inject('luck') readonly luck: string,
    ) {}
  }

  @Module({
    gateways: [Fragile],
    providers: [
      {
        provide: 'line',
        scope: 'connection',
        useFactory: () => {
          const line = new Line()
          lines.push(line)
          return line
        },
      },
      { provide: 'luck', scope: 'connection', useFactory: () => Promise.reject(new Error('bad luck')) },
    ],
  })
  class TestModule {}

  const { app, connect, logged } = await start(TestModule)
  await (await connect('/fragile')).closed()
  await app.stop()
  expect(lines.map(({ disposals }) => disposals)).toEqual([1])
  expect(logged()).toMatchObject([{ error: new Error('bad luck') }])
})

test('what a factory makes after its connection has gone for good is disposed of when it comes', async () => {
  const gate = new Gate()
  const line = new Line()
  const notes: string[] = []

  class Next {
    readonly made = notes.push('more was built')
  }

  @Gateway('/slow', { scope: 'connection' })
  class Slow {
    constructor(
      @Inject('line') readonly line: Line,
      @Inject('next') readonly next: Next,
    ) {}
  }

  @Module({
    gateways: [Slow],
    providers: [
      { provide: 'line', scope: 'connection', useFactory: () => gate.pass().then(() => line) },
      { provide: 'next', scope: 'connection', useClass: Next },
    ],
  })
  class TestModule {}

  const { app, clock, connect } = await start(TestModule, { limits: { farewell: 100 } })
  const client = await connect('/slow')
  client.close()
  await until(() => app.sockets.size === 0, 'the end of the connection')
  // Its end waits for what is being built, for as long as `farewell`.
  for (let turn = 0; turn < 3; turn++) {
    await new Promise((resolve) => setImmediate(resolve))
    clock.advance(100)
  }
  gate.open()
  await until(() => line.disposals === 1, 'the disposal')
  expect(notes).toEqual([])
})

test('an app that is stopped while it starts disposes of what it built', async () => {
  const gate = new Gate()
  const line = new Line()

  const notes: string[] = []

  @Gateway('/')
  class Root {
    readonly line = inject<Line>('line')
    readonly built = notes.push('gateway built')

    dispose() {
      notes.push('gateway disposed')
    }
  }

  @Module({
    gateways: [Root],
    providers: [{ provide: 'line', useFactory: () => gate.pass().then(() => line) }],
  })
  class TestModule {}

  const { app } = put(TestModule)
  const starting = app.ready()
  const stopping = app.stop()
  gate.open()
  await Promise.all([starting, stopping])
  expect(line.disposals).toBe(1)
  expect(notes).toEqual(['gateway built', 'gateway disposed'])
})
