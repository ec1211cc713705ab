import { expect } from 'bun:test'
import type { ConnectOptions, MemoryClient } from '../../lib/runtime/memory.ts'
import type { Started } from './in-memory.ts'

/** What a test needs of a hello, as it was parsed. */
interface Hello {
  sid: string
  recovery?: { token: string; window: number; pos: number }
  recovered?: boolean
  received?: number
}

const JSON_FRAMES = 'partyline.json.v1'

/** A client that chose a subprotocol, written by hand: it gives no positions, and drops nothing that comes twice. */
export class Guest {
  readonly client: MemoryClient
  readonly #one: Pick<Started, 'app'>
  readonly #path: string
  /** Everything before it was looked at already; the first is the hello. */
  #taken = 1

  constructor(one: Pick<Started, 'app'>, path: string, client: MemoryClient) {
    this.#one = one
    this.#path = path
    this.client = client
  }

  /** Knocks; throws where it is refused. */
  static async open(one: Pick<Started, 'app'>, path: string, options: ConnectOptions = {}): Promise<Guest> {
    const client = await one.app.runtime.connect(path, { subprotocols: [JSON_FRAMES], ...options })
    if (client instanceof Response) throw new Error(`refused with ${client.status}`)
    return new Guest(one, path, client)
  }

  get hello(): Hello {
    return (JSON.parse(String(this.client.received[0])) as { hello: Hello }).hello
  }

  /** The latest token that it was told. */
  get token(): string {
    return this.hello.recovery?.token ?? ''
  }

  /** The position at which its session began for it. */
  get begin(): number {
    return this.hello.recovery?.pos ?? 0
  }

  /** What has come after the hello, and was not looked at. */
  frames(): string[] {
    const frames = this.client.received.slice(this.#taken).map(String)
    this.#taken = this.client.received.length
    return frames
  }

  send(...frames: string[]): void {
    for (const frame of frames) this.client.send(frame)
  }

  /** Comes back on another line, having seen everything up to that position. */
  resume(pos: number | string, options: ResumeOptions = {}): Promise<Guest> {
    const { token = this.token, path = this.#path, ...others } = options
    return Guest.open(this.#one, path, { subprotocols: [JSON_FRAMES, resuming(token, pos)], ...others })
  }

  /** Its line breaks, and it comes back. */
  async returns(pos: number): Promise<Guest> {
    this.client.vanish()
    return this.resume(pos)
  }
}

export interface ResumeOptions extends ConnectOptions {
  token?: string
  path?: string
}

/** The subprotocol by which a session is asked for. */
export function resuming(token: string, pos: number | string): string {
  return `partyline.resume.${token}.${pos}`
}

/** Expects that a guest goes on with the session of another. */
export function expectRecovered(guest: Guest, of: Guest): void {
  expect([guest.hello.recovered, guest.hello.sid]).toEqual([true, of.hello.sid])
}

/** Expects that a guest asked for the session of another, and got a new one. */
export function expectNew(guest: Guest, of: Guest): void {
  expect(guest.hello.recovered).toBe(false)
  expect(guest.hello.sid).not.toBe(of.hello.sid)
  expect(guest.hello.received).toBeUndefined()
}
