import type { ErrorBody } from './error.ts'

/**
 * An event, or a request if it has an `id`. With exactly one argument it has `data`; with none or several, `args`. An
 * undefined `data` without `args` is no argument.
 */
export interface EventFrame {
  event: string
  data?: unknown
  args?: readonly unknown[]
  /** Chosen by the sender, a non-negative integer; present where an ack is wanted. */
  id?: number
  /** In a session that can be resumed: where it stands in what its sender sent. */
  pos?: number
}

/** The answer to the request of that id. */
export interface AckFrame {
  ack: number
  data?: unknown
  /** As an event's. */
  pos?: number
}

/** What went wrong: with the request of that id, or, without one, with something that nobody waits for. */
export interface FailureFrame {
  ack?: number | undefined
  error: ErrorBody
  /** As an event's. */
  pos?: number
}

/** The first frame to a client that chose a subprotocol. */
export interface HelloFrame {
  hello: Hello
}

/** What a client learns about its session. */
export interface Hello {
  /** The socket's id. */
  sid: string
  /**
   * Milliseconds. The server looks this often, pings a client that was silent for one to two of them, and gives it up
   * after three to four.
   */
  heartbeat: number
  /** Where the session can be resumed: by what. */
  recovery?: RecoveryTerms
  /** Present where the client asked to resume a session: whether this is that session, with all that it missed to follow. */
  recovered?: boolean
  /** Where it is: the last position of the client's that the server has. */
  received?: number
}

/** How a session can be resumed after its line broke. */
export interface RecoveryTerms {
  /** To be shown when resuming; every hello brings a new one. */
  token: string
  /** For how many milliseconds the session waits for its client. */
  window: number
  /** The position after which the session begins, or goes on. */
  pos: number
}

/** What arrived: everything up to that position. The other side need not keep it any more. */
export interface ReceivedFrame {
  received: number
}

export interface PingFrame {
  ping: number
}

export interface PongFrame {
  pong: number
}

/**
 * Everything that travels, in either direction. Frames are told apart by their members, as on the wire: what the JSON
 * codec parsed is the frame, without a copy.
 */
export type Frame = EventFrame | AckFrame | FailureFrame | HelloFrame | PingFrame | PongFrame | ReceivedFrame

/** What has a position in a session that can be resumed. */
export type PositionedFrame = EventFrame | AckFrame | FailureFrame

/** The frame of an event with these arguments. */
export function eventFrame(event: string, args: readonly unknown[]): EventFrame {
  return args.length === 1 ? { event, data: args[0] } : { event, args }
}

/** The arguments of an event. */
export function argsOf({ data, args }: EventFrame): readonly unknown[] {
  return args ?? (data === undefined ? [] : [data])
}
