import type { Clock } from '../protocol/clock.ts'

interface Timer {
  readonly at: number
  readonly task: () => void
}

/**
 * A clock that stands still until a test moves it. Give it to the app and to whatever else takes its time from a clock.
 *
 * @example
 * ```ts
 * import { ManualClock } from 'partyline/testing'
 *
 * const clock = new ManualClock()
 * const begin = clock.now()
 * clock.setTimeout(() => console.log(clock.now() - begin), 100)
 * clock.advance(1_000) // prints 100
 * ```
 */
export class ManualClock implements Clock {
  #now: number
  /** By the time at which they are due; of the same time, first come first. */
  readonly #timers: Timer[] = []

  /** @param now milliseconds since 1970. Default: the beginning of 2030, UTC. */
  constructor(now: number = Date.UTC(2030, 0, 1)) {
    this.#now = now
  }

  now(): number {
    return this.#now
  }

  setTimeout(task: () => void, milliseconds: number): unknown {
    const timer: Timer = { at: this.#now + Math.max(0, milliseconds || 0), task }
    this.#timers.splice(this.#after(timer.at), 0, timer)
    return timer
  }

  clearTimeout(timer: unknown): void {
    const { at } = (timer ?? {}) as Partial<Timer>
    if (at === undefined) return
    const index = this.#timers.lastIndexOf(timer as Timer, this.#after(at))
    if (index >= 0) this.#timers.splice(index, 1)
  }

  /** How many tasks wait for their time. */
  get pending(): number {
    return this.#timers.length
  }

  /** When the next of them is due, in milliseconds since 1970; undefined where none waits. */
  get next(): number | undefined {
    return this.#timers[0]?.at
  }

  /**
   * Moves on, and runs what falls due on the way, each at its time. It does so at once: what waits for promises meanwhile
   * comes afterwards. `app.advance` lets that happen in between.
   *
   * @throws RangeError for what is no time from 0 on.
   */
  advance(milliseconds: number): void {
    if (!(milliseconds >= 0)) throw new RangeError(`a clock moves on by 0 ms or more, not by ${milliseconds}`)
    const end = this.#now + milliseconds
    for (let next = this.#timers[0]; next !== undefined && next.at <= end; next = this.#timers[0]) {
      this.#timers.shift()
      this.#now = next.at
      next.task()
    }
    this.#now = end
  }

  /** Where the timers begin that are due later than that. */
  #after(at: number): number {
    let [low, high] = [0, this.#timers.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#timers[middle] as Timer).at > at) high = middle
      else low = middle + 1
    }
    return low
  }
}

/** A clock within another, which ends all at once: what waits in it then never runs, as when a process is killed. */
export class MortalClock implements Clock {
  readonly #clock: Clock
  readonly #timers = new Set<unknown>()
  #isDead = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  now(): number {
    return this.#clock.now()
  }

  setTimeout(task: () => void, milliseconds: number): unknown {
    if (this.#isDead) return undefined
    const timer = this.#clock.setTimeout(() => {
      this.#timers.delete(timer)
      task()
    }, milliseconds)
    this.#timers.add(timer)
    return timer
  }

  clearTimeout(timer: unknown): void {
    this.#timers.delete(timer)
    this.#clock.clearTimeout(timer)
  }

  die(): void {
    this.#isDead = true
    for (const timer of this.#timers) this.#clock.clearTimeout(timer)
    this.#timers.clear()
  }
}
