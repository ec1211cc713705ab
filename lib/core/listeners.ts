import type { CloseReason } from '../protocol/close.ts'
import type { SocketEvent } from './event.ts'
import type { Logger } from './logger.ts'
import type { Socket } from './socket.ts'
import { isThenable } from './thenable.ts'

interface Listener {
  readonly run: (...args: never[]) => unknown
}

/** Those who listen to signals, and the telling of them; what `Signals` is to applications stands before it. */
export class Listeners {
  /** Lists are replaced, never changed: who comes or goes while a signal is told makes no difference to it. */
  readonly #listeners = new Map<string, readonly Listener[]>()
  readonly #logger: Logger

  constructor(logger: Logger) {
    this.#logger = logger
  }

  /** Listens to a signal, or to the events of one name; returns how to stop. */
  listen(
    { signal, event }: { signal: string; event: string | undefined },
    listener: (...args: never[]) => unknown,
  ): () => void {
    const key = event === undefined ? signal : byName(event)
    // The same function may listen twice, and stop once.
    const own: Listener = { run: listener }
    this.#listeners.set(key, [...(this.#listeners.get(key) ?? []), own])
    this.heard = true
    return () => {
      const others = (this.#listeners.get(key) ?? []).filter((one) => one !== own)
      if (others.length > 0) this.#listeners.set(key, others)
      else this.#listeners.delete(key)
      this.heard = this.#listeners.size > 0
    }
  }

  /** Whether anybody listens to anything; while nobody does, signals cost nothing. */
  heard = false

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
        if (isThenable(result)) Promise.resolve(result).catch((error: unknown) => this.#failed(key, error))
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
