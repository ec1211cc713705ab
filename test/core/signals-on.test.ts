import { afterEach, expect, test } from 'bun:test'
import { Gateway, Injectable, Module, On, OnMessage, type Provider, Signals, type Socket } from 'partyline'
import { finish, start } from './in-memory.ts'

afterEach(finish)

/** What happened, in order. */
const notes: string[] = []
afterEach(() => void notes.splice(0))

@Gateway('/party')
class Party {
  @On() join(_: Socket, name: string) {
    notes.push(`handled join ${name}`)
  }

  @On() message(_: Socket, text: string) {
    notes.push(`handled message ${text}`)
  }
}

@Gateway('/raw', { protocol: 'raw' })
class Raw {
  @OnMessage() message() {}
}

function startWith(...providers: Provider[]) {
  @Module({ gateways: [Party, Raw], providers })
  class TestModule {}
  return start(TestModule)
}

test('signals.on listens to each signal, and to one event by name, until it is told to stop', async () => {
  const { app, connect } = await startWith()
  const signals = app.get(Signals)
  const stops = [
    signals.on('connected', (socket) => notes.push(`connected ${socket.path}`)),
    signals.on('event', 'join', (_, event) => notes.push(`join ${event.data}`)),
    signals.on('event', (_, event) => notes.push(`event ${event.name}`)),
    signals.on('message', (_, message) => notes.push(`message ${message}`)),
  ]
  const client = await connect('/party')
  client.send('{"event":"join","data":"Ada"}', '{"event":"message","data":"hi"}')
  expect(notes).toEqual([
    'connected /party',
    ...['event join', 'join Ada', 'handled join Ada'],
    ...['message hi', 'event message', 'handled message hi'],
  ])
  notes.length = 0
  for (const stop of [...stops, ...stops]) stop()
  client.send('{"event":"join","data":"Eve"}', '{"event":"message","data":"bye"}')
  await connect('/party')
  expect(notes).toEqual(['handled join Eve', 'handled message bye'])
})

test('Signals can be had in a constructor; listeners run in the order in which they came', async () => {
  @Injectable()
  class Counter {
    constructor(signals: Signals) {
      for (const name of ['first', 'second']) signals.on('connected', () => notes.push(name))
    }
  }

  const { app, connect } = await startWith(Counter)
  app.get(Signals).on('connected', () => notes.push('third'))
  await connect('/raw')
  expect(notes).toEqual(['first', 'second', 'third'])
})

test('stopping one of two that listen with the same function stops that one', async () => {
  const { app, connect } = await startWith()
  const signals = app.get(Signals)
  const listener = () => notes.push('heard')
  const stop = signals.on('connected', listener)
  signals.on('connected', listener)
  stop()
  stop()
  await connect('/raw')
  expect(notes).toEqual(['heard'])
})

test('a listener that stops itself, or lets another listen, makes a difference from the next time on', async () => {
  const { app, connect } = await startWith()
  const signals = app.get(Signals)
  const stopOnce = signals.on('connected', () => {
    notes.push('once')
    stopOnce()
    signals.on('connected', () => notes.push('from then on'))
  })
  signals.on('connected', () => notes.push('always'))
  await connect('/raw')
  expect(notes).toEqual(['once', 'always'])
  await connect('/raw')
  expect(notes).toEqual(['once', 'always', 'always', 'from then on'])
})

test('events of names such as constructor and __proto__ are told like any other', async () => {
  const { app, connect } = await startWith()
  const signals = app.get(Signals)
  for (const name of ['constructor', '__proto__', 'event']) {
    signals.on('event', name, (_, event) => notes.push(`by name ${event.name}`))
  }
  const client = await connect('/party')
  notes.length = 0
  client.send(
    '{"event":"constructor"}',
    '{"event":"__proto__"}',
    '{"event":"event"}',
    '{"event":"connected","id":1}',
  )
  expect(notes).toEqual(['by name constructor', 'by name __proto__', 'by name event'])
  expect(client.received).toEqual([
    '{"ack":1,"error":{"code":"UNKNOWN_EVENT","message":"no handler for \\"connected\\" at /party"}}',
  ])
})

test('the signals of one app are not those of another', async () => {
  const [one, other] = [await startWith(), await startWith()]
  one.app.get(Signals).on('connected', () => notes.push('one'))
  await other.connect('/raw')
  expect(notes).toEqual([])
  await one.connect('/raw')
  expect(notes).toEqual(['one'])
})
