import type { ErrorBody } from './error.ts'

/** An event, or a request if it has an `id`. */
export interface EventFrame {
  type: 'event'
  event: string
  args: unknown[]
  /** Chosen by the sender, a non-negative integer; present where an ack is wanted. */
  id?: number | undefined
}

/** The answer to the request of that id. */
export interface AckFrame {
  type: 'ack'
  id: number
  data: unknown
}

/** What went wrong with the request of that id; `id` is null where nothing was requested. */
export interface FailureFrame {
  type: 'failure'
  id: number | null
  error: ErrorBody
}

/** The first frame to a client that chose a subprotocol. */
export interface HelloFrame {
  type: 'hello'
  hello: Hello
}

/** What a client learns about its session. */
export interface Hello {
  /** The socket's id. */
  sid: string
  /** The server pings after this many milliseconds of silence; twice as long without a frame means a dead line. */
  heartbeat: number
}

export interface PingFrame {
  type: 'ping'
  value: number
}

export interface PongFrame {
  type: 'pong'
  value: number
}

/** Everything that travels, in either direction. */
export type Frame = EventFrame | AckFrame | FailureFrame | HelloFrame | PingFrame | PongFrame
