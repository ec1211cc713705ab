import { afterEach, describe, expect, test } from 'bun:test'
import { Gateway, GatewayContext, On, type Socket } from 'partyline'
import { socketio } from 'partyline/socketio'
import { App } from '../../lib/core/app.ts'
import type { Connection, ConnectionHandler, Host } from '../../lib/core/connection.ts'
import type { Payload } from '../../lib/protocol/codec.ts'
import { MemoryRuntime } from '../../lib/runtime/memory.ts'
import { nextTurn } from '../support/until.ts'

/** A line that keeps what it is given in one go apart. */
class BatchLine implements Connection {
  readonly bufferedAmount = 0
  readonly batches: (readonly Payload[])[] = []
  readonly handler: ConnectionHandler

  constructor(handler: ConnectionHandler) {
    this.handler = handler
    handler.opened(this)
  }

  send(payload: Payload): boolean {
    return this.sendAll([payload])
  }

  sendAll(payloads: readonly Payload[]): boolean {
    this.batches.push(payloads)
    return true
  }

  close(): void {}

  terminate(): void {
    this.handler.closed(1006, '')
  }
}

@Gateway('/')
class Room {
  constructor(readonly context: GatewayContext) {}

  @On() join(socket: Socket): void {
    socket.join('room')
  }

  @On() tell(_: Socket, times: number): void {
    for (let n = 0; n < times; n++) this.context.to('room').emit('tick', n)
  }
}

let app: App<MemoryRuntime>

async function enter(topics: boolean): Promise<BatchLine> {
  let host: Host | undefined
  const limits = { rate: 1e6, burst: 1e6 }
  app = new App(Room, { dialects: [socketio()], limits }, (given) => {
    host = given
    return new MemoryRuntime(given, { topics })
  })
  await app.ready()
  const headers = {
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
  }
  const request = new Request('http://localhost/socket.io/?EIO=4&transport=websocket', { headers })
  const verdict = await host?.handle(request, { ip: '::1' })
  if (verdict === undefined || verdict instanceof Response) throw new Error('refused')
  const line = new BatchLine(verdict.handler)
  line.handler.message('40')
  line.handler.message('42["join"]')
  await nextTurn()
  line.batches.length = 0
  return line
}

const ticks = (count: number): string[] => Array.from({ length: count }, (_, n) => `42["tick",${n}]`)

describe.each([false, true])('what is published in one turn, where there are topics: %p', (topics) => {
  afterEach(() => app.stop())

  test.each([1, 8])('reaches a client of Socket.IO in one go, where it is %d events', async (times) => {
    const line = await enter(topics)
    const teller = await app.runtime.connect('/')
    if (teller instanceof Response) throw new Error('refused')
    teller.send('{"event":"join"}')
    teller.send(`{"event":"tell","data":${times}}`)
    await nextTurn()
    expect(line.batches).toEqual([ticks(times)])
    expect(teller.received).toHaveLength(times)
    line.terminate()
  })

  test('leaves in between where there is no end of it', async () => {
    const line = await enter(topics)
    const teller = await app.runtime.connect('/')
    if (teller instanceof Response) throw new Error('refused')
    teller.send('{"event":"tell","data":3000}')
    await nextTurn()
    expect(line.batches.flat()).toEqual(ticks(3_000))
    expect(line.batches.map(({ length }) => length)).toEqual([1_024, 1_024, 952])
    line.terminate()
  })
})
