import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { WebSocketServer } from 'ws'
import type { Address, Admission, Host, ListenOptions, Runtime } from '../core/connection.ts'
import { refuse } from '../core/refusal.ts'
import { PartylineError, withoutTrace } from '../protocol/error.ts'
import { LimitedBody, saysTooLong, tooLong } from './body.ts'
import { addressOf, checkPlace, listenFailed } from './listen.ts'
import { TextFrames } from './node-frame.ts'
import { bodyOf, requestOf, respond } from './node-http.ts'
import { NodeLine } from './node-line.ts'
import { onShutdown } from './shutdown.ts'

// The part of Node's API that callers meet, so that the library's types need none of Node's.

/** A request as node:http hands it out. */
export interface NodeRequest {
  readonly method?: string
  readonly url?: string
}

/** A response as node:http hands it out. */
export interface NodeResponse {
  end(): unknown
}

/** The line of a request that wants to become something else. */
export interface NodeSocket {
  destroy(): unknown
}

/** A server of node:http or node:https. */
export interface NodeServer {
  on(event: 'upgrade', listener: NodeUpgrade): unknown
  listenerCount(event: 'upgrade'): number
}

/** What a server calls where a request wants to become something else. */
export type NodeUpgrade = (request: NodeRequest, socket: NodeSocket, head: Uint8Array) => void

/** What servers for Node that speak the web's, such as Hono's, pass beside a request. */
export interface NodeBindings {
  readonly incoming: { readonly socket: { readonly remoteAddress?: string } }
}

/** Milliseconds without a byte after which an HTTP connection is closed. */
const HTTP_IDLE_TIMEOUT = 30_000

/** How long the head of a request may take, in milliseconds, however much of it has come. */
const HTTP_HEAD_TIMEOUT = 10_000

/** How often node:http looks for those, in milliseconds. */
const HTTP_LOOK = 4_000

/** For how long a client may take to answer a close, in milliseconds. */
const CLOSE_TIMEOUT = 5_000

/** What is loaded when it is first needed, since other runtimes need none of it. */
interface Parts {
  http: typeof import('node:http')
  sockets: WebSocketServer
}

/** node:http, and the package `ws` for WebSockets. */
export class NodeRuntime implements Runtime {
  readonly #host: Host
  readonly #lines = new Set<NodeLine>()
  readonly #frames = new TextFrames()
  #loading: Promise<Parts> | undefined
  #parts: Parts | undefined
  /** The server that `listen` started. */
  #own: Server | undefined
  #isStopping = false

  constructor(host: Host) {
    this.#host = host
  }

  /**
   * Has a server of your own take WebSocket connections in at the paths of the gateways; its HTTP requests stay its own, unless
   * it is given `listener` too. Several apps may be attached: what is at no gateway's path of any is refused with 404. Where
   * others listen for upgrades there too, that is left to them. Rejects where the package `ws` is not installed.
   *
   * @example
   * ```ts
   * import { createServer } from 'node:http'
   * import { createApp, Gateway, NodeRuntime } from 'partyline'
   *
   * @Gateway('/party')
   * class PartyGateway {}
   *
   * const app = createApp(PartyGateway, { runtime: NodeRuntime })
   * const server = createServer((request, response) => response.end('a page of mine'))
   * await app.runtime.attach(server)
   * server.listen(0)
   * ```
   */
  async attach(server: NodeServer): Promise<void> {
    server.on('upgrade', (incoming, socket, head) => {
      this.#upgrade(incoming as IncomingMessage, socket as Socket, head, server.listenerCount('upgrade'))
    })
    await this.#load()
  }

  /** Answers HTTP requests: for `createServer`, or as the last of Express's middleware. Needs no `this`. */
  readonly listener = (request: NodeRequest, response: NodeResponse): void => {
    void this.#serve(request as IncomingMessage, response as ServerResponse, false)
  }

  /** Takes a WebSocket connection in, or refuses it: for the event `upgrade` of a server. Needs no `this`. */
  readonly upgrade = (request: NodeRequest, socket: NodeSocket, head: Uint8Array): void => {
    this.#upgrade(request as IncomingMessage, socket as Socket, head, 1)
  }

  /** Answers an HTTP request, for a server that speaks the web's; WebSocket connections come by `attach`. */
  readonly fetch = async (request: Request, bindings: NodeBindings): Promise<Response> => {
    const ip = bindings.incoming.socket.remoteAddress ?? ''
    return responseOf(await this.#host.handle(request, { ip, server: bindings }))
  }

  async listen({ port = 3000, hostname = 'localhost', unix }: ListenOptions): Promise<Address> {
    checkPlace({ port, hostname, unix })
    const { http } = await this.#load()
    const server = http.createServer({
      connectionsCheckingInterval: HTTP_LOOK,
      headersTimeout: HTTP_HEAD_TIMEOUT,
      keepAliveTimeout: HTTP_IDLE_TIMEOUT,
    })
    server.timeout = HTTP_IDLE_TIMEOUT
    server.on('request', (incoming, outgoing) => void this.#serve(incoming, outgoing, true))
    server.on('upgrade', this.upgrade)
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject)
        server.listen(unix === undefined ? { port, host: hostname } : { path: unix }, resolve)
      })
    } catch (error) {
      const isAstray = unix !== undefined && !(await hasFolder(unix))
      throw listenFailed(isAstray ? { code: 'ENOENT' } : error, { port, hostname, unix })
    }
    server.removeAllListeners('error').on('error', (error) => this.#host.failed(error))
    this.#own = server
    // Of a unix socket it is the path, which has no port.
    const { port: bound = port } = server.address() as { port?: number }
    return addressOf({ port: bound, hostname, unix })
  }

  async stop(cut: Promise<void>): Promise<void> {
    this.#isStopping = true
    const server = this.#own
    const ended = server && new Promise<void>((resolve) => server.close(() => resolve()))
    // A server of somebody else's goes on, and would not end as long as there are lines.
    const gone = [...this.#lines].map((line) => line.gone())
    for (const line of this.#lines) line.finish()
    await Promise.race([Promise.all([ended, ...gone]), cut])
    server?.closeAllConnections()
    for (const line of this.#lines) line.terminate()
    await ended
  }

  // After all that this turn of the loop has read, so that what many handlers send leaves together.
  defer(task: () => void): void {
    setImmediate(task)
  }

  onShutdown(stop: () => Promise<void>): () => void {
    return onShutdown(stop)
  }

  #load(): Promise<Parts> {
    this.#loading ??= load(this.#host.limits.payload).then((parts) => {
      this.#parts = parts
      return parts
    })
    return this.#loading
  }

  async #serve(incoming: IncomingMessage, outgoing: ServerResponse, isOwn: boolean): Promise<void> {
    const aborter = new AbortController()
    outgoing.once('close', () => {
      if (!outgoing.writableFinished) aborter.abort()
      // Else the connection would be kept for another request, which does not come in any more.
      if (this.#isStopping && isOwn) setImmediate(() => this.#own?.closeIdleConnections())
    })
    const { headers, socket } = incoming
    if (isOwn && saysTooLong(headers['content-length'])) return this.#send(outgoing, tooLong())
    const body = bodyOf(incoming)
    const isUnlimited = isOwn && body !== undefined && headers['content-length'] === undefined
    const limited = isUnlimited ? new LimitedBody(body) : undefined
    const request = requestOf(incoming, { body: limited?.stream ?? body, signal: aborter.signal })
    if (request instanceof Response) return this.#send(outgoing, request)
    const { timeout } = socket
    const hold = (): void => void socket.setTimeout(0)
    const peer = { ip: socket.remoteAddress ?? '', server: { incoming, outgoing }, hold }
    const response = responseOf(await this.#host.handle(request, peer))
    // Where it was held: the connection is kept for other requests.
    if (timeout !== undefined && socket.timeout !== timeout) socket.setTimeout(timeout)
    await this.#send(outgoing, limited?.isTooLong ? tooLong() : response)
  }

  async #send(outgoing: ServerResponse, response: Response): Promise<void> {
    try {
      await respond(outgoing, response)
    } catch (error) {
      await respond(outgoing, this.#host.failed(error)).catch(() => outgoing.destroy())
    }
  }

  /** `asked`: how many are asked, this app among them. */
  #upgrade(incoming: IncomingMessage, socket: Socket, head: Uint8Array, asked: number): void {
    // From here on to where ws has it nobody listens, and an error would end the process.
    socket.on('error', destroy)
    if (this.#parts === undefined) {
      const again = (): void => this.#upgrade(incoming, socket, head, asked)
      this.#load().then(again, (error: unknown) => {
        this.#host.failed(error)
        socket.end('HTTP/1.1 500 Internal Server Error\r\nConnection: close\r\n\r\n')
      })
      return
    }
    const request = requestOf(incoming)
    const { remoteAddress = '' } = socket
    const verdict = request instanceof Response ? request : this.#host.handle(request, { ip: remoteAddress })
    const conclude = (verdict: Response | Admission): void => {
      const refusal = verdict instanceof Response ? verdict : verdict.refusal?.()
      if (answered.has(incoming) || (refusal?.status === 404 && !isLast(incoming, asked))) return
      answered.add(incoming)
      if (refusal === undefined) this.#take(verdict as Admission, incoming, socket, head)
      else this.#refuse(refusal, incoming, socket)
    }
    if (verdict instanceof Promise) void verdict.then(conclude)
    else conclude(verdict)
  }

  #refuse(refusal: Response, incoming: IncomingMessage, socket: Socket): void {
    const { http } = this.#parts as Parts
    const outgoing = new http.ServerResponse(incoming)
    outgoing.shouldKeepAlive = false
    outgoing.assignSocket(socket)
    outgoing.once('finish', () => socket.destroySoon())
    void this.#send(outgoing, refusal)
  }

  #take(
    { handler, subprotocol }: Admission,
    incoming: IncomingMessage,
    socket: Socket,
    head: Uint8Array,
  ): void {
    const { sockets } = this.#parts as Parts
    // Of what it finds here ws answers the first.
    if (subprotocol === undefined) delete incoming.headers['sec-websocket-protocol']
    else incoming.headers['sec-websocket-protocol'] = subprotocol
    // The answer, and what is sent at once, in one go.
    socket.cork()
    sockets.handleUpgrade(incoming, socket, head as Buffer, (ws) => {
      const line = new NodeLine(ws, socket, handler, this.#frames, subprotocol === undefined)
      this.#lines.add(line)
      ws.once('close', () => this.#lines.delete(line))
      handler.opened(line)
    })
    socket.uncork()
  }
}

/** The requests that an app has answered: where several are asked, two may have something to say to one. */
const answered = new WeakSet<IncomingMessage>()

/** By how many apps a request was left to others. */
const declined = new WeakMap<IncomingMessage, number>()

/** Whether an app that has no gateway for a request is the last of those who are asked, since the others had none either. */
function isLast(incoming: IncomingMessage, asked: number): boolean {
  const count = (declined.get(incoming) ?? 0) + 1
  declined.set(incoming, count)
  return count >= asked
}

/** @throws PartylineError LISTEN_FAILED where `ws` is not there. */
async function load(payload: number): Promise<Parts> {
  const http = await import('node:http')
  const ws = await import('ws').catch(() => undefined)
  if (ws === undefined) {
    const reason = 'cannot listen: WebSockets on Node need the package ws, which is not there: npm install ws'
    throw withoutTrace(() => new PartylineError('LISTEN_FAILED', reason))
  }
  const options = {
    noServer: true,
    clientTracking: false,
    maxPayload: payload,
    closeTimeout: CLOSE_TIMEOUT,
    // Three to seven times the work, and nothing saved on small messages.
    perMessageDeflate: false,
  }
  return { http, sockets: new ws.WebSocketServer(options) }
}

/** Whether there is a folder for a socket. Of one that is not there Node says that it may not be used. */
async function hasFolder(unix: string): Promise<boolean> {
  const [{ existsSync }, { dirname }] = [await import('node:fs'), await import('node:path')]
  return existsSync(dirname(unix))
}

function destroy(this: Socket): void {
  this.destroy()
}

function responseOf(verdict: Response | Admission): Response {
  if (verdict instanceof Response) return verdict
  return refuse(400, 'BAD_HANDSHAKE', 'this request cannot become a WebSocket connection')
}
