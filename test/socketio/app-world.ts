import { expect } from 'bun:test'
import type { App } from '../../lib/core/app.ts'
import type { MemoryClient, MemoryRuntime } from '../../lib/runtime/memory.ts'
import { nextTurn } from '../support/until.ts'

/** What holds an app in memory. */
export interface Served {
  readonly app: App<MemoryRuntime>
}

/** How a client introduces itself. */
export interface Introduction {
  headers?: Record<string, string>
  /** Besides what the transport needs; begins with `&`. */
  query?: string
  ip?: string
}

/** A client of Socket.IO, written by hand, over WebSocket. What it is sent and sends are packets of Engine.IO. */
export class SocketioClient {
  readonly line: MemoryClient
  #taken = 0

  constructor(line: MemoryClient) {
    this.line = line
  }

  /** Connects, and looks at the open packet. */
  static async open({ app }: Served, introduction: Introduction = {}): Promise<SocketioClient> {
    const line = await SocketioClient.knock({ app }, introduction)
    if (line instanceof Response) throw new Error(`refused with ${line.status}: ${await line.text()}`)
    const client = new SocketioClient(line)
    expect(String(client.take()[0])).toStartWith('0{"sid":')
    return client
  }

  static knock(
    { app }: Served,
    { query = '', ...others }: Introduction = {},
  ): Promise<MemoryClient | Response> {
    return app.runtime.connect(`/socket.io/?EIO=4&transport=websocket${query}`, others)
  }

  /** Connects, and enters a namespace. */
  static async in(served: Served, packet = '40', introduction?: Introduction): Promise<SocketioClient> {
    const client = await SocketioClient.open(served, introduction)
    client.send(packet)
    await nextTurn()
    expect(String(client.take()[0])).toMatch(/^40(\/[^,]*,)?\{"sid":/)
    return client
  }

  get closed(): MemoryClient['closed'] {
    return this.line.closed
  }

  send(...packets: (string | Uint8Array)[]): void {
    for (const packet of packets) this.line.send(packet)
  }

  /** What has come since the last time; but for pings, which are answered. */
  take(): (string | Uint8Array)[] {
    const fresh = this.line.received.slice(this.#taken)
    this.#taken = this.line.received.length
    if (fresh.includes('2')) this.line.send('3')
    return fresh.filter((packet) => packet !== '2')
  }

  /** Sends, and takes what has come a turn later. */
  async ask(...packets: (string | Uint8Array)[]): Promise<(string | Uint8Array)[]> {
    this.send(...packets)
    await nextTurn()
    return this.take()
  }
}

/** The same over HTTP long-polling. */
export class SocketioPoller {
  readonly #app: App<MemoryRuntime>
  readonly #headers: Record<string, string>
  readonly sid: string

  constructor(app: App<MemoryRuntime>, sid: string, headers: Record<string, string>) {
    this.#app = app
    this.#headers = headers
    this.sid = sid
  }

  static async open(served: Served, introduction: Introduction = {}): Promise<SocketioPoller> {
    const response = await SocketioPoller.knock(served, introduction)
    const { sid } = JSON.parse((await response.text()).slice(1)) as { sid: string }
    return new SocketioPoller(served.app, sid, introduction.headers ?? {})
  }

  static knock({ app }: Served, { headers = {}, query = '' }: Introduction = {}): Promise<Response> {
    const url = `http://localhost/socket.io/?EIO=4&transport=polling${query}`
    return app.runtime.fetch(new Request(url, { headers }))
  }

  static async in(served: Served, packet = '40', introduction?: Introduction): Promise<SocketioPoller> {
    const client = await SocketioPoller.open(served, introduction)
    expect(await client.post(packet)).toBe('ok')
    expect((await client.poll())[0]).toMatch(/^40(\/[^,]*,)?\{"sid":/)
    return client
  }

  /** Packets that wait, or the next ones to come. */
  async poll(): Promise<string[]> {
    return (await (await this.#ask()).text()).split('\x1e')
  }

  async post(...packets: string[]): Promise<string> {
    return (await this.send(...packets)).text()
  }

  send(...packets: string[]): Promise<Response> {
    return this.#ask(packets.join('\x1e'))
  }

  #ask(body?: string): Promise<Response> {
    const url = `http://localhost/socket.io/?EIO=4&transport=polling&sid=${this.sid}`
    const headers = this.#headers
    return this.#app.runtime.fetch(
      new Request(url, body === undefined ? { headers } : { method: 'POST', body, headers }),
    )
  }
}

/** Values of an event or of an answer, as they stand in its text. */
export function valuesOf(packet: string | Uint8Array | undefined): unknown[] {
  const text = String(packet)
  return JSON.parse(text.slice(text.search(/[[{]/))) as unknown[]
}
