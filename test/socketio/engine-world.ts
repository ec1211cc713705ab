import { expect } from 'bun:test'
import type { Admission } from '../../lib/core/connection.ts'
import { type MemoryClient, memoryLine } from '../../lib/runtime/memory-line.ts'
import type { EngineOptions } from '../../lib/socketio/engine/options.ts'
import { type EngineParts, EngineServer } from '../../lib/socketio/engine/server.ts'
import type { EngineSocket } from '../../lib/socketio/engine/socket.ts'
import type { EngineEnd } from '../../lib/socketio/engine/transport.ts'
import { HandClock } from '../support/clock.ts'
import { nextTurn } from '../support/until.ts'

/** The times of the protocol's own test suite. */
export const TIMES = { pingInterval: 300, pingTimeout: 200 } as const

/** One side of a session, as the server sees it. */
export interface Seen {
  readonly socket: EngineSocket
  readonly messages: (string | Uint8Array)[]
  readonly ends: EngineEnd[]
  upgrades: number
}

/** What a request says beside its query. */
export interface Said {
  method?: string
  body?: BodyInit
  headers?: Record<string, string>
  signal?: AbortSignal
  /** What the runtime lends to long polls. */
  hold?: () => void
}

/** An Engine.IO server in memory, whose time is the test's. */
export class World {
  readonly clock = new HandClock()
  readonly server: EngineServer
  readonly seen: Seen[] = []
  readonly failures: unknown[] = []
  readonly refused: string[] = []

  /** Unless told otherwise it sends every message back. */
  constructor(
    options: EngineOptions = {},
    react: (seen: Seen, message: string | Uint8Array) => void = ({ socket }, message) =>
      void socket.send(message),
    parts: Partial<EngineParts> = {},
  ) {
    this.server = new EngineServer(
      { ...TIMES, path: '/engine.io/', ...options },
      {
        clock: this.clock,
        opened: (socket) => {
          const seen: Seen = { socket, messages: [], ends: [], upgrades: 0 }
          this.seen.push(seen)
          return {
            message: (message) => {
              seen.messages.push(message)
              react(seen, message)
            },
            upgraded: () => void seen.upgrades++,
            closed: (end) => void seen.ends.push(end),
          }
        },
        failed: (error) => void this.failures.push(error),
        refused: (error) => void this.refused.push(error),
        ...parts,
      },
    )
  }

  /** The session that began last. */
  get last(): Seen {
    const seen = this.seen.at(-1)
    if (seen === undefined) throw new Error('no session has begun')
    return seen
  }

  async ask(query: string, { hold, ...said }: Said = {}): Promise<Response> {
    const request = new Request(`http://localhost/engine.io/?${query}`, said)
    const answer = await this.server.handle(request, { ip: '::1', hold }, false)
    if (!(answer instanceof Response)) throw new Error('a connection was taken in where none was asked for')
    return answer
  }

  /** Knocks for a WebSocket; the response that refused it, or the client's side of it. */
  async knock(query: string, headers: Record<string, string> = {}): Promise<MemoryClient | Response> {
    const request = new Request(`http://localhost/engine.io/?${query}`, { headers })
    const verdict = await this.server.handle(request, { ip: '::1' }, true)
    if (verdict instanceof Response) return verdict
    const late = verdict.refusal?.()
    return late ?? this.open(verdict)
  }

  open(admission: Admission): MemoryClient {
    const line = memoryLine(admission, { payload: 10_000_000, buffer: 10_000_000 }, undefined)
    line.open()
    return line.client
  }

  async socket(query = 'EIO=4&transport=websocket'): Promise<MemoryClient> {
    const client = await this.knock(query)
    if (client instanceof Response) throw new Error(`refused with ${client.status}: ${await client.text()}`)
    return client
  }

  /** Opens a session by polling; its ID. */
  async begin(): Promise<string> {
    const response = await this.ask('EIO=4&transport=polling')
    expect(response.status).toBe(200)
    return sidOf(await response.text())
  }

  poll(sid: string, said: Said = {}): Promise<Response> {
    return this.ask(`EIO=4&transport=polling&sid=${sid}`, said)
  }

  post(sid: string, body: BodyInit, said: Said = {}): Promise<Response> {
    return this.ask(`EIO=4&transport=polling&sid=${sid}`, { method: 'POST', body, ...said })
  }

  /** Opens a session by polling, and a WebSocket that names it. */
  async beginUpgrade(): Promise<{ sid: string; line: MemoryClient }> {
    const sid = await this.begin()
    return { sid, line: await this.socket(`EIO=4&transport=websocket&sid=${sid}`) }
  }

  /** Opens a session by polling, and goes over to WebSocket. */
  async upgraded(): Promise<{ sid: string; line: MemoryClient }> {
    const both = await this.beginUpgrade()
    both.line.send('2probe')
    both.line.send('5')
    return both
  }

  /** Fails where anything is left of any session, or something failed on the way. */
  expectNothingLeft(): void {
    expect(this.server.size).toBe(0)
    expect(this.clock.pending).toBe(0)
    expect(this.seen.map(({ ends }) => ends.length)).toEqual(this.seen.map(() => 1))
    expect(this.failures).toEqual([])
  }
}

export function sidOf(openPacket: string): string {
  return (JSON.parse(openPacket.slice(1)) as { sid: string }).sid
}

/** The status and the text of an answer. */
export async function told(answer: Response | Promise<Response>): Promise<[number, string]> {
  const response = await answer
  return [response.status, await response.text()]
}

/** Lets happen what only promises hold back. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await nextTurn()
}
