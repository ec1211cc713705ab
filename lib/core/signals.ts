import type { SignalName } from '../decorators/signal.ts'
import type { CloseReason } from '../protocol/close.ts'
import type { SocketEvent } from './event.ts'
import type { Listeners } from './listeners.ts'
import type { Socket } from './socket.ts'

/** What listeners of each signal get. They are methods, so that a listener may say what `data` its sockets have. */
export interface SignalListeners {
  /** A socket has arrived; before the gateway's `@OnOpen`. */
  connected(socket: Socket): unknown
  /** A socket has gone; after the gateway's `@OnClose`. */
  disconnected(socket: Socket, reason: CloseReason): unknown
  /** A message has arrived: on a raw gateway, or as the event `message`. */
  message(socket: Socket, message: unknown): unknown
  /** An event has arrived; before the gateway's handlers. */
  event(socket: Socket, event: SocketEvent): unknown
}

/**
 * What happens on all gateways of an app, for services that want to know: audit trails, statistics, presence. Inject
 * it, or tag a provider's methods with `@OnSignal`. Listeners run in the order in which they came; one that fails is
 * logged and disturbs nobody.
 *
 * @example
 * ```ts
 * import { Injectable, Signals } from 'partyline'
 *
 * @Injectable()
 * class Counter {
 *   events = 0
 *
 *   constructor(signals: Signals) {
 *     signals.on('event', () => this.events++)
 *     signals.on('event', 'join', (socket, event) => console.log(socket.id, event.data))
 *   }
 * }
 * ```
 */
export class Signals {
  readonly #listeners: Listeners

  constructor(listeners: Listeners) {
    this.#listeners = listeners
  }

  /** Listens; returns how to stop. With an event's name, only to that event, after the general listeners. */
  on<S extends SignalName>(signal: S, listener: SignalListeners[S]): () => void
  on(signal: 'event', event: string, listener: SignalListeners['event']): () => void
  on(signal: SignalName, ...rest: [unknown] | [string, unknown]): () => void {
    const [event, listener] = rest.length === 2 ? rest : [undefined, rest[0]]
    return this.#listeners.listen({ signal, event }, listener as () => unknown)
  }
}
