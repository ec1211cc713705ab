import { afterEach, describe, expect, test } from 'bun:test'
import {
  type AnyGuard,
  type Call,
  Gateway,
  Guard,
  Injectable,
  On,
  OnAny,
  OnOpen,
  type Socket,
  type SocketEvent,
} from 'partyline'
import { finish, mistakeAtStart, mistakesIn, start } from './in-memory.ts'

afterEach(finish)

/** What happened, in order. */
const notes: string[] = []
afterEach(() => void notes.splice(0))

/** A guard that notes that it was asked about an event, and allows. */
function noting(name: string): AnyGuard {
  return ({ kind }: Call) => kind === 'connect' || notes.push(name) > 0
}

/** A guard of events alone. */
function ofEvents(decide: (call: Call) => unknown): AnyGuard {
  return (call: Call) => (call.kind === 'connect' ? true : (decide(call) as boolean))
}

const refused = (id: number) => `{"ack":${id},"error":{"code":"FORBIDDEN","message":"this is not allowed"}}`

describe('guards that are classes', () => {
  @Injectable()
  class Rights {
    readonly admins = new Set(['ada'])
  }

  @Injectable()
  class Admins implements Guard {
    static built = 0

    constructor(readonly rights: Rights) {
      Admins.built++
    }

    allows({ identity }: Call) {
      return identity !== undefined && this.rights.admins.has(identity.user)
    }
  }

  test('are built once for the app, with what they need', async () => {
    @Guard(Admins)
    @Gateway('/desk')
    class Desk {
      @Guard(Admins) @On() close() {
        return 'closed'
      }
    }

    const { app, connect } = await start(Desk, { authenticate: () => ({ user: 'ada' }), guards: [Admins] })
    const client = await connect('/desk')
    expect(await client.ask('{"event":"close","id":1}')).toBe('{"ack":1,"data":"closed"}')
    app.get(Rights).admins.clear()
    expect(await client.ask('{"event":"close","id":2}')).toBe(refused(2))
    expect(Admins.built).toBe(1)
  })

  test('live per app, and another scope is a mistake', () => {
    @Injectable({ scope: 'event' })
    class PerEvent implements Guard {
      allows() {
        return true
      }
    }

    @Injectable({ scope: 'connection' })
    class PerConnection extends PerEvent {}

    @Guard(PerConnection)
    @Gateway('/desk')
    class Desk {
      @Guard(PerEvent) @On() close() {}
    }

    const rest = 'what stands there lives per app. Leave out its scope.'
    expect(mistakesIn(Desk, { guards: [PerEvent] })).toEqual([
      `PerEvent, around the events of createApp's options, lives per event: ${rest}`,
      `PerConnection, around the events of Desk, lives per connection: ${rest}`,
      `PerEvent, around the events of Desk, lives per event: ${rest}`,
    ])
  })

  test('that have no such method are a mistake', async () => {
    @Injectable()
    class Middle {
      handle() {}
    }

    @Guard(Middle as never)
    @Gateway('/desk')
    class Desk {}

    expect(await mistakeAtStart(Desk)).toBe(
      'Middle has no method "allows": @Guard takes guards, and @Use middleware.',
    )
  })

  test('that need what nobody provides are found at boot', () => {
    @Injectable()
    class Needy implements Guard {
      constructor(readonly text: string) {}
      allows() {
        return true
      }
    }

    @Guard(Needy)
    @Gateway('/desk')
    class Desk {}

    expect(mistakesIn(Desk)).toEqual([
      expect.stringMatching(/^cannot resolve String ← Needy ← Desk: parameter 1/),
    ])
  })
})

describe('@OnAny is guarded', () => {
  function desk(guard: AnyGuard) {
    @Gateway('/desk')
    class Desk {
      @Guard(guard)
      @OnAny()
      any(_: Socket, { name }: SocketEvent) {
        notes.push(`any ${name}`)
      }

      @On() close() {
        notes.push('close')
        return 'closed'
      }
    }
    return Desk
  }

  test('by the app and the class, whether or not the event has a handler', async () => {
    const allows = ofEvents(() => notes.push('asked') > 99)
    const { connect } = await start(desk(noting('method')), { guards: [allows] })
    const client = await connect('/desk')
    expect(await client.ask('{"event":"close","id":1}')).toBe(refused(1))
    expect(await client.ask('{"event":"unknown","id":2}')).toBe(refused(2))
    expect(notes).toEqual(['asked', 'asked'])
  })

  test('by its own guard, whose refusal ends the way of the event', async () => {
    const { connect } = await start(desk(ofEvents(() => false)))
    const client = await connect('/desk')
    expect(await client.ask('{"event":"close","id":1}')).toBe(refused(1))
    expect(await client.ask('{"event":"unknown","id":2}')).toBe(refused(2))
    expect(notes).toEqual([])
  })

  test('each guard once an event, and the guards of the named handler as well', async () => {
    @Guard(noting('class'))
    @Gateway('/desk')
    class Desk {
      @Guard(noting('of any'))
      @OnAny()
      any() {
        notes.push('any')
      }

      @Guard(noting('of close'))
      @On()
      close() {
        notes.push('close')
      }
    }

    const { connect } = await start(Desk, { guards: [noting('app')] })
    await (await connect('/desk')).ask('{"event":"close","id":1}')
    expect(notes).toEqual(['app', 'class', 'of any', 'any', 'of close', 'close'])
  })
})

describe('inheritance', () => {
  class Base {
    @Guard(noting('of the base'))
    @On()
    close() {
      notes.push('base')
    }

    @Guard(noting('of the base'))
    @On()
    open() {}
  }
  Guard(noting('base class'))(Base)

  @Guard(noting('heir class'))
  @Gateway('/heir')
  class Heir extends Base {
    override close() {
      notes.push('heir')
    }

    @Guard(noting('of the heir'))
    override open() {}
  }

  async function ask(event: string): Promise<string[]> {
    const { connect } = await start(Heir)
    await (await connect('/heir')).ask(`{"event":"${event}","id":1}`)
    return notes.splice(0)
  }

  test('a subclass adds to the guards of its base', async () => {
    expect((await ask('close')).slice(0, 2)).toEqual(['base class', 'heir class'])
  })

  test('an override keeps the guards of its method', async () => {
    expect((await ask('close')).slice(2)).toEqual(['of the base', 'heir'])
  })

  test('an override that names its own has these only', async () => {
    expect((await ask('open')).slice(2)).toEqual(['of the heir'])
  })

  test('a subclass leaves the guards of its base as they are', async () => {
    @Gateway('/base')
    class Plain extends Base {}

    const { connect } = await start([Heir, Plain])
    await (await connect('/base')).ask('{"event":"open","id":1}')
    expect(notes).toEqual(['base class', 'of the base'])
  })
})

describe('a guard that would guard nothing is a mistake', () => {
  // It looked guarded, and everybody came through.
  test('on a method that handles no event', () => {
    @Gateway('/desk')
    class Desk {
      @Guard(() => false)
      @OnOpen()
      opened() {}

      @Guard(() => false)
      helper() {}
    }

    const rest = 'Put it on the class, or on a method with @On, @OnAny, @OnMessage or @OnFirstMessage.'
    expect(mistakesIn(Desk)).toEqual([
      `@Guard on Desk.opened, which handles no event, has no effect. ${rest}`,
      `@Guard on Desk.helper, which handles no event, has no effect. ${rest}`,
    ])
  })

  test('on a static method, and on a field', () => {
    const guard = Guard(() => true) as (...args: unknown[]) => void
    expect(() => {
      class Desk {
        @guard static close() {}
        open() {}
      }
      return Desk
    }).toThrow('@Guard() on static Desk.close: only methods of instances can carry it')
    expect(() => {
      class Desk {
        @guard close = () => {}
      }
      return Desk
    }).toThrow('@Guard() on Desk.close, which is no method: only methods can carry it')
  })

  // An import in a circle left nothing of the guard, and nothing was said until the first event.
  test('where it is undefined', () => {
    @Guard(undefined as never)
    @Gateway('/desk')
    class Desk {}

    expect(mistakesIn(Desk, { guards: ['no' as never] })).toEqual([
      "a guard, middleware or authenticator of createApp's options is string: give a function or a class.",
      'a guard, middleware or authenticator of Desk is undefined: give a function or a class.',
    ])
  })
})
