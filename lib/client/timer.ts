import type { Clock } from '../protocol/clock.ts'

/** As many milliseconds as a timer can wait: with more it would run at once. */
export const LONGEST: number = 2 ** 31 - 1

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
