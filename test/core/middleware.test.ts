import { afterEach, describe, expect, test } from 'bun:test'
import {
  type AnyMiddleware,
  type Call,
  type EventCall,
  Gateway,
  Guard,
  Injectable,
  type Middleware,
  type Next,
  On,
  OnAny,
  OnClose,
  PartylineError,
  type Socket,
  type SocketEvent,
  Use,
} from 'partyline'
import { z } from 'zod'
import { Gate } from '../support/gate.ts'
import { until } from '../support/until.ts'
import { finish, mistakeAtStart, mistakesIn, start } from './in-memory.ts'

afterEach(finish)

/** What happened, in order. */
const notes: string[] = []
afterEach(() => void notes.splice(0))

/** Middleware that notes when it begins and ends. */
function noting(name: string): AnyMiddleware {
  return (_call: EventCall, next: Next) => {
    notes.push(`${name} {`)
    const result = next()
    notes.push(`} ${name}`)
    return result
  }
}

test("the app's is outermost, then the class's, then the method's, each around the next", async () => {
  @Use(noting('class 1'), noting('class 2'))
  @Gateway('/sums')
  class Sums {
    @Use(noting('method 1'))
    @Use(noting('method 2'))
    @On()
    double(_: Socket, n: number) {
      notes.push('handler')
      return n * 2
    }
  }

  const { connect } = await start(Sums, { middleware: [noting('app')] })
  expect(await (await connect('/sums')).ask('{"event":"double","data":2,"id":1}')).toBe('{"ack":1,"data":4}')
  const names = ['app', 'class 1', 'class 2', 'method 1', 'method 2']
  expect(notes).toEqual([
    ...names.map((name) => `${name} {`),
    'handler',
    ...names.toReversed().map((name) => `} ${name}`),
  ])
})

// The method's guard came after the app's middleware, which could change what it decided about.
test('all guards are asked before any middleware, about what was sent', async () => {
  const rename = (call: EventCall, next: Next) => {
    notes.push('middleware')
    call.data = 'ada'
    return next()
  }
  const isAda = (call: Call) => {
    notes.push(`guard of ${(call as EventCall).data}`)
    return (call as EventCall).data === 'ada'
  }

  @Use(rename)
  @Gateway('/desk')
  class Desk {
    @Guard(isAda) @Use(rename) @On() close() {}
  }

  const { connect } = await start(Desk, { middleware: [rename] })
  expect(await (await connect('/desk')).ask('{"event":"close","data":"eve","id":1}')).toBe(
    '{"ack":1,"error":{"code":"FORBIDDEN","message":"this is not allowed"}}',
  )
  expect(notes).toEqual(['guard of eve'])
})

test('middleware that throws is masked and logged as a handler is, and its own errors are told', async () => {
  @Gateway('/sums')
  class Sums {
    @Use(() => {
      throw new Error('a secret')
    })
    @On()
    masked() {}

    @Use(async () => {
      throw new PartylineError('CLOSED', 'come back tomorrow')
    })
    @On()
    told() {}
  }

  const { connect, logged } = await start(Sums)
  const client = await connect('/sums')
  expect(await client.ask('{"event":"masked","id":1}')).toBe(
    '{"ack":1,"error":{"code":"INTERNAL","message":"the server failed to handle this"}}',
  )
  expect(logged()).toMatchObject([{ gateway: 'Sums', event: 'masked', error: new Error('a secret') }])
  expect(await client.ask('{"event":"told","id":2}')).toBe(
    '{"ack":2,"error":{"code":"CLOSED","message":"come back tomorrow"}}',
  )
})

test('middleware stands around validation: it sees what was sent, and why it was refused', async () => {
  const watching = (call: EventCall, next: Next) => {
    notes.push(JSON.stringify(call.data))
    try {
      return next()
    } catch (error) {
      notes.push((error as PartylineError).code)
      throw error
    }
  }

  @Use(watching)
  @Gateway('/names')
  class Names {
    @On('name', z.string().trim()) name(_: Socket, name: string) {
      return name
    }
  }

  const { connect } = await start(Names)
  const client = await connect('/names')
  expect(await client.ask('{"event":"name","data":" Ada ","id":1}')).toBe('{"ack":1,"data":"Ada"}')
  expect(await client.ask('{"event":"name","data":5,"id":2}')).toContain('"code":"INVALID_DATA"')
  expect(notes).toEqual(['" Ada "', '5', 'INVALID_DATA'])
})

test('asynchronous middleware keeps the order of the events of a socket', async () => {
  const gate = new Gate()

  @Gateway('/sums')
  class Sums {
    @Use((_, next) => gate.pass().then(next)) @On() slow() {
      return notes.push('slow')
    }

    @On() quick() {
      return notes.push('quick')
    }
  }

  const { connect } = await start(Sums)
  const client = await connect('/sums')
  client.send('{"event":"slow","id":1}', '{"event":"quick","id":2}')
  await until(() => gate.arrived === 1, 'the middleware')
  expect(notes).toEqual([])
  gate.open()
  expect(await client.take(2)).toEqual(['{"ack":1,"data":1}', '{"ack":2,"data":2}'])
})

test('middleware that is synchronous keeps a synchronous handler so: it is answered before anything else happens', async () => {
  @Use(noting('class'))
  @Gateway('/sums')
  class Sums {
    @Guard(() => true)
    @On('double', z.number())
    double(_: Socket, n: number) {
      return n * 2
    }
  }

  const { connect } = await start(Sums)
  const client = await connect('/sums')
  client.send('{"event":"double","data":2,"id":1}')
  expect(client.received).toEqual(['{"ack":1,"data":4}'])
})

test("of an app with @OnAny, the app's and the class's stand around both once, and each method has its own", async () => {
  @Use(noting('class'))
  @Gateway('/sums')
  class Sums {
    @Use(noting('of any'))
    @OnAny()
    any(_: Socket, { name }: SocketEvent) {
      notes.push(`any ${name}`)
    }

    @Use(noting('of double'))
    @On()
    double() {
      notes.push('double')
    }
  }

  const { connect } = await start(Sums, { middleware: [noting('app')] })
  await (await connect('/sums')).ask('{"event":"double","id":1}')
  expect(notes.join(' ')).toBe(
    'app { class { of any { any double } of any of double { double } of double } class } app',
  )
})

test('a class is built once, with what it needs, and handles', async () => {
  @Injectable()
  class Journal {
    readonly lines: string[] = []
  }

  @Injectable()
  class Journalled implements Middleware {
    constructor(readonly journal: Journal) {}

    handle({ event, gateway, instance }: EventCall, next: Next) {
      this.journal.lines.push(`${gateway.name}.${event} ${instance instanceof gateway}`)
      return next()
    }
  }

  @Use(Journalled)
  @Gateway('/sums', { scope: 'event' })
  class Sums {
    @On() double() {}
  }

  const { app, connect } = await start(Sums, { middleware: [Journalled] })
  await (await connect('/sums')).ask('{"event":"double","id":1}')
  expect(app.get(Journal).lines).toEqual(['Sums.double true', 'Sums.double true'])
})

describe('mistakes are found at boot', () => {
  test('a class that lives shorter than the app, or that is no middleware', async () => {
    @Injectable({ scope: 'connection' })
    class PerConnection implements Middleware {
      handle(_: EventCall, next: Next) {
        return next()
      }
    }

    @Injectable()
    class Allows {
      allows() {
        return true
      }
    }

    @Use(PerConnection)
    @Gateway('/sums')
    class Sums {}

    @Use(Allows as never)
    @Gateway('/sums')
    class Others {}

    expect(mistakesIn(Sums)).toEqual([
      'PerConnection, around the events of Sums, lives per connection: what stands there lives per app. Leave out its scope.',
    ])
    expect(await mistakeAtStart(Others)).toBe(
      'Allows has no method "handle": @Guard takes guards, and @Use middleware.',
    )
  })

  test('on a method that handles no event', () => {
    @Gateway('/sums')
    class Sums {
      @Use(noting('never')) @OnClose() closed() {}
    }

    expect(mistakesIn(Sums)).toEqual([
      '@Use on Sums.closed, which handles no event, has no effect. Put it on the class, or on a method with @On, @OnAny, ' +
        '@OnMessage or @OnFirstMessage.',
    ])
  })
})
