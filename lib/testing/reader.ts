import type { Clock } from '../protocol/clock.ts'
import type { MemoryClient } from '../runtime/memory.ts'

/** Reads what the server has sent, at the pace of its client: the rest waits at the server. */
export class Reader {
  readonly #clock: Clock
  readonly #server: MemoryClient
  #timer: unknown

  constructor(clock: Clock, server: MemoryClient) {
    this.#clock = clock
    this.#server = server
  }

  /** From now on a message takes so many milliseconds; 0 is at once, `Infinity` never. */
  pace(milliseconds: number): void {
    this.stop()
    this.#server.reading = milliseconds === 0
    if (milliseconds === 0 || milliseconds === Number.POSITIVE_INFINITY) return
    this.#timer = this.#clock.setTimeout(() => {
      this.#server.read(1)
      this.pace(milliseconds)
    }, milliseconds)
  }

  stop(): void {
    this.#clock.clearTimeout(this.#timer)
  }
}
