import type { Payload } from '../protocol/codec.ts'
import type { Identity } from '../protocol/identity.ts'

/**
 * A line to one client, as a runtime provides it. Every runtime fills this port, and passes the contract suite in
 * test/contract/runtime.ts.
 */
export interface Connection {
  /**
   * Sends one message. MUST NOT throw, also on a closed connection. Returns false if the message did not leave at
   * once: it was queued, or dropped.
   */
  send(payload: Payload): boolean
  /** Sends several messages, in order, with as few system calls as the runtime can. As `send` otherwise. */
  sendAll(payloads: readonly Payload[]): boolean
  /** Bytes that wait to be sent; 0 on a closed connection. */
  readonly bufferedAmount: number
  /**
   * Starts the closing handshake with a code and a reason. MUST lead to exactly one `closed` of the handler, at once or
   * later. A second call does nothing.
   */
  close(code: number, reason: string): void
  /** Ends the line without a handshake. */
  terminate(): void
  /**
   * For how many calls in a row nothing has come from the other side, control frames included; always 0 where the client
   * chose a subprotocol, and so is pinged in frames. Absent where a runtime cannot ping.
   */
  silence?(): number
  /** Sends a ping of WebSocket itself (RFC 6455, section 5.5.2), which no client's code sees. */
  ping?(): void
  /** Stops reading, so that the client feels it. Absent where a runtime cannot; what was read already still arrives. */
  pause?(): void
  resume?(): void
  /** Native audiences: present on all connections of a runtime that has `publish`, or on none. */
  subscribe?(topic: string): void
  /** What was published before MUST still arrive. */
  unsubscribe?(topic: string): void
  /** Sends to all subscribers of the topic but this one. */
  publish?(topic: string, payload: Payload): void
}

/** What a runtime calls as things happen to a connection. None of it throws. */
export interface ConnectionHandler {
  /** Once, before anything else. */
  opened(connection: Connection): void
  /** A whole message: a string for text, bytes for binary, which the handler may keep. */
  message(message: Payload): void
  /** Once, after everything else. 1006 where there was no close frame. */
  closed(code: number, reason: string): void
}

/** What a runtime knows of who asks. */
export interface Peer {
  /** The address of the other side of the line; empty where there is none, as on unix sockets. */
  ip: string
  /** Who asks, where the runtime knows it by itself, as in tests: then no authenticator is asked. Never from the request. */
  identity?: Identity
  /** What the runtime itself passes to HTTP handlers beside the request, for pages that know it. */
  server?: unknown
  /**
   * Has the request wait for its answer as long as it takes, where the runtime would cut it before. Absent where nothing would.
   */
  hold?(): void
}

/** The decision to take a WebSocket connection in. */
export interface Admission {
  handler: ConnectionHandler
  /** The subprotocol to answer with; undefined to answer with none. */
  subprotocol: string | undefined
  /**
   * Where the decision took time: to be asked right before the connection is taken in, since others may have come, and the
   * app may have begun to go away. A response refuses after all.
   */
  refusal?: () => Response | undefined
}

/** What an app offers to its runtime. */
export interface Host {
  /** Decides about any HTTP request, and never throws: a response, or to take the connection in, which the runtime then MUST do or drop. */
  handle(request: Request, peer: Peer): Response | Admission | Promise<Response | Admission>
  /** Takes note of what went wrong in the runtime with a request, and returns the answer, which tells nothing of it. */
  failed(error: unknown): Response
  /** Bytes. */
  readonly limits: { readonly payload: number; readonly buffer: number }
}

/** Where to listen: a port and host, or a unix socket. */
export interface ListenOptions {
  /** 0 for any free one. Default 3000. */
  port?: number
  /** Default `localhost`. */
  hostname?: string
  /** The path of a unix socket, in place of port and host. */
  unix?: string
}

/** Where an app listens. */
export interface Address {
  port?: number
  hostname?: string
  unix?: string
  /** As a person would type it; for a unix socket, its path. */
  url: string
}

/** What an app asks of the platform that it runs on. */
export interface Runtime {
  /** Starts to listen. Rejects with a `PartylineError` of code LISTEN_FAILED that says what to do about it. */
  listen(options: ListenOptions): Promise<Address>
  /**
   * Ends listening and whatever connection is left; the answers of requests that are on their way may leave until `cut`
   * resolves. A server that somebody else started is theirs, and goes on.
   */
  stop(cut: Promise<void>): Promise<void>
  /** What a server that is started by hand takes, in the runtime's own types; `fetch` needs no `this`. */
  readonly fetch?: unknown
  readonly websocket?: unknown
  /** Runs a task at the end of this turn of the event loop, after all that was read in it was handled. */
  defer(task: () => void): void
  /** Sends to all connections that subscribed to the topic; absent where a runtime cannot. */
  publish?(topic: string, payload: Payload): void
  /** Calls `stop` when the process is asked to end, and ends it afterwards. Returns how to take that back. */
  onShutdown(stop: () => Promise<void>): () => void
}
