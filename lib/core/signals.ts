import type { SignalName } from '../decorators/signal.ts'
import type { CloseReason } from '../protocol/close.ts'
import type { SocketEvent } from './event.ts'
import type { Logger } from './logger.ts'
import type { Socket } from './socket.ts'

/** What listeners of each signal get. */
export interface SignalListeners {
  /** A socket has arrived; before the gateway's `@OnOpen`. */
  connected: (socket: Socket) => unknown
  /** A socket has gone; after the gateway's `@OnClose`. */
  disconnected: (socket: Socket, reason: CloseReason) => unknown
  /** A message has arrived: on a raw gateway, or as the event `message`. */
  message: (socket: Socket, message: unknown) => unknown
  /** An event has arrived; before the gateway's handlers. */
  event: (socket: Socket, event: SocketEvent) => unknown
}

interface Listener {
  readonly run: (...args: never[]) => unknown
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
  /** Lists are replaced, never changed: who comes or goes while a signal is told makes no difference to it. */
  readonly #listeners = new Map<string, readonly Listener[]>()
  readonly #logger: Logger

  constructor(logger: Logger) {
    this.#logger = logger
  }

  /** Listens; returns how to stop. With an event's name, only to that event, after the general listeners. */
  on<S extends SignalName>(signal: S, listener: SignalListeners[S]): () => void
  on(signal: 'event', event: string, listener: SignalListeners['event']): () => void
  on(signal: SignalName, ...rest: [unknown] | [string, unknown]): () => void {
    const [event, listener] = rest.length === 2 ? rest : [undefined, rest[0]]
    return this.listen({ signal, event }, listener as () => unknown)
  }

  /** As `on`, for what decorators declared. */
  listen(
    { signal, event }: { signal: string; event: string | undefined },
    listener: (...args: never[]) => unknown,
  ): () => void {
    const key = event === undefined ? signal : byName(event)
    // The same function may listen twice, and stop once.
    const own: Listener = { run: listener }
    this.#listeners.set(key, [...(this.#listeners.get(key) ?? []), own])
    return () => {
      const others = (this.#listeners.get(key) ?? []).filter((one) => one !== own)
      if (others.length > 0) this.#listeners.set(key, others)
      else this.#listeners.delete(key)
    }
  }

  /** Whether anybody listens to anything; while nobody does, signals cost nothing. */
  get heard(): boolean {
    return this.#listeners.size > 0
  }

  /** Whether anybody listens to this event by its name. */
  hears(event: string): boolean {
    return this.#listeners.has(byName(event))
  }

  connected(socket: Socket): void {
    this.#tell('connected', socket)
  }

  disconnected(socket: Socket, reason: CloseReason): void {
    this.#tell('disconnected', socket, reason)
  }

  /** The general listeners first, then those of the event's name; a message before both. */
  event(socket: Socket, event: SocketEvent, isMessage: boolean): void {
    if (isMessage) this.#tell('message', socket, event.data)
    this.#tell('event', socket, event)
    this.#tell(byName(event.name), socket, event)
  }

  #tell(key: string, ...args: unknown[]): void {
    for (const listener of this.#listeners.get(key) ?? []) {
      try {
        const result: unknown = listener.run(...(args as never[]))
        if (result instanceof Promise) result.catch((error: unknown) => this.#failed(key, error))
      } catch (error) {
        this.#failed(key, error)
      }
    }
  }

  #failed(signal: string, error: unknown): void {
    this.#logger.error({ signal, error }, 'a listener of a signal failed')
  }
}

function byName(event: string): string {
  // A space keeps `event join` apart from the signals' own names.
  return `event ${event}`
}
