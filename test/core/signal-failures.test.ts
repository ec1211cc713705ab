import { afterEach, expect, test } from 'bun:test'
import { Gateway, On, OnAny, OnClose, Signals, type Socket, type SocketEvent } from 'partyline'
import { until } from '../support/until.ts'
import { finish, start } from './in-memory.ts'

afterEach(finish)

@Gateway('/party')
class Party {
  @On() join() {
    return 'welcome'
  }
}

@Gateway('/any')
class Any {
  @OnAny() any(_: Socket, event: SocketEvent) {
    return `any ${event.name}`
  }
}

test('a listener that throws or rejects is logged, and nobody else notices', async () => {
  const heard: string[] = []
  const { app, connect, logged } = await start(Party)
  const signals = app.get(Signals)
  signals.on('event', () => {
    throw new Error('thrown')
  })
  signals.on('event', async () => {
    throw new Error('rejected')
  })
  signals.on('event', () => heard.push('general'))
  signals.on('event', 'join', () => heard.push('by name'))
  const client = await connect('/party')
  client.send('{"event":"join","id":1}')
  expect(client.received).toEqual(['{"ack":1,"data":"welcome"}'])
  expect(heard).toEqual(['general', 'by name'])
  const log = logged()
  await until(() => log.push(...logged()) === 2, 'both failures to be logged')
  expect(log).toEqual([
    { level: 'error', message: 'a listener of a signal failed', signal: 'event', error: new Error('thrown') },
    {
      level: 'error',
      message: 'a listener of a signal failed',
      signal: 'event',
      error: new Error('rejected'),
    },
  ])
})

// Only what was a Promise itself was looked at: a query builder that is awaited by its `then` failed unseen.
test('a listener that returns a thenable of another make, which fails, is logged', async () => {
  const { app, connect, logged } = await start(Party)
  const thenable = (then: (resolve: unknown, reject: (error: Error) => void) => void) => ({ then })
  app.get(Signals).on('event', () => thenable((_, reject) => reject(new Error('rejected'))))
  app.get(Signals).on('event', () =>
    thenable(() => {
      throw new Error('thrown')
    }),
  )
  const client = await connect('/party')
  client.send('{"event":"join","id":1}')
  const log = logged()
  await until(() => log.push(...logged()) === 2, 'both failures to be logged')
  expect(log).toMatchObject([{ error: new Error('rejected') }, { error: new Error('thrown') }])
  expect(client.received).toEqual(['{"ack":1,"data":"welcome"}'])
})

test('one that fails at the beginning or the end keeps nobody from opening and closing', async () => {
  const heard: string[] = []

  @Gateway('/sturdy')
  class Sturdy {
    @OnClose() closed() {
      heard.push('@OnClose')
    }
  }

  const { app, connect, logged } = await start(Sturdy)
  for (const signal of ['connected', 'disconnected'] as const) {
    app.get(Signals).on(signal, () => {
      throw new Error(signal)
    })
    app.get(Signals).on(signal, () => heard.push(signal))
  }
  await connect('/sturdy')
  await app.stop()
  expect(heard).toEqual(['connected', '@OnClose', 'disconnected'])
  expect(logged()).toMatchObject([{ error: new Error('connected') }, { error: new Error('disconnected') }])
})

test('a listener may acknowledge; then the handler runs, and its value is not sent', async () => {
  const { app, connect } = await start(Party)
  app.get(Signals).on('event', (_, event) => {
    if (event.acknowledgeable) event.ack('by a listener')
  })
  const client = await connect('/party')
  client.send('{"event":"join","id":1}', '{"event":"join"}', '{"event":"other","id":2}')
  expect(client.received).toEqual(['{"ack":1,"data":"by a listener"}', '{"ack":2,"data":"by a listener"}'])
})

test('an event that a listener hears by its name is known; its ack is empty unless the listener gives one', async () => {
  const { app, connect } = await start(Party)
  const stop = app.get(Signals).on('event', 'heard', () => 'what a listener returns is no ack')
  app.get(Signals).on('event', 'answered', (_, event) => event.ack('answer'))
  const client = await connect('/party')
  client.send('{"event":"heard","id":1}', '{"event":"answered","id":2}', '{"event":"heard"}')
  expect(client.received).toEqual(['{"ack":1}', '{"ack":2,"data":"answer"}'])
  stop()
  client.send('{"event":"heard","id":3}')
  expect(client.received.at(-1)).toContain('{"ack":3,"error":{"code":"UNKNOWN_EVENT"')
})

test('a listener that acknowledges too late gets the error, and the one answer stands', async () => {
  const { app, connect, logged } = await start([Party, Any])
  app.get(Signals).on('event', async (_, event) => {
    await Promise.resolve()
    event.ack('too late')
  })
  const [party, any] = [await connect('/party'), await connect('/any')]
  party.send('{"event":"join","id":1}', '{"event":"other","id":2}')
  any.send('{"event":"other","id":3}')
  const log = logged()
  await until(() => log.push(...logged()) === 3, 'the failures to be logged')
  expect(party.received).toEqual([
    '{"ack":1,"data":"welcome"}',
    '{"ack":2,"error":{"code":"UNKNOWN_EVENT","message":"no handler for \\"other\\" at /party"}}',
  ])
  expect(any.received).toEqual(['{"ack":3,"data":"any other"}'])
  expect(log.map(({ error }) => String(error))).toEqual([
    'Error: "join" was answered: the handler has returned; return a promise to answer later',
    'Error: "other" was answered: the handler has returned; return a promise to answer later',
    'Error: "other" was answered: the handler has returned; return a promise to answer later',
  ])
})
