import type { Clock } from '../protocol/clock.ts'

/** What waits for the same time each, by one timer for all of it. */
export class Waiting<T> {
  readonly #clock: Clock
  readonly #delay: number
  readonly #over: (one: T) => void
  /** When each is due; the first comes first, since all wait equally long. */
  readonly #due = new Map<T, number>()
  #timer: unknown

  /** @param over called when the time of one is over, which then does not wait any more */
  constructor(clock: Clock, delay: number, over: (one: T) => void) {
    this.#clock = clock
    this.#delay = delay
    this.#over = over
  }

  has(one: T): boolean {
    return this.#due.has(one)
  }

  /** Lets one wait, from now on. */
  add(one: T): void {
    this.#due.delete(one)
    this.#due.set(one, this.#clock.now() + this.#delay)
    if (this.#due.size === 1) this.#arm()
  }

  delete(one: T): void {
    if (this.#due.delete(one) && this.#due.size === 0) this.#clock.clearTimeout(this.#timer)
  }

  close(): void {
    this.#due.clear()
    this.#clock.clearTimeout(this.#timer)
  }

  #arm(): void {
    this.#clock.clearTimeout(this.#timer)
    const [due] = this.#due.values()
    if (due === undefined) return
    const left = Math.min(Math.max(0, due - this.#clock.now()), this.#delay)
    this.#timer = this.#clock.setTimeout(() => this.#run(), left)
  }

  #run(): void {
    const now = this.#clock.now()
    for (const [one, due] of this.#due) {
      // One that seems to wait for longer than all do has waited through a change of the clock.
      if (due > now && due <= now + this.#delay) break
      this.#due.delete(one)
      this.#over(one)
    }
    this.#arm()
  }
}
