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
}

/** The answer to the request of that id. */
export interface AckFrame {
  ack: number
  data?: unknown
}

/** What went wrong: with the request of that id, or, without one, with something that nobody waits for. */
export interface FailureFrame {
  ack?: number | undefined
  error: ErrorBody
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
export type Frame = EventFrame | AckFrame | FailureFrame | HelloFrame | PingFrame | PongFrame

/** The frame of an event with these arguments. */
export function eventFrame(event: string, args: readonly unknown[]): EventFrame {
  return args.length === 1 ? { event, data: args[0] } : { event, args }
}

/** The arguments of an event. */
export function argsOf({ data, args }: EventFrame): readonly unknown[] {
  return args ?? (data === undefined ? [] : [data])
}
