import { describe, expect, test } from 'bun:test'
import { type Call, type CloseReason, Gateway, type Limits, On, OnClose, type Socket } from 'partyline'
import { App } from '../../lib/core/app.ts'
import { type MemoryClient, MemoryRuntime } from '../../lib/runtime/memory.ts'
import { runtimeContract } from '../contract/runtime.ts'
import type { Serve } from '../contract/start.ts'
import { Gate } from '../support/gate.ts'
import { CollectingLogger } from '../support/logger.ts'
import { nextTurn, until } from '../support/until.ts'

const serve =
  (topics: boolean): Serve =>
  async (root, options) => {
    const app = new App(root, options, (host) => new MemoryRuntime(host, { topics }))
    await app.listen()
    return {
      app,
      fetch: (path, init) => app.runtime.fetch(new Request(`http://localhost${path}`, init)),
      async connect(path, options) {
        const client = await app.runtime.connect(path, options)
        if (client instanceof Response) throw new Error(`refused with ${client.status}`)
        return client
      },
    }
  }

runtimeContract('the runtime in memory', serve(false))
runtimeContract('the runtime in memory, with topics of its own', serve(true))

@Gateway('/nobodys')
class Nobodys {}

/** One handler that waits, and a client of it. */
async function waiting(limits: Partial<Limits>) {
  const gate = new Gate()
  const log = new CollectingLogger()
  const notes: unknown[] = []

  @Gateway('/waiting')
  class Waiting {
    @On() async work(_: Socket, data: unknown) {
      await gate.pass()
      notes.push(data)
    }

    @OnClose() closed(_: Socket, { code }: CloseReason) {
      notes.push(code)
    }
  }

  const app = new App(Waiting, { limits, logger: log }, (host) => new MemoryRuntime(host))
  const client = (await app.runtime.connect('/waiting')) as MemoryClient
  return { app, client, gate, notes, log }
}

describe('a line in memory is like one on a network', () => {
  test('what waits in a long line is not read, so none of it is refused', async () => {
    const { app, client, gate, notes } = await waiting({ waiting: 4 })
    for (let i = 0; i < 20; i++) client.send(`{"event":"work","data":${i},"id":${i}}`)
    expect(client.received).toEqual([])
    gate.open()
    await until(() => client.received.length === 20, 'all answers')
    expect(client.received).toEqual(Array.from({ length: 20 }, (_, i) => `{"ack":${i}}`))
    expect(notes).toEqual(Array.from({ length: 20 }, (_, i) => i))
    await app.stop()
  })

  test('a client that closes is seen to close after what it sent before', async () => {
    const { app, client, gate, notes } = await waiting({ waiting: 2 })
    for (let i = 0; i < 6; i++) client.send(`{"event":"work","data":${i}}`)
    client.close(4_000)
    client.send('{"event":"work","data":"too late"}')
    expect(app.sockets.size).toBe(1)
    gate.open()
    await until(() => notes.length === 7, '@OnClose')
    expect(notes).toEqual([0, 1, 2, 3, 4, 5, 4_000])
    await app.stop()
  })

  test('a client that does not read is closed with 1008 at the bounded buffer', async () => {
    const { app, client, log } = await waiting({ buffer: 100 })
    const [socket] = [...app.sockets] as [Socket]
    client.reading = false
    socket.send('x'.repeat(50))
    await Promise.resolve()
    expect(socket.bufferedAmount).toBe('{"event":"message","data":""}'.length + 50)
    client.reading = true
    expect(client.received).toHaveLength(1)
    client.reading = false
    for (let i = 0; i < 11; i++) socket.send('x'.repeat(50))
    await Promise.resolve()
    expect(client.closed).toEqual({ code: 1_008, reason: 'slow consumer' })
    expect(log.take()).toMatchObject([{ level: 'warn', socket: socket.id }])
    await app.stop()
  })

  test('a client that reads one by one leaves the rest with the server', async () => {
    const { app, client } = await waiting({})
    const [socket] = [...app.sockets] as [Socket]
    client.reading = false
    for (const n of [1, 2, 3]) socket.emit('n', n)
    await Promise.resolve()
    client.read(2)
    expect(client.received).toEqual(['{"event":"n","data":1}', '{"event":"n","data":2}'])
    expect(socket.bufferedAmount).toBe('{"event":"n","data":3}'.length)
    await app.stop()
  })

  test('a listener hears what would stand in the lists', async () => {
    const { app, client } = await waiting({})
    const heard: unknown[] = []
    client.listener = { message: (payload) => heard.push(payload), closed: (reason) => heard.push(reason) }
    client.send('{"ping":1}')
    client.close(4_000, 'done')
    expect(heard).toEqual(['{"pong":1}', { code: 4_000, reason: 'done' }])
    expect([client.received, client.closed]).toEqual([[], { code: 4_000, reason: 'done' }])
    await app.stop()
  })

  test('who is known by the runtime is asked by no authenticator', async () => {
    const options = { authenticate: () => null, guards: [({ identity }: Call) => identity?.user === 'ann'] }
    const app = new App(Nobodys, options, (host) => new MemoryRuntime(host))
    const knock = async (user?: string) => {
      const answer = await app.runtime.connect('/nobodys', {
        identity: user === undefined ? undefined : { user },
      })
      return answer instanceof Response ? answer.status : 'in'
    }
    expect([await knock('ann'), await knock('bob'), await knock()]).toEqual(['in', 403, 401])
    await app.stop()
  })

  test('a crash ends the lines of clients, and the app hears of nothing', async () => {
    const { app, client, notes } = await waiting({})
    const [socket] = [...app.sockets] as [Socket]
    app.runtime.crash()
    expect(client.closed).toEqual({ code: 1_006, reason: '' })
    socket.emit('n', 1)
    await nextTurn()
    expect([notes, client.received]).toEqual([[], []])
    await expect(app.runtime.connect('/waiting')).rejects.toThrow('nobody listens')
  })

  test('a crash comes before a handshake that takes its time', async () => {
    const gate = new Gate()
    const options = { authenticate: () => gate.pass().then(() => ({ user: 'ann' })) }
    const app = new App(Nobodys, options, (host) => new MemoryRuntime(host))
    const connecting = app.runtime.connect('/nobodys')
    await until(() => gate.arrived === 1, 'the authenticator')
    app.runtime.crash()
    gate.open()
    await expect(connecting).rejects.toThrow('nobody listens')
    expect(app.sockets.size).toBe(0)
  })

  test('an app that was stopped is not there', async () => {
    const { app } = await waiting({})
    await app.stop()
    await expect(app.runtime.fetch(new Request('http://localhost/healthz'))).rejects.toThrow('nobody listens')
  })
})
