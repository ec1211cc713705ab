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
 * Asks for the messages of a channel, from now on or from a position on: `broadcast`, `user`, `session`, `group` for all
 * of one's groups, or `group:` with the name of one.
 */
export interface SubscribeFrame {
  subscribe: string
  /** The position of the last message that the client has of this channel. Without it: what is kept comes first. */
  after?: number
  /** As an event's. */
  id?: number
}

/** Asks for no more of them. */
export interface UnsubscribeFrame {
  unsubscribe: string
  /** As an event's. */
  id?: number
}

/** A message for all who have subscribed to a channel. */
export interface PublishFrame {
  publish: string
  data?: unknown
  /** As an event's. */
  id?: number
  /** As an event's. */
  pos?: number
}

/** A message of a channel; or, with `lost`, that there were some up to `at` which are not to be had any more. */
export interface ChannelFrame {
  /** `group:` with its name where it is a group's. */
  channel: string
  /** Bytes are sent as `base64` by codecs that cannot carry them. */
  data?: unknown
  /** In place of `data`: bytes, in base64 (RFC 4648, section 4). */
  base64?: string
  /** Its position in its channel; absent where the message has none. Not one of the session's. */
  at?: number
  lost?: true
}

/** Asks who is in a room, and to be told of each change. */
export interface WatchFrame {
  watch: string
  /** As an event's. */
  id?: number
}

/** Asks to be told no more. */
export interface UnwatchFrame {
  unwatch: string
  /** As an event's. */
  id?: number
}

/** Who came to a room that is watched, whose state is another now, and who left it: their ids. */
export interface PresenceFrame {
  presence: string
  joined?: readonly MemberState[]
  changed?: readonly MemberState[]
  left?: readonly string[]
}

/** Somebody who is in a room. */
export interface MemberState {
  id: string
  /** What the app says of this member. */
  state?: unknown
}

/**
 * Everything that travels, in either direction. Frames are told apart by their members, as on the wire: what the JSON
 * codec parsed is the frame, without a copy.
 */
export type Frame =
  | EventFrame
  | AckFrame
  | FailureFrame
  | HelloFrame
  | PingFrame
  | PongFrame
  | ReceivedFrame
  | RequestFrame
  | ChannelFrame
  | PresenceFrame

/** What a client asks of channels and presence. */
export type RequestFrame = SubscribeFrame | UnsubscribeFrame | PublishFrame | WatchFrame | UnwatchFrame

/** What has a position in a session that can be resumed. */
export type PositionedFrame = EventFrame | AckFrame | FailureFrame | PublishFrame

/** An answer of several values; made by `several`. */
export class Several extends Array<unknown> {}

/**
 * An answer of several values, for a handler to return. Clients of Socket.IO are given them as arguments of their callback; all
 * others get a list.
 *
 * @example
 * ```ts
 * import { Gateway, On, several, type Socket } from 'partyline'
 *
 * @Gateway('/')
 * class Echo {
 *   @On('echo') echo(socket: Socket, ...args: unknown[]) {
 *     return several(...args)
 *   }
 * }
 * ```
 */
export function several(...values: readonly unknown[]): readonly unknown[] {
  return Several.from(values)
}

/** The frame of an event with these arguments. */
export function eventFrame(event: string, args: readonly unknown[]): EventFrame {
  return args.length === 1 ? { event, data: args[0] } : { event, args }
}

/** The arguments of an event. */
export function argsOf({ data, args }: EventFrame): readonly unknown[] {
  return args ?? (data === undefined ? [] : [data])
}
