import { afterEach, describe, expect, test } from 'bun:test'
import {
  type AnyGuard,
  type Call,
  type EventCall,
  Gateway,
  Guard,
  On,
  OnAny,
  OnFirstMessage,
  OnMessage,
  PartylineError,
  Signals,
  type Socket,
  Use,
} from 'partyline'
import { z } from 'zod'
import { Gate } from '../support/gate.ts'
import { until } from '../support/until.ts'
import { finish, start } from './in-memory.ts'

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

test('guards of the app, the class and the method are asked in that order, then comes the handler', async () => {
  @Guard(noting('class 1'), noting('class 2'))
  @Guard(noting('class 3'))
  @Gateway('/desk')
  class Desk {
    @Guard(noting('method 1'), noting('method 2'))
    @On()
    close() {
      notes.push('handler')
    }
  }

  const { connect } = await start(Desk, { guards: [noting('app 1'), noting('app 2')] })
  await (await connect('/desk')).ask('{"event":"close","id":1}')
  expect(notes).toEqual([
    'app 1',
    'app 2',
    'class 1',
    'class 2',
    'class 3',
    'method 1',
    'method 2',
    'handler',
  ])
})

test('a refusal ends it before the guards that follow, validation and handler', async () => {
  @Guard(ofEvents(() => false))
  @Gateway('/desk')
  class Desk {
    @Guard(noting('method'))
    @On('close', z.number())
    close(_socket: Socket, _n: number) {
      notes.push('handler')
    }
  }

  const { app, connect } = await start(Desk)
  const client = await connect('/desk')
  expect(await client.ask('{"event":"close","data":"no number","id":1}')).toBe(refused(1))
  expect(await client.ask('{"event":"close","data":1}')).toBe(
    '{"error":{"code":"FORBIDDEN","message":"this is not allowed","event":"close"}}',
  )
  expect(notes).toEqual([])
  expect(app.stats()).toMatchObject({ forbidden: 2, internalErrors: 0 })
})

describe('only true allows', () => {
  test.each([
    ['nothing', undefined],
    ['null', null],
    ['1', 1],
    ['a string', 'yes'],
    ['an object', { allowed: true }],
    ['a promise of 1', Promise.resolve(1)],
    ['a promise of nothing', Promise.resolve()],
  ])('and %s does not', async (_, verdict) => {
    @Gateway('/desk')
    class Desk {
      @Guard(() => verdict as never)
      @On()
      close() {
        notes.push('handler')
      }
    }

    const { connect } = await start(Desk)
    expect(await (await connect('/desk')).ask('{"event":"close","id":1}')).toBe(refused(1))
    expect(notes).toEqual([])
  })

  test('and a promise of true does', async () => {
    @Gateway('/desk')
    class Desk {
      @Guard(async () => true)
      @On()
      close() {
        return 'closed'
      }
    }

    const { connect } = await start(Desk)
    expect(await (await connect('/desk')).ask('{"event":"close","id":1}')).toBe('{"ack":1,"data":"closed"}')
  })
})

describe('a guard that throws refuses', () => {
  // It was answered INTERNAL: the caller learned that it had been let through to something that broke.
  test.each([
    [
      'at once',
      () => {
        throw new Error('the rights are gone')
      },
    ],
    ['later', () => Promise.reject(new Error('the rights are gone'))],
  ])('%s, and only the log knows why', async (_, guard) => {
    @Guard(ofEvents(guard))
    @Gateway('/desk')
    class Desk {
      @On() close() {
        notes.push('handler')
      }
    }

    const reported: unknown[] = []
    const { app, connect, logged } = await start(Desk, {
      onError: (error, { gateway, event, socket }) => reported.push([error, gateway, event, socket?.path]),
    })
    const client = await connect('/desk')
    expect(await client.ask('{"event":"close","id":1}')).toBe(refused(1))
    expect(logged()).toMatchObject([
      {
        message: 'a guard failed, which refuses',
        gateway: 'Desk',
        event: 'close',
        error: new Error('the rights are gone'),
      },
    ])
    expect(reported).toEqual([[new Error('the rights are gone'), 'Desk', 'close', '/desk']])
    expect(notes).toEqual([])
    expect(app.stats()).toMatchObject({ forbidden: 1, internalErrors: 1 })
  })

  test('with an error of the application, which the caller is told', async () => {
    @Gateway('/desk')
    class Desk {
      @Guard(() => {
        throw new PartylineError('NO_MEMBER', 'join the club first')
      })
      @On()
      close() {}
    }

    const { connect } = await start(Desk)
    expect(await (await connect('/desk')).ask('{"event":"close","id":1}')).toBe(
      '{"ack":1,"error":{"code":"NO_MEMBER","message":"join the club first"}}',
    )
  })

  test('at connecting with 403, and only the log knows why', async () => {
    @Guard(() => {
      throw new Error('the rights are gone')
    })
    @Gateway('/desk')
    class Desk {}

    const { connect, logged } = await start(Desk)
    await expect(connect('/desk')).rejects.toThrow(
      'refused with 403: {"error":{"code":"FORBIDDEN","message":"this is not allowed"}}',
    )
    expect(logged()).toMatchObject([{ message: 'a guard failed, which refuses', gateway: 'Desk' }])
  })
})

test('guards decide by what they see: who, where, and what was sent', async () => {
  const seen: unknown[] = []

  @Guard((call: Call) => {
    const { kind, gateway, identity, handshake } = call
    seen.push([kind, gateway.name, identity?.user, handshake.url.pathname])
    if (call.kind === 'event') seen.push([call.event, call.data, call.args, call.socket.id.length])
    return true
  })
  @Gateway('/desk/:n')
  class Desk {
    @On() close() {}
  }

  const { connect } = await start(Desk, { authenticate: () => ({ user: 'ada' }) })
  await (await connect('/desk/5')).ask('{"event":"close","args":[1,2],"id":1}')
  expect(seen).toEqual([
    ['connect', 'Desk', 'ada', '/desk/5'],
    ['event', 'Desk', 'ada', '/desk/5'],
    ['close', 1, [1, 2], 36],
  ])
})

test('an asynchronous guard keeps the order of the events of a socket', async () => {
  const gate = new Gate()

  @Gateway('/desk')
  class Desk {
    @Guard(() => gate.pass().then(() => true))
    @On()
    slow() {
      notes.push('slow')
      return 1
    }

    @On() quick() {
      notes.push('quick')
      return 2
    }
  }

  const { connect } = await start(Desk)
  const client = await connect('/desk')
  client.send('{"event":"slow","id":1}', '{"event":"quick","id":2}')
  await until(() => gate.arrived === 1, 'the guard')
  expect(notes).toEqual([])
  gate.open()
  expect(await client.take(2)).toEqual(['{"ack":1,"data":1}', '{"ack":2,"data":2}'])
  expect(notes).toEqual(['slow', 'quick'])
})

test('messages of a raw gateway are guarded', async () => {
  @Gateway('/raw', { protocol: 'raw' })
  class Raw {
    @Guard(noting('first'))
    @OnFirstMessage()
    first() {}

    @Guard((call: Call) => call.kind === 'event' && call.data === 'please')
    @OnMessage()
    message(socket: Socket, text: string) {
      socket.send(text)
    }
  }

  const { app, connect } = await start(Raw)
  const client = await connect('/raw')
  client.send('now')
  expect(await client.ask('please')).toBe('please')
  expect(notes).toEqual(['first'])
  expect(app.stats()).toMatchObject({ forbidden: 1, internalErrors: 0 })
})

// Without frames there is nobody to tell of an error, so each refusal was logged as an internal one: a client that went on
// sending filled the log.
test('on a raw gateway refusals are counted and not logged, whatever the guard refuses with', async () => {
  const full = new PartylineError('FULL', 'come back later')
  const verdicts: Record<string, () => boolean | Promise<boolean>> = {
    no: () => false,
    late: async () => false,
    own: () => {
      throw full
    },
    'own, late': () => Promise.reject(full),
  }

  @Gateway('/raw', { protocol: 'raw' })
  class Raw {
    @Guard((call) => verdicts[(call as EventCall).data as string]?.() ?? true)
    @OnMessage()
    message(socket: Socket, text: string) {
      notes.push(text)
      socket.send(text)
      if (text === 'full') throw full
    }
  }

  const { app, connect, logged } = await start(Raw)
  const client = await connect('/raw')
  client.send(...Object.keys(verdicts))
  expect(await client.ask('please')).toBe('please')
  expect(notes).toEqual(['please'])
  expect(app.stats()).toMatchObject({ forbidden: 4, internalErrors: 0 })
  // Of what a handler throws nobody but the log is told, also where a guard has refused with the same.
  client.send('full')
  expect(logged()).toMatchObject([{ message: 'a handler failed', error: full }])
  expect(app.stats()).toMatchObject({ forbidden: 4, internalErrors: 1 })
})

// It counted errors of the code FORBIDDEN: those of handlers too, and not those of guards that had a code of their own.
test('exactly what guards refuse is counted as forbidden', async () => {
  const refusing = ({ data }: EventCall): boolean | Promise<boolean> => {
    if (data === 'no') return false
    if (data === 'own') throw new PartylineError('NO_MEMBER', 'join the club first')
    if (data === 'late') return Promise.reject(new PartylineError('NO_MEMBER', 'join the club first'))
    return true
  }

  @Gateway('/desk')
  class Desk {
    @Guard((call) => refusing(call as EventCall))
    @On()
    close(_socket: Socket, data: string) {
      if (data === 'taken') throw new PartylineError('FORBIDDEN', 'this desk is not yours')
      return data
    }
  }

  const { app, connect } = await start(Desk)
  const client = await connect('/desk')
  const counts: [string, number][] = []
  for (const data of ['no', 'own', 'late', 'taken', 'fine']) {
    const answer = await client.ask(`{"event":"close","data":"${data}","id":1}`)
    const { error } = JSON.parse(String(answer)) as { error?: { code: string } }
    counts.push([error?.code ?? 'none', app.stats().forbidden])
  }
  expect(counts).toEqual([
    ['FORBIDDEN', 1],
    ['NO_MEMBER', 2],
    ['NO_MEMBER', 3],
    ['FORBIDDEN', 3],
    ['none', 3],
  ])
})

// A request that a listener had acknowledged had no answer left to tell of the refusal, which was logged as a failure.
test('a refusal is counted and not logged also where the request was acknowledged already', async () => {
  @Gateway('/desk')
  class Desk {
    @Guard(() => false)
    @On()
    close() {}
  }

  const { app, connect } = await start(Desk)
  app.get(Signals).on('event', (_, event) => event.ack('noted'))
  expect(await (await connect('/desk')).ask('{"event":"close","id":1}')).toBe('{"ack":1,"data":"noted"}')
  expect(app.stats()).toMatchObject({ forbidden: 1, internalErrors: 0 })
})

test('what middleware makes of a refusal is the answer, and the refusal is counted all the same', async () => {
  @Use((_, next) => {
    try {
      return next()
    } catch {
      return 'never mind'
    }
  })
  @Gateway('/desk')
  class Desk {
    @Guard(() => false)
    @OnAny()
    any() {}
  }

  const { app, connect } = await start(Desk)
  expect(await (await connect('/desk')).ask('{"event":"close","id":1}')).toBe('{"ack":1,"data":"never mind"}')
  expect(app.stats()).toMatchObject({ forbidden: 1, internalErrors: 0 })
})
