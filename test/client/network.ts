import { type Client, type ClientOptions, connect, type Finder } from 'partyline/client'
import { SleepyClock } from './sleepy.ts'

const CONNECTING = 0
const OPEN = 1
const CLOSING = 2
const CLOSED = 3

/** A WebSocket whose other side is a test. */
export class FakeSocket {
  readyState = CONNECTING
  binaryType = 'blob'
  onopen: (() => void) | null = null
  onmessage: ((event: { data: unknown }) => void) | null = null
  onclose: ((event: { code: number; reason: string }) => void) | null = null
  onerror: ((event: { message?: string }) => void) | null = null
  /** What the client sent and nobody has taken yet. */
  #sent: unknown[] = []
  #isFresh = false
  /** What the client said before anything else of what it has, as it does after the hello of a session that goes on. */
  receipt: string | undefined
  /** With what the client closed it; undefined while it has not. */
  closedWith: [code: number | undefined, reason: string | undefined] | undefined

  constructor(
    readonly url: string,
    readonly protocols: string[],
  ) {}

  send(data: unknown): void {
    if (this.readyState === CONNECTING) throw new Error('InvalidStateError: still connecting')
    // So do browsers: what is sent into a closing socket is gone, without a word.
    if (this.readyState !== OPEN) return
    if (this.#isFresh && String(data).startsWith('{"received"')) this.receipt = String(data)
    else this.#sent.push(data)
    this.#isFresh = false
  }

  close(code?: number, reason?: string): void {
    if (code !== undefined && code !== 1000 && (code < 3000 || code > 4999))
      throw new Error(`no code: ${code}`)
    this.closedWith ??= [code, reason]
    this.readyState = CLOSING
  }

  /** Takes what the client sent since it was asked last. */
  sent(): unknown[] {
    return this.#sent.splice(0)
  }

  /** The handshake succeeds, and the server says these. */
  open(...frames: string[]): void {
    this.readyState = OPEN
    this.#isFresh = frames.some((frame) => frame.includes('"recovered":true'))
    this.onopen?.()
    this.say(...frames)
  }

  say(...messages: (string | ArrayBuffer)[]): void {
    for (const data of messages) this.onmessage?.({ data })
  }

  /** The server begins to close: nothing that is sent now will arrive. */
  closing(): void {
    this.readyState = CLOSING
  }

  /** It is over, by the server's close frame or, with 1006, without one. */
  end(code: number, reason = ''): void {
    this.readyState = CLOSED
    this.onclose?.({ code, reason })
  }

  /** The handshake fails, as in a browser. */
  refuse(): void {
    this.readyState = CLOSED
    this.onerror?.({})
    this.onclose?.({ code: 1006, reason: '' })
  }
}

/** Everything that a client's network is, in a test's hands. */
export class Network {
  readonly clock = new SleepyClock()
  readonly sockets: FakeSocket[] = []
  /** What the client reported, with the event that it had to do with. */
  readonly errors: [error: unknown, event?: string | undefined][] = []
  /** The changes of state, as they were told. */
  readonly told: unknown[][] = []
  readonly client: Client

  constructor(options: ClientOptions = {}, url: Finder<string | URL> = 'ws://party.example/party') {
    const { sockets } = this
    this.client = connect(url, {
      clock: this.clock,
      random: () => 0.5,
      onError: (error, { event }) => this.errors.push(event === undefined ? [error] : [error, event]),
      WebSocket: class extends FakeSocket {
        constructor(url: string, protocols: string[]) {
          super(url, protocols)
          sockets.push(this)
        }
      },
      ...options,
    })
    this.client
      .when('open', (beginning) => this.told.push(['open', beginning]))
      .when('reconnecting', (attempt) => this.told.push(['reconnecting', attempt]))
      .when('suspended', () => this.told.push(['suspended']))
      .when('closed', (reason) => this.told.push(['closed', reason]))
  }

  /** The connection that was made last. */
  get line(): FakeSocket {
    return this.sockets.at(-1) as FakeSocket
  }

  /** Opens the connection that was made last, with a hello. */
  open(hello: string = HELLO, ...frames: string[]): this {
    this.line.open(hello, ...frames)
    return this
  }

  /** Lets the connection break, and waits until the next is made. */
  cut(): this {
    this.line.end(1006)
    return this.redial()
  }

  /** Lets the time of the backoff pass. */
  redial(): this {
    const { length } = this.sockets
    for (let i = 0; i < 400 && this.sockets.length === length; i++) this.clock.advance(100)
    if (this.sockets.length === length) throw new Error('the client does not come back')
    return this
  }
}

/** The hello of a server without recovery. */
export const HELLO = '{"hello":{"sid":"s1","heartbeat":25000}}'

/** The first hello of a server with recovery, whose log is at that position. */
export const RESUMABLE =
  '{"hello":{"sid":"s1","heartbeat":25000,"recovery":{"token":"t1","window":120000,"pos":100}}}'

/** The hello of a session that goes on. */
export function resumed(received: number, token = 't2'): string {
  return `{"hello":{"sid":"s1","heartbeat":25000,"recovery":{"token":"${token}","window":120000,"pos":100},"recovered":true,"received":${received}}}`
}

/** The hello of a session that begins anew, though the client asked for the one before. */
export const NOT_RECOVERED =
  '{"hello":{"sid":"s2","heartbeat":25000,"recovery":{"token":"t9","window":120000,"pos":500},"recovered":false}}'

/** How a promise stands: what it came to, or that it waits. */
export function outcomeOf(promise: Promise<unknown>): Promise<unknown> {
  const waiting = new Promise((resolve) => setImmediate(() => resolve('waits')))
  return Promise.race([
    promise.then(
      (value) => ({ value }),
      (error: unknown) => (error instanceof Error && 'code' in error ? { code: error.code } : { error }),
    ),
    waiting,
  ])
}
