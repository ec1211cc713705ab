import { BACKLOG } from '../core/buffer.ts'
import type { Address, Admission, Host, ListenOptions, Runtime } from '../core/connection.ts'
import { refuse } from '../core/refusal.ts'
import type { Payload } from '../protocol/codec.ts'
import { MAX_REQUEST_BODY } from './body.ts'
import { BunLine, type BunSocket } from './bun-line.ts'
import { addressOf, checkPlace, listenFailed, platform } from './listen.ts'
import { onShutdown } from './shutdown.ts'

// The part of Bun's API in use, so that the library's types need none of Bun's.

interface BunServer {
  readonly port?: number
  readonly hostname?: string
  /** HTTP requests that are being handled or answered. */
  readonly pendingRequests: number
  upgrade(request: Request, options: { data: BunLine; headers?: Record<string, string> }): boolean
  requestIP(request: Request): { address: string } | null
  /** In seconds; 0 for none. */
  timeout(request: Request, seconds: number): void
  publish(topic: string, data: Payload): number
  stop(closeActiveConnections?: boolean): Promise<void>
}

interface BunGlobal {
  serve(options: object): BunServer
}

/** The handlers that `Bun.serve` takes as `websocket`. */
export interface BunWebSocketHandler {
  data: BunLine
  open(ws: BunSocket): void
  message(ws: BunSocket, message: Payload): void
  ping(ws: BunSocket): void
  pong(ws: BunSocket): void
  close(ws: BunSocket, code: number, reason: string): void
  maxPayloadLength: number
  backpressureLimit: number
  closeOnBackpressureLimit: boolean
  idleTimeout: number
  sendPings: boolean
  publishToSelf: boolean
  perMessageDeflate: boolean
}

/**
 * Bun pings shortly before this many seconds of silence on both sides, and closes after them. What is sent begins them anew, so
 * it misses nobody who is sent something now and then; `limits.heartbeat` does.
 */
const IDLE_TIMEOUT = 60

/**
 * After so many seconds in which nothing came, an HTTP connection is closed, whether or not a page is being made for it. A body
 * that comes more slowly than 16 KiB a second is nothing. A first request's head has 10 seconds, which nobody can change.
 */
const HTTP_IDLE_TIMEOUT = 30

/** How long to wait before looking again whether all answers have left, in milliseconds. */
const SENT_LOOK = 5

/** Bun's own WebSocket server. */
export class BunRuntime implements Runtime {
  /** For `Bun.serve` by hand, as its `websocket`. */
  readonly websocket: BunWebSocketHandler
  readonly #host: Host
  /** The server that `listen` started. */
  #own: BunServer | undefined
  /** All servers through which connections come in: ours, and those of who calls `Bun.serve`. */
  readonly #servers = new Set<BunServer>()

  constructor(host: Host) {
    this.#host = host
    const { payload, buffer } = host.limits
    this.websocket = {
      data: undefined as never,
      open(ws) {
        ws.binaryType = 'uint8array'
        ws.data.open(ws)
      },
      message({ data: line }, message) {
        line.heard()
        line.handler.message(message)
      },
      ping(ws) {
        ws.data.heard()
      },
      pong(ws) {
        ws.data.heard()
      },
      close(ws, code, reason) {
        ws.data.handler.closed(codeOf(code, reason), reason)
      },
      maxPayloadLength: payload,
      // The session closes a slow client in words, at half of this; beyond, Bun cuts the line without any. What gets here is
      // only what publishes of a single turn add up to.
      backpressureLimit: 2 * BACKLOG * buffer,
      closeOnBackpressureLimit: true,
      idleTimeout: IDLE_TIMEOUT,
      sendPings: true,
      publishToSelf: false,
      // Three to seven times the work, and nothing saved on small messages.
      perMessageDeflate: false,
    }
  }

  /** For `Bun.serve` by hand, as its `fetch`. Resolves to undefined where the connection was taken in. */
  readonly fetch = (
    request: Request,
    server: BunServer,
  ): Response | undefined | Promise<Response | undefined> => {
    this.#servers.add(server)
    let isHeld = false
    const hold = (): void => {
      isHeld = true
      server.timeout(request, 0)
    }
    const ip = server.requestIP(request)?.address ?? ''
    const verdict = this.#host.handle(request, { ip, server, hold })
    if (!(verdict instanceof Promise)) return this.#conclude(verdict, request, server)
    return verdict.then((late) => {
      // The connection is kept for other requests.
      if (isHeld) server.timeout(request, HTTP_IDLE_TIMEOUT)
      return this.#conclude(late, request, server)
    })
  }

  async listen({ port = 3000, hostname = 'localhost', unix }: ListenOptions): Promise<Address> {
    checkPlace({ port, hostname, unix })
    const where = unix === undefined ? { port, hostname } : { unix }
    const { serve } = platform<BunGlobal>('Bun', 'bun run')
    try {
      this.#own = serve({
        ...where,
        fetch: this.fetch,
        websocket: this.websocket,
        // Without these two Bun answers what fails with a page that shows the source.
        development: false,
        error: (error: unknown) => this.#host.failed(error),
        // Outside of development Bun would share a port that is in use, and each would get some of the connections.
        reusePort: false,
        idleTimeout: HTTP_IDLE_TIMEOUT,
        maxRequestBodySize: MAX_REQUEST_BODY,
      })
    } catch (error) {
      throw listenFailed(error, { port, hostname, unix })
    }
    this.#servers.add(this.#own)
    return addressOf({ port: this.#own.port ?? port, hostname, unix })
  }

  async stop(cut: Promise<void>): Promise<void> {
    const server = this.#own
    if (server === undefined) return
    let isCut = false
    void cut.then(() => {
      isCut = true
    })
    // Nobody new comes in, and what is being answered may leave; it resolves too late, when all sockets are gone.
    void server.stop(false)
    while (server.pendingRequests > 0 && !isCut)
      await new Promise((resolve) => setTimeout(resolve, SENT_LOOK))
    await server.stop(true)
  }

  // After all that this turn of the loop has read, so that what many handlers send leaves together.
  defer(task: () => void): void {
    setImmediate(task)
  }

  readonly publish = (topic: string, payload: Payload): void => {
    for (const server of this.#servers) server.publish(topic, payload)
  }

  onShutdown(stop: () => Promise<void>): () => void {
    return onShutdown(stop)
  }

  #conclude(verdict: Response | Admission, request: Request, server: BunServer): Response | undefined {
    if (verdict instanceof Response) return verdict
    const { handler, subprotocol, refusal } = verdict
    const refused = refusal?.()
    if (refused !== undefined) return refused
    // Without the header Bun would answer with the first that the client offers.
    const headers = subprotocol === undefined ? undefined : { 'sec-websocket-protocol': subprotocol }
    const data = new BunLine(handler, subprotocol === undefined)
    try {
      if (asksForUpgrade(request) && server.upgrade(request, { data, headers })) return undefined
    } catch (error) {
      // As of a server of somebody's own that was not given `websocket`.
      return this.#host.failed(error)
    }
    return refuse(400, 'BAD_HANDSHAKE', 'this request cannot become a WebSocket connection')
  }
}

/** RFC 6455, section 4.2.1: Bun itself would do without, and other runtimes do not. */
function asksForUpgrade({ headers }: Request): boolean {
  return /(^|,)\s*upgrade\s*(,|$)/i.test(headers.get('connection') ?? '')
}

/** Bun tells of the closes that it makes itself by their reason only. */
function codeOf(code: number, reason: string): number {
  if (code !== 1006) return code
  if (reason.startsWith('Received too big message')) return 1009
  if (reason.startsWith('Received invalid UTF-8')) return 1007
  return reason.startsWith('Received ') ? 1002 : code
}
