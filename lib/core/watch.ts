import type { Rooms } from './rooms.ts'
import type { Shared } from './session.ts'

/** How long after a publish the buffers are looked at, in milliseconds. */
const BUFFER_DELAY = 250

/**
 * Looks at the sessions from time to time: for clients that do not read (a native publish does not tell whose buffer
 * grew), and for lines on which nothing is heard any more.
 */
export class Watch {
  readonly #shared: Omit<Shared, 'watch'>
  readonly #grown = new Set<Rooms>()
  #buffers: unknown
  #pulses: unknown

  constructor(shared: Omit<Shared, 'watch'>) {
    this.#shared = shared
  }

  start(): void {
    this.#pulses = this.#shared.clock.setTimeout(() => {
      for (const session of this.#shared.sessions) session.checkPulse()
      this.start()
    }, this.#shared.limits.heartbeat)
  }

  stop(): void {
    this.#shared.clock.clearTimeout(this.#pulses)
    this.#shared.clock.clearTimeout(this.#buffers)
    this.#grown.clear()
  }

  /** Says that something was published there. */
  published(rooms: Rooms): void {
    if (this.#grown.size === 0)
      this.#buffers = this.#shared.clock.setTimeout(() => this.#checkBuffers(), BUFFER_DELAY)
    this.#grown.add(rooms)
  }

  #checkBuffers(): void {
    for (const rooms of this.#grown) for (const session of rooms.everybody) session.checkBuffer()
    this.#grown.clear()
  }
}
