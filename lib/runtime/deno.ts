import type {
  Address,
  Admission,
  Connection,
  ConnectionHandler,
  Host,
  ListenOptions,
  Runtime,
} from '../core/connection.ts'
import { noUrl, refuse } from '../core/refusal.ts'
import type { CloseReason } from '../protocol/close.ts'
import type { Payload } from '../protocol/codec.ts'
import { LimitedBody, saysTooLong, tooLong } from './body.ts'
import { fitting } from './close-reason.ts'
import { addressOf, checkPlace, listenFailed, platform } from './listen.ts'
import { onShutdown } from './shutdown.ts'

// The part of Deno's API in use, so that the library's types need none of Deno's.

interface DenoSocket {
  onopen: (() => void) | null
  onmessage: ((event: { data: string | ArrayBuffer }) => void) | null
  onerror: ((event: { message?: string }) => void) | null
  onclose: ((event: { code: number; reason: string }) => void) | null
  readonly bufferedAmount: number
  send(data: Payload): void
  close(code: number, reason: string): void
}

interface DenoServer {
  readonly addr: { readonly port?: number }
  shutdown(): Promise<void>
}

interface DenoGlobal {
  serve(options: object): DenoServer
  upgradeWebSocket(request: Request, options: object): { socket: DenoSocket; response: Response }
}

/** What `Deno.serve` passes to its handler beside the request. */
export interface DenoServeInfo {
  readonly remoteAddr: { readonly hostname?: string }
}

/** Seconds: Deno pings after half of them without a message, and closes after the other half. */
const IDLE_TIMEOUT = 60

/** For how long a line may be about to open, in milliseconds: of a client that is gone by then Deno says nothing. */
const OPENING = 2_000

/** How long Deno is given to write the last close frames before its server ends, in milliseconds. */
const LAST_WORDS = 10

/** A WebSocket of Deno's, as a connection. It cannot pause or ping, and cannot be cut off: only closed. */
class DenoLine implements Connection {
  readonly #socket: DenoSocket
  readonly #handler: ConnectionHandler
  readonly #limit: number
  /** What was sent before Deno had opened the line; undefined from then on. */
  #early: Payload[] | undefined = []
  #opening: ReturnType<typeof setTimeout> | undefined
  /** With what Deno is to close it, where nobody says. */
  #farewell: CloseReason = { code: 1001, reason: '' }
  #isClosed = false
  /** The close code for what went wrong, of which Deno names none. */
  #fault: number | undefined

  constructor(socket: DenoSocket, handler: ConnectionHandler, limit: number) {
    this.#socket = socket
    this.#handler = handler
    this.#limit = limit
    socket.onopen = () => this.#opened()
    socket.onmessage = ({ data }) => this.#message(data)
    socket.onerror = ({ message = '' }) => {
      this.#fault = codeOf(message)
      if (this.#early !== undefined) this.#end(this.#fault, message)
    }
    // 0 stands for no close frame.
    socket.onclose = ({ code, reason }) => this.#end(this.#fault ?? (code || 1006), reason)
  }

  /** Begins before Deno has opened the line: whoever is let in counts from then on. */
  begin(): void {
    this.#opening = setTimeout(() => this.#end(1006, ''), OPENING)
    this.#handler.opened(this)
  }

  get bufferedAmount(): number {
    return this.#isClosed ? 0 : this.#socket.bufferedAmount
  }

  // Deno writes it later, also where the line is free.
  send(payload: Payload): boolean {
    if (this.#early !== undefined) this.#early.push(payload)
    else if (!this.#isClosed) this.#socket.send(payload)
    return false
  }

  // Each in a write of its own: Deno has nothing to put them together with.
  sendAll(payloads: readonly Payload[]): boolean {
    for (const payload of payloads) this.send(payload)
    return false
  }

  close(code: number, reason: string): void {
    if (this.#isClosed) return
    this.#farewell = { code, reason: fitting(reason) }
    if (this.#early === undefined) this.#sayFarewell()
    this.#end(code, reason)
  }

  terminate(): void {
    if (this.#isClosed) return
    if (this.#early === undefined) this.#sayFarewell()
    this.#end(1006, '')
  }

  #opened(): void {
    clearTimeout(this.#opening)
    const early = this.#early ?? []
    this.#early = undefined
    for (const payload of early) this.#socket.send(payload)
    if (this.#isClosed) this.#sayFarewell()
  }

  /** Where more has been read already, Deno would cut the line in place of closing it: that has to come out first. */
  #sayFarewell(): void {
    const { code, reason } = this.#farewell
    setImmediate(() => this.#socket.close(code, reason))
  }

  #message(data: string | ArrayBuffer): void {
    if (this.#isClosed) return
    if (isLarger(data, this.#limit)) this.close(1009, 'message too big')
    else this.#handler.message(typeof data === 'string' ? data : new Uint8Array(data))
  }

  /** Tells the handler, once. */
  #end(code: number, reason: string): void {
    if (this.#isClosed) return
    this.#isClosed = true
    clearTimeout(this.#opening)
    this.#handler.closed(code, reason)
  }
}

/** Deno's own server. */
export class DenoRuntime implements Runtime {
  readonly #host: Host
  /** The server that `listen` started. */
  #own: DenoServer | undefined

  constructor(host: Host) {
    this.#host = host
  }

  /** For `Deno.serve` by hand, as its handler. */
  readonly fetch = (request: Request, info: DenoServeInfo): Response | Promise<Response> => {
    // In the url Deno puts another in its place.
    if (request.headers.get('host') === '') return noUrl()
    const verdict = this.#host.handle(request, { ip: info.remoteAddr.hostname ?? '', server: info })
    if (verdict instanceof Promise) return verdict.then((late) => this.#conclude(late, request))
    return this.#conclude(verdict, request)
  }

  async listen({ port = 3000, hostname = 'localhost', unix }: ListenOptions): Promise<Address> {
    checkPlace({ port, hostname, unix })
    const where = unix === undefined ? { port, hostname } : { path: unix }
    const { serve } = platform<DenoGlobal>('Deno', 'deno run --allow-net')
    try {
      this.#own = serve({
        ...where,
        handler: (request: Request, info: DenoServeInfo) => this.#serve(request, info),
        onError: (error: unknown) => this.#host.failed(error),
        // Else Deno says where it listens, as the app does.
        onListen: () => {},
      })
    } catch (error) {
      throw listenFailed(error, { port, hostname, unix })
    }
    return addressOf({ port: this.#own.addr.port ?? port, hostname, unix })
  }

  async stop(cut: Promise<void>): Promise<void> {
    const server = this.#own
    if (server === undefined) return
    await new Promise((resolve) => setTimeout(resolve, LAST_WORDS))
    // What is being answered leaves, and lines whose clients have not closed their side are ended. Where somebody does not read
    // that takes until they have gone, and Deno has no way to cut it short.
    await Promise.race([server.shutdown(), cut])
  }

  // After all that this turn of the loop has read, so that what many handlers send leaves together.
  defer(task: () => void): void {
    setImmediate(task)
  }

  onShutdown(stop: () => Promise<void>): () => void {
    return onShutdown(stop)
  }

  /** On our own server bodies have a limit, which Deno has not. */
  #serve(request: Request, info: DenoServeInfo): Response | Promise<Response> {
    const { url, method, headers, body } = request
    // Of `get`, which is no GET, Deno says that it has a body, and would make a GET of it, which can have none.
    if (body === null || /^(get|head)$/i.test(method)) return this.fetch(request, info)
    if (saysTooLong(headers.get('content-length'))) return tooLong()
    if (headers.has('content-length')) return this.fetch(request, info)
    const limited = new LimitedBody(body)
    // Made of the request itself, it would ask for the signal, of which Deno warns. `duplex` is unknown to the web's types.
    const init = { method, headers, body: limited.stream, duplex: 'half' }
    const response = this.fetch(new Request(url, init), info)
    return Promise.resolve(response).then((response) => (limited.isTooLong ? tooLong() : response))
  }

  #conclude(verdict: Response | Admission, request: Request): Response {
    if (verdict instanceof Response) return this.#checked(verdict)
    const { handler, subprotocol, refusal } = verdict
    const refused = refusal?.()
    if (refused !== undefined) return refused
    try {
      const { Deno } = globalThis as unknown as { Deno: DenoGlobal }
      const { socket, response } = Deno.upgradeWebSocket(request, { idleTimeout: IDLE_TIMEOUT })
      // Deno itself finds it in what is offered only where the commas have spaces behind them.
      if (subprotocol !== undefined) response.headers.set('sec-websocket-protocol', subprotocol)
      new DenoLine(socket, handler, this.#host.limits.payload).begin()
      return response
    } catch {
      return refuse(400, 'BAD_HANDSHAKE', 'this request cannot become a WebSocket connection')
    }
  }

  /** Where a response was used already Deno may end the process, in place of asking `onError`. */
  #checked(response: Response): Response {
    if (!response.bodyUsed) return response
    return this.#host.failed(new TypeError('the body of the response was used already'))
  }
}

/** The close code that a broken frame stands for, by Deno's words; 1006 where the line broke. */
function codeOf(fault: string): number {
  if (fault === 'Invalid UTF-8') return 1007
  if (fault === 'Frame too large') return 1009
  return /^(Invalid|Reserved bits|Control frame|Ping frame)/.test(fault) ? 1002 : 1006
}

/** Whether a message has more bytes than that. */
function isLarger(data: string | ArrayBuffer, limit: number): boolean {
  if (typeof data !== 'string') return data.byteLength > limit
  // A character of a string is one to three bytes; almost no message is near the limit.
  if (data.length * 3 <= limit) return false
  return data.length > limit || new TextEncoder().encode(data).length > limit
}
