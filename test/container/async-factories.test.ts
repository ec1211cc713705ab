import { afterEach, describe, expect, test } from 'bun:test'
import { Gateway, Inject, Injectable, inject, Module, On, type Provider, Socket, token } from 'partyline'
import { finish, put, start } from '../core/in-memory.ts'
import { Gate } from '../support/gate.ts'
import { until } from '../support/until.ts'

afterEach(finish)

interface Database {
  name: string
}

const DATABASE = token<Database>('DATABASE')

/** A database that takes some turns to come. */
const database: Provider = {
  provide: DATABASE,
  useFactory: async () => {
    await Promise.resolve()
    await Promise.resolve()
    return { name: 'guests' }
  },
}

describe('for the app', () => {
  @Gateway('/')
  class Desk {
    constructor(@Inject(DATABASE) readonly database: Database) {}
  }

  test('it is awaited, and injected as what it came to', async () => {
    @Module({ gateways: [Desk], providers: [database] })
    class TestModule {}

    const { app } = await start(TestModule)
    expect(app.get(Desk).database).toEqual({ name: 'guests' })
    expect(app.get(DATABASE)).toBe(app.get(Desk).database)
  })

  test('one that needs another waits for it, in whatever order they are listed', async () => {
    const needy: Provider = {
      provide: 'table',
      inject: [DATABASE],
      useFactory: async ({ name }: Database) => `${name}.friends`,
    }

    @Injectable()
    class Friends {
      constructor(@Inject('table') readonly table: string) {}
    }

    @Module({ gateways: [Desk], providers: [Friends, needy, database] })
    class TestModule {}

    const { app } = await start(TestModule)
    expect(app.get(Friends).table).toBe('guests.friends')
  })

  test("a field initialiser's inject() finds it, also in a class that nobody listed", async () => {
    class Friends {
      readonly database = inject(DATABASE)
    }

    @Gateway('/friends')
    class FriendsGateway {
      readonly friends = inject(Friends)
      readonly database = inject(DATABASE)
    }

    @Module({ gateways: [FriendsGateway], providers: [database] })
    class TestModule {}

    const { app } = await start(TestModule)
    const { friends } = app.get(FriendsGateway)
    expect(friends.database).toEqual({ name: 'guests' })
    expect(friends.database).toBe(app.get(FriendsGateway).database)
  })

  test('whoever connects first waits for it', async () => {
    const gate = new Gate()
    const slow: Provider = { provide: DATABASE, useFactory: () => gate.pass().then(() => ({ name: 'slow' })) }

    @Gateway('/name')
    class Name {
      constructor(@Inject(DATABASE) readonly database: Database) {}

      @On() tell() {
        return this.database.name
      }
    }

    @Module({ gateways: [Name], providers: [slow] })
    class TestModule {}

    const { connect } = put(TestModule)
    const connecting = connect('/name')
    await until(() => gate.arrived === 1, 'the factory to be called')
    gate.open()
    expect(await (await connecting).ask('{"event":"tell","id":1}')).toBe('{"ack":1,"data":"slow"}')
    expect(gate.arrived).toBe(1)
  })

  test('if it fails, so does the start of the app, with its own error', async () => {
    const broken: Provider = {
      provide: DATABASE,
      useFactory: () => Promise.reject(new Error('no such host')),
    }

    @Module({ gateways: [Desk], providers: [broken] })
    class TestModule {}

    await expect(start(TestModule)).rejects.toThrow('no such host')
  })

  test('asked for before the app is ready, it says that it has not finished', async () => {
    // Nobody waits for what it then rejects with, which must not be an unhandled rejection.
    const broken: Provider = {
      provide: 'broken',
      useFactory: () => Promise.reject(new Error('no such host')),
    }

    @Module({ gateways: [Desk], providers: [database, broken] })
    class TestModule {}

    const { app } = put(TestModule)
    expect(() => app.get(DATABASE)).toThrow(
      'DATABASE is made by an asynchronous factory, which has not finished. A class asks for it in its ' +
        'constructor\'s parameters, which are waited for; app.get() comes after "await app.ready()".',
    )
    // Not within toThrow, under which an unhandled rejection goes unnoticed.
    let error: unknown
    try {
      app.get('broken')
    } catch (reason) {
      error = reason
    }
    expect(String(error)).toContain('"broken" is made by an asynchronous factory')
  })
})

describe.each(['connection', 'event'] as const)('for each %s', (scope) => {
  const USER = token<string>('USER')

  @Injectable({ scope })
  class Profile {
    constructor(@Inject(USER) readonly user: string) {}
  }

  @Gateway('/profile', { scope })
  class ProfileGateway {
    constructor(readonly profile: Profile) {}

    @On() user() {
      return this.profile.user
    }
  }

  /** Finds the user of a socket, once the gate is open. */
  function moduleWith(gate: Gate, users: string[]) {
    const user: Provider = {
      provide: USER,
      scope,
      inject: [Socket, DATABASE],
      useFactory: async (socket: Socket, { name }: Database) => {
        await gate.pass()
        users.push(socket.id)
        return `${name}/${socket.query.get('as')}`
      },
    }

    @Module({ gateways: [ProfileGateway], providers: [user, database] })
    class TestModule {}
    return TestModule
  }

  test('it is called anew each time, and everything waits for it', async () => {
    const gate = new Gate()
    const users: string[] = []
    const { app, connect } = await start(moduleWith(gate, users))
    const ada = await connect('/profile?as=ada')
    const eve = await connect('/profile?as=eve')
    ada.send('{"event":"user","id":1}', '{"event":"user","id":2}')
    eve.send('{"event":"user","id":3}')
    await until(() => gate.arrived === 2, 'the factory to be called for both')
    expect([ada.received, eve.received]).toEqual([[], []])
    gate.open()
    expect(await ada.take(2)).toEqual(['{"ack":1,"data":"guests/ada"}', '{"ack":2,"data":"guests/ada"}'])
    expect(await eve.next()).toBe('{"ack":3,"data":"guests/eve"}')
    await app.stop()
    expect(users).toHaveLength(scope === 'connection' ? 2 : 3)
    expect(new Set(users).size).toBe(2)
  })
})

test('if it fails for a connection, that one is closed with 1011 and the cause is logged', async () => {
  let failing = true

  @Gateway('/fragile', { scope: 'connection' })
  class Fragile {
    constructor(@Inject('luck') readonly luck: string) {}

    @On() luckily() {
      return this.luck
    }
  }

  const luck: Provider = {
    provide: 'luck',
    scope: 'connection',
    useFactory: async () => {
      if (failing) throw new Error('bad luck')
      return 'good luck'
    },
  }

  @Module({ gateways: [Fragile], providers: [luck] })
  class TestModule {}

  const { connect, logged } = await start(TestModule)
  const unlucky = await connect('/fragile')
  expect(await unlucky.closed()).toEqual({ code: 1011, reason: 'the server failed' })
  expect(logged()).toMatchObject([{ level: 'error', gateway: 'Fragile', error: new Error('bad luck') }])
  failing = false
  const lucky = await connect('/fragile')
  expect(await lucky.ask('{"event":"luckily","id":1}')).toBe('{"ack":1,"data":"good luck"}')
})

test('if it fails for an event, that request fails and the cause is logged', async () => {
  let failing = true

  @Gateway('/fragile', { scope: 'event' })
  class Fragile {
    constructor(@Inject('luck') readonly luck: string) {}

    @On() luckily() {
      return this.luck
    }
  }

  const luck: Provider = {
    provide: 'luck',
    scope: 'event',
    useFactory: async () => {
      if (failing) throw new Error('bad luck')
      return 'good luck'
    },
  }

  @Module({ gateways: [Fragile], providers: [luck] })
  class TestModule {}

  const { connect, logged } = await start(TestModule)
  const client = await connect('/fragile')
  expect(await client.ask('{"event":"luckily","id":1}')).toBe(
    '{"ack":1,"error":{"code":"INTERNAL","message":"the server failed to handle this"}}',
  )
  expect(logged()).toMatchObject([{ event: 'luckily', error: new Error('bad luck') }])
  failing = false
  expect(await client.ask('{"event":"luckily","id":2}')).toBe('{"ack":2,"data":"good luck"}')
})

test("a connection's inject() does not find what is still being made, and says what to do", async () => {
  @Gateway('/early', { scope: 'connection' })
  class Early {
    readonly user = inject<string>('user')
  }

  @Module({
    gateways: [Early],
    providers: [{ provide: 'user', scope: 'connection', useFactory: async () => 'ada' }],
  })
  class TestModule {}

  const { connect, logged } = await start(TestModule)
  expect((await (await connect('/early')).closed()).code).toBe(1011)
  expect(logged()).toMatchObject([
    {
      error: {
        message: expect.stringContaining('"user" is made by an asynchronous factory, which has not finished'),
      },
    },
  ])
})
