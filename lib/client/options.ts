import { type Clock, systemClock } from '../protocol/clock.ts'
import type { Codec } from '../protocol/codec.ts'
import type { BackoffBounds } from './backoff.ts'
import { clientJson } from './json.ts'
import type { WebSocketClass } from './line.ts'
import type { QueueLimits } from './outbox.ts'

/** Something, or what finds it out each time that a line is made. */
export type Finder<T> = T | (() => T | PromiseLike<T>)

/** Where an error belongs. */
export interface ErrorPlace {
  /** The event, or the change of state, that it has to do with. */
  event?: string | undefined
}

/** How a client behaves. */
export interface ClientOptions {
  /** How frames are written; the gateway has to know it. Default `json()`. */
  codec?: Codec
  /** Who the user is, for the server's `jwt()`: sent as the subprotocol `partyline.bearer.<token>`. */
  token?: Finder<string | null | undefined>
  /** How long to wait before coming back, by chance and longer each time. */
  backoff?: BackoffBounds
  /** How long a call waits for its answer unless it says otherwise, in milliseconds. Default 10,000. */
  timeout?: number
  /** How long an attempt to connect may take, the server's hello included, in milliseconds. Default 10,000. */
  connectTimeout?: number
  /** How much may wait for a line, and for the word that it arrived. */
  queue?: QueueLimits
  /**
   * Hears what nobody else is told: what callbacks threw, which emits the server refused, what arrived and is no frame.
   * Default: `console.error`.
   */
  onError?: (error: unknown, place: ErrorPlace) => void
  /** Default: the machine's time. */
  clock?: Clock
  /** Numbers from 0 to 1, 1 excluded, for the backoff. Default `Math.random`. */
  random?: () => number
  /** What makes connections. Default: the platform's `WebSocket`. */
  WebSocket?: WebSocketClass
}

/** Says that something went wrong. Never throws. */
export type Report = (error: unknown, event?: string) => void

/** The options, with what stands in for those that several parts of a client ask for. */
export interface Settings extends ClientOptions {
  readonly codec: Codec
  /** The codec's own, by which the server knows what to speak. */
  readonly subprotocol: string
  readonly clock: Clock
  readonly WebSocket: WebSocketClass
  readonly report: Report
}

/** @throws TypeError for options with which no connection could ever be made. */
export function settingsFrom(options: ClientOptions): Settings {
  const { codec = clientJson(), clock = systemClock, WebSocket = globalThis.WebSocket } = options
  const { onError = (error: unknown) => console.error(error) } = options
  const { subprotocol } = codec
  if (!subprotocol) throw new TypeError('the codec has no subprotocol')
  if (!WebSocket) throw new TypeError('there is no WebSocket here: give one as the option WebSocket')
  const report: Report = (error, event) => {
    try {
      onError(error, { event })
    } catch {
      // There is nowhere left to say so.
    }
  }
  return { ...options, codec, subprotocol, clock, WebSocket, report }
}
