/** How long to wait before each of several attempts, in milliseconds. */
export interface BackoffBounds {
  /** The most that the first attempt waits. Default 500. */
  min?: number
  /** The most that any attempt waits. Default 30,000. */
  max?: number
}

/**
 * How long the next attempt waits: by chance, up to a ceiling that doubles with each. Without chance, all that lost
 * their lines together would come back together.
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

  /** Counts an attempt; returns how long it waits. */
  next(): number {
    const delay = this.#random() * this.ceiling
    this.attempt++
    return delay
  }
}
