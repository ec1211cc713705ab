import type { Codec } from '../protocol/codec.ts'
import type { PositionedFrame } from '../protocol/frame.ts'
import type { Clock } from './clock.ts'
import type { Admission, ConnectionHandler, Peer } from './connection.ts'
import type { Limits } from './limits.ts'
import type { Logger } from './logger.ts'
import type { Refused } from './refusal.ts'
import type { Counters } from './stats.ts'

/**
 * Another protocol than this framework's own, by which clients reach the same gateways: with requests, connections and messages of
 * its own. It is an option of the app.
 */
export interface DialectFactory {
  readonly name: string
  /** How many bytes a message may have that comes by it. */
  readonly payload: number
  /** What is wrong with its options, in words. */
  readonly problems: readonly string[]
  /** Its codec for a gateway. Asked once for each, at boot. Absent where it has nothing to do with gateways. */
  codec?(place: DialectPlace): DialectCodec
  /** Begins to serve. Asked once, after the codecs. */
  open(host: DialectHost): Dialect
}

/** A gateway that is to be spoken with. */
export interface DialectPlace {
  /** With the app's prefix, normalised. */
  readonly path: string
  /** Whether the path has no parameters. */
  readonly isFixed: boolean
  /** How deep what comes may be nested. */
  readonly depth: number
  /** Whether its sessions can be resumed. */
  readonly recovers: boolean
  /** Whether its positions are those of an order that several nodes share, so that they outlive this process. */
  readonly isShared: boolean
}

/**
 * The codec of a dialect. Its sessions begin with the hello, as those do that chose a subprotocol, are never pinged in frames, and
 * stand on connections without native audiences: what is published goes to each of them.
 */
export interface DialectCodec extends Codec {
  readonly subprotocol?: undefined
  /** What it is called among nodes: no other codec of the gateway is called so. */
  readonly name: string
  /** Whether its sessions can be resumed, and say so in the hello. Their token stays the same from line to line. */
  readonly resumes: boolean
  /**
   * Whether a client can tell up to where it has what is sent. What it cannot tell of has no position: it is sent now, or never.
   */
  keeps(frame: PositionedFrame): boolean
}

/** Whether a codec is a dialect's. */
export function isDialects(codec: Codec): codec is DialectCodec {
  return 'keeps' in codec
}

/** A dialect that serves. Nothing of it throws or rejects. */
export interface Dialect {
  /** Whether a path of the url is its own; asked before gateways are looked for. */
  serves(path: string): boolean
  /**
   * Answers a request to a path that it serves, or takes the connection in.
   *
   * @param peer whose address is the one that the app believes
   * @param upgrade whether it asks for a WebSocket, by a handshake that is right, from a page that may
   */
  handle(
    request: Request,
    url: URL,
    peer: Peer,
    upgrade: boolean,
  ): Response | Admission | Promise<Response | Admission>
  /** The app goes away: sessions are closed one by one from now on. */
  drain(): void
  /** Ends what is left. */
  stop(): Promise<void>
}

/** Who knocks at a gateway. */
export interface Knock {
  /** The path that is asked for, as of a url. */
  readonly path: string
  /** The url of the request with which the connection began, with what the client added to its search. */
  readonly url: string
  readonly headers: Headers
  readonly ip: string
  /** What the client says of itself: `handshake.auth`. */
  readonly auth: unknown
  /** The session that it asks for, and the last position that it has; undefined where it has nothing of that session's. */
  readonly resume: { readonly token: string; readonly pos: number | undefined } | undefined
}

/** Somebody is let in. */
export interface Welcome {
  /** The path of the gateway, as its codec was asked for. */
  readonly path: string
  /** To be told of a connection at once: its first frame is the hello, or a close. */
  readonly handler: ConnectionHandler
  /** To be asked right before that, where the decision took time: others may have come. */
  readonly refusal?: () => Refused | undefined
}

export type { Refused }

/** `unknown`: there is no such gateway. */
export type Verdict = Welcome | Refused | 'unknown'

/** What an app offers to a dialect. */
export interface DialectHost {
  readonly limits: Limits
  readonly clock: Clock
  readonly logger: Logger
  count(what: keyof Counters): void
  /** Tells the log and the app's `onError` of what no client is told. */
  report(error: unknown, message: string): void
  /** Why nobody is taken in from an address now, if so. */
  crowded(ip: string): Refused | undefined
  /**
   * Counts somebody as connected who is at no gateway: those who are count by themselves. What it returns ends that, and MUST be
   * called before `knock` and `Welcome.refusal`, which ask whether there is room.
   */
  expect(ip: string): () => void
  /**
   * Asks authenticators and guards. Never throws or rejects. Who asks for channels in its url is refused: what dialects carry is
   * events.
   */
  knock(knock: Knock): Verdict | Promise<Verdict>
}
