import { describe, expect, test } from 'bun:test'
import { type CloseReason, Gateway, type Limits, On, OnClose, type Socket } from 'partyline'
import { App } from '../../lib/core/app.ts'
import { type MemoryClient, MemoryRuntime } from '../../lib/runtime/memory.ts'
import { runtimeContract } from '../contract/runtime.ts'
import type { Serve } from '../contract/start.ts'
import { Gate } from '../support/gate.ts'
import { CollectingLogger } from '../support/logger.ts'
import { until } from '../support/until.ts'

const serve: Serve = async (root, options) => {
  const app = new App(root, options, (host) => new MemoryRuntime(host))
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

runtimeContract('the runtime in memory', serve)

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

  test('an app that was stopped is not there', async () => {
    const { app } = await waiting({})
    await app.stop()
    await expect(app.runtime.fetch(new Request('http://localhost/healthz'))).rejects.toThrow('nobody listens')
  })
})
