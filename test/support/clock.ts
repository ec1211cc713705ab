import type { Clock } from 'partyline'

interface Timer {
  at: number
  task: () => void
}

/** A clock that stands still until a test moves it. */
export class HandClock implements Clock {
  #now = Date.UTC(2030, 0, 1)
  readonly #timers = new Set<Timer>()

  now(): number {
    return this.#now
  }

  setTimeout(task: () => void, milliseconds: number): Timer {
    const timer = { at: this.#now + milliseconds, task }
    this.#timers.add(timer)
    return timer
  }

  clearTimeout(timer: unknown): void {
    this.#timers.delete(timer as Timer)
  }

  /** Moves on, and runs what falls due on the way, each at its time. */
  advance(milliseconds: number): void {
    const end = this.#now + milliseconds
    for (let next = this.#earliest(); next !== undefined && next.at <= end; next = this.#earliest()) {
      this.#timers.delete(next)
      this.#now = next.at
      next.task()
    }
    this.#now = end
  }

  #earliest(): Timer | undefined {
    return [...this.#timers].sort((a, b) => a.at - b.at)[0]
  }
}
