import type { Clock } from './clock.ts'

/**
 * A token bucket: so many events a second on average, and so many at once. It looks at the clock only when it is empty,
 * and grants then what has come in since, at most a bucket full: never more than one bucket beyond the average.
 */
export class Budget {
  readonly #rate: number
  readonly #burst: number
  readonly #clock: Clock
  #tokens: number
  #filled: number

  constructor(rate: number, burst: number, clock: Clock) {
    this.#rate = rate
    this.#burst = burst
    this.#clock = clock
    this.#tokens = burst
    this.#filled = clock.now()
  }

  /** Takes one; false if there is none. */
  take(): boolean {
    if (this.#tokens < 1) this.#refill()
    if (this.#tokens < 1) return false
    this.#tokens--
    return true
  }

  /** Takes all that there are; returns how many. */
  takeAll(): number {
    if (this.#tokens < 1) this.#refill()
    const whole = Math.floor(this.#tokens)
    this.#tokens -= whole
    return whole
  }

  /** In how many milliseconds there will be one. */
  get retryAfter(): number {
    return Math.max(1, Math.ceil(((1 - this.#tokens) / this.#rate) * 1000))
  }

  #refill(): void {
    const now = this.#clock.now()
    // A clock that was set back grants nothing, and takes nothing away.
    const elapsed = Math.max(0, now - this.#filled)
    this.#tokens = Math.min(this.#burst, this.#tokens + (elapsed / 1000) * this.#rate)
    this.#filled = now
  }
}
