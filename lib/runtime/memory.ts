import type {
  Address,
  Admission,
  Connection,
  ConnectionHandler,
  Host,
  ListenOptions,
  Peer,
  Runtime,
} from '../core/connection.ts'
import type { CloseReason } from '../protocol/close.ts'
import { closeCodes } from '../protocol/close.ts'
import type { Payload } from '../protocol/codec.ts'

/** How a client in memory introduces itself. */
export interface ConnectOptions extends Partial<Peer> {
  headers?: Record<string, string>
  /** Offered in this order. */
  subprotocols?: readonly string[]
}

/** The other side of a connection in memory. What it is sent stands in `received`, in order. */
export class MemoryClient {
  /** What has arrived, oldest first. */
  readonly received: Payload[] = []
  /** The subprotocol that the server chose. */
  readonly subprotocol: string | undefined
  /** How the connection ended; undefined while it lives. */
  closed: CloseReason | undefined
  readonly #line: MemoryConnection

  constructor(line: MemoryConnection, subprotocol: string | undefined) {
    this.#line = line
    this.subprotocol = subprotocol
  }

  /** Sends a message to the server, which handles it before this returns unless it has stopped reading. */
  send(payload: Payload): void {
    this.#line.fromClient(payload)
  }

  /** Stops or goes on reading; meanwhile what is sent waits on the server's side. */
  set reading(reading: boolean) {
    this.#line.setReading(reading)
  }

  /** Closes as a client does: the server sees it after what was sent before. */
  close(code: number = closeCodes.normal.code, reason = ''): void {
    this.#line.closeFromClient(code, reason)
  }

  /** Ends without a close frame, as a lost line does. */
  vanish(): void {
    this.#line.end(1006, '')
  }
}

/** A line within the process. */
class MemoryConnection implements Connection {
  readonly client: MemoryClient
  readonly #handler: ConnectionHandler
  readonly #limits: Host['limits']
  /** Sent by the server, not read by the client. */
  readonly #outgoing: Payload[] = []
  /** Sent by the client, not read by the server; the last may be its close. */
  readonly #incoming: (Payload | CloseReason)[] = []
  #clientReads = true
  #serverReads = true
  #clientCloses = false
  #isOpen = true
  /** Called once, when the line has ended. */
  onEnd: () => void = () => {}

  constructor({ handler, subprotocol }: Admission, limits: Host['limits']) {
    this.#handler = handler
    this.#limits = limits
    this.client = new MemoryClient(this, subprotocol)
  }

  get bufferedAmount(): number {
    return this.#outgoing.reduce((sum, payload) => sum + sizeOf(payload), 0)
  }

  send(payload: Payload): boolean {
    if (!this.#isOpen) return false
    if (this.#clientReads) {
      this.client.received.push(payload)
      return true
    }
    this.#outgoing.push(payload)
    return false
  }

  sendAll(payloads: readonly Payload[]): boolean {
    return payloads.map((payload) => this.send(payload)).every((left) => left)
  }

  close(code: number, reason: string): void {
    this.end(code, reason)
  }

  terminate(): void {
    this.end(1006, '')
  }

  pause(): void {
    this.#serverReads = false
  }

  resume(): void {
    this.#serverReads = true
    // As on a network, what was held back comes later, not within the call.
    queueMicrotask(() => {
      while (this.#serverReads && this.#incoming.length > 0)
        this.#read(this.#incoming.shift() as Payload | CloseReason)
    })
  }

  setReading(reading: boolean): void {
    this.#clientReads = reading
    if (reading) this.client.received.push(...this.#outgoing.splice(0))
  }

  fromClient(payload: Payload): void {
    if (!this.#isOpen || this.#clientCloses) return
    if (sizeOf(payload) > this.#limits.payload) this.end(closeCodes.tooBig.code, 'message too big')
    else this.#arrive(payload)
  }

  closeFromClient(code: number, reason: string): void {
    if (!this.#isOpen || this.#clientCloses) return
    this.#clientCloses = true
    this.#arrive({ code, reason })
  }

  end(code: number, reason: string): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    this.onEnd()
    this.#outgoing.length = 0
    this.#incoming.length = 0
    this.client.closed = { code, reason }
    this.#handler.closed(code, reason)
  }

  open(): void {
    this.#handler.opened(this)
  }

  #arrive(one: Payload | CloseReason): void {
    if (this.#serverReads && this.#incoming.length === 0) this.#read(one)
    else this.#incoming.push(one)
  }

  #read(one: Payload | CloseReason): void {
    if (typeof one === 'string' || one instanceof Uint8Array) this.#handler.message(one)
    else this.end(one.code, one.reason)
  }
}

/** The same app without a network: for tests, which then need no ports and no waiting. */
export class MemoryRuntime implements Runtime {
  readonly #host: Host
  readonly #lines = new Set<MemoryConnection>()
  #listening = true

  constructor(host: Host) {
    this.#host = host
  }

  /** Knocks at a path, with its query; resolves to a client, or to the response that refused it. */
  async connect(
    path: string,
    { headers = {}, subprotocols = [], ip = '127.0.0.1' }: ConnectOptions = {},
  ): Promise<MemoryClient | Response> {
    const request = new Request(`http://localhost${path}`, {
      headers: {
        upgrade: 'websocket',
        connection: 'Upgrade',
        'sec-websocket-version': '13',
        'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
        ...(subprotocols.length > 0 && { 'sec-websocket-protocol': subprotocols.join(', ') }),
        ...headers,
      },
    })
    const verdict = await this.#handle(request, { ip })
    if (verdict instanceof Response) return verdict
    const refused = verdict.refusal?.()
    if (refused !== undefined) return refused
    const line = new MemoryConnection(verdict, this.#host.limits)
    this.#lines.add(line)
    line.onEnd = () => this.#lines.delete(line)
    line.open()
    return line.client
  }

  /** Answers an HTTP request. */
  readonly fetch = async (request: Request): Promise<Response> => {
    const verdict = await this.#handle(request, { ip: '127.0.0.1' })
    if (verdict instanceof Response) return verdict
    return verdict.refusal?.() ?? new Response(null, { status: 400 })
  }

  async listen(_: ListenOptions): Promise<Address> {
    return { url: 'memory:' }
  }

  async stop(): Promise<void> {
    this.#listening = false
    for (const line of this.#lines) line.terminate()
  }

  defer(task: () => void): void {
    queueMicrotask(task)
  }

  onShutdown(): () => void {
    return () => {}
  }

  async #handle(request: Request, peer: Peer): Promise<Response | Admission> {
    if (!this.#listening) throw new Error('nobody listens: the app was stopped')
    return this.#host.handle(request, peer)
  }
}

function sizeOf(payload: Payload): number {
  return typeof payload === 'string' ? new TextEncoder().encode(payload).length : payload.byteLength
}
