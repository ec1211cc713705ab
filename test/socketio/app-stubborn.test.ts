import { afterEach, describe, expect, test } from 'bun:test'
import { Gateway, GatewayContext, Module, On, type Socket } from 'partyline'
import { socketio } from 'partyline/socketio'
import { App } from '../../lib/core/app.ts'
import type { Connection, ConnectionHandler, Host } from '../../lib/core/connection.ts'
import type { Payload } from '../../lib/protocol/codec.ts'
import { MemoryRuntime } from '../../lib/runtime/memory.ts'
import { HandClock } from '../support/clock.ts'
import { CollectingLogger } from '../support/logger.ts'
import { nextTurn } from '../support/until.ts'

/** A line whose client answers no close. */
class StubbornLine implements Connection {
  readonly sent: Payload[] = []
  readonly closes: number[] = []
  isCut = false
  bufferedAmount = 0
  readonly handler: ConnectionHandler

  constructor(handler: ConnectionHandler) {
    this.handler = handler
    handler.opened(this)
  }

  send(payload: Payload): boolean {
    this.sent.push(payload)
    return this.bufferedAmount === 0
  }

  sendAll(payloads: readonly Payload[]): boolean {
    return payloads.map((payload) => this.send(payload)).every(Boolean)
  }

  close(code: number): void {
    this.closes.push(code)
  }

  terminate(): void {
    if (this.isCut) return
    this.isCut = true
    this.handler.closed(1006, '')
  }
}

@Gateway('/')
class Main {
  constructor(readonly context: GatewayContext) {}

  @On() leave(socket: Socket): void {
    socket.close(4000, 'go')
  }

  @On() size(_: Socket, text: string): number {
    return text.length
  }
}

@Gateway('/other')
class Other extends Main {}

@Module({ gateways: [Main, Other] })
class All {}

const clock = new HandClock()
const log = new CollectingLogger()
let app: App<MemoryRuntime>

async function open(path = '/socket.io/?EIO=4&transport=websocket'): Promise<StubbornLine> {
  let host: Host | undefined
  app = new App(
    All,
    { dialects: [socketio()], clock, logger: log, limits: { buffer: 1_000, payload: 100 } },
    (given) => {
      host = given
      return new MemoryRuntime(given)
    },
  )
  await app.ready()
  const headers = {
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
  }
  const verdict = await host?.handle(new Request(`http://localhost${path}`, { headers }), { ip: '::1' })
  if (verdict === undefined || verdict instanceof Response) throw new Error('refused')
  return new StubbornLine(verdict.handler)
}

async function connections(): Promise<unknown> {
  return (await app.runtime.fetch(new Request('http://localhost/healthz'))).json()
}

describe('a client that answers no close', () => {
  afterEach(async () => {
    await app.stop()
    expect(clock.pending).toBe(0)
  })

  test('is cut off a while after it was closed as a slow consumer', async () => {
    const line = await open()
    line.handler.message('40')
    await nextTurn()
    line.bufferedAmount = 10_000
    app.get(Main).context.emit('x', 1)
    await nextTurn()
    expect([line.closes, line.isCut]).toEqual([[1008], false])
    expect(app.sockets.size).toBe(0)
    clock.advance(5_000)
    expect(line.isCut).toBe(true)
    expect(log.take()).toHaveLength(1)
  })

  test.each(['no packet', '41', '4no packet'])(
    'is cut off a while after it was closed because of %s',
    async (packet) => {
      const line = await open()
      line.handler.message('40')
      await nextTurn()
      line.handler.message(packet)
      await nextTurn()
      if (packet === '41') clock.advance(45_000)
      expect([line.closes.length, line.isCut]).toEqual([1, false])
      expect([app.sockets.size, await connections()]).toEqual([0, { status: 'ok', connections: 0 }])
      line.handler.message('40')
      line.handler.message('42["size","x"]')
      await nextTurn()
      clock.advance(30_000)
      expect([line.closes.length, line.isCut]).toEqual([1, true])
    },
  )

  test('keeps its other namespaces where only one of them is closed', async () => {
    const line = await open()
    line.handler.message('40')
    line.handler.message('40/other,')
    line.handler.message('42["leave"]')
    await nextTurn()
    clock.advance(20_000)
    expect([line.closes, line.isCut, app.sockets.size]).toEqual([[], false, 1])
  })

  test('is gone at once where it sent too much, though it is no client of Socket.IO', async () => {
    const line = await open('/')
    line.handler.message(`{"event":"size","data":"${'x'.repeat(100)}","id":1}`)
    await nextTurn()
    expect([line.closes, app.sockets.size, await connections()]).toEqual([
      ...[[1009], 0, { status: 'ok', connections: 0 }],
    ])
    line.handler.message('{"event":"size","data":"x","id":1}')
    line.terminate()
    expect(line.sent).toEqual([])
    expect(app.stats()).toMatchObject({ payloadTooBig: 1, connectionsLost: 0 })
  })
})
