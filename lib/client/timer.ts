import type { Clock } from '../protocol/clock.ts'

/** At most one task that waits for its time. */
export class Timer {
  readonly #clock: Clock
  #timer: unknown

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Runs a task after so many milliseconds, in place of the one that waits. */
  start(milliseconds: number, task: () => void): void {
    this.stop()
    this.#timer = this.#clock.setTimeout(task, milliseconds)
  }

  stop(): void {
    this.#clock.clearTimeout(this.#timer)
  }
}
