/** How long to wait before each of several attempts, in milliseconds. */
export interface BackoffBounds {
  /** The most that the first attempt waits. Default 500. */
  min?: number
  /** The most that any attempt waits. Default 30,000. */
  max?: number
}

/**
 * How long the next attempt waits: by chance, up to a ceiling that doubles with each. Without chance, all that lost
 * their lines together would come back together. A line that lasted makes up for attempts before it.
 */
export class Backoff {
  readonly #min: number
  readonly #max: number
  readonly #random: () => number
  /** How many attempts there were since it began anew. */
  attempt = 0

  constructor({ min = 500, max = 30_000 }: BackoffBounds = {}, random: () => number = Math.random) {
    this.#min = min
    this.#max = max
    this.#random = random
  }

  /** The most that the next attempt waits. */
  get ceiling(): number {
    return Math.min(this.#max, this.#min * 2 ** this.attempt)
  }

  /**
   * Takes note of how long a line has lasted, in milliseconds. Where that is as long as the next wait might be, it begins
   * anew; else the next wait is no longer than that, so that there is a line half of the time, however often lines break.
   * One that is closed as soon as it is open makes up for nothing: such lines are not made in haste for ever.
   */
  lasted(milliseconds: number): void {
    if (milliseconds >= this.ceiling) this.attempt = 0
    if (milliseconds < this.#min) return
    while (this.ceiling > milliseconds) this.attempt--
  }

  /** Counts an attempt; returns how long it waits. */
  next(): number {
    const delay = this.#random() * this.ceiling
    this.attempt++
    return delay
  }
}
