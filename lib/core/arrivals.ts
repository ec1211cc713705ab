import type { Clock } from './clock.ts'

interface Waiting {
  readonly entry: number
  readonly done: () => void
}

/** Those who wait until an entry of a stream has come. */
export class Arrivals {
  readonly #clock: Clock
  readonly #waiting = new Set<Waiting>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Resolves when it has come, and at the latest after so many milliseconds. */
  async until(entry: number, timeout: number): Promise<void> {
    let timer: unknown
    await new Promise<void>((resolve) => {
      const waiting = { entry, done: resolve }
      this.#waiting.add(waiting)
      timer = this.#clock.setTimeout(() => {
        this.#waiting.delete(waiting)
        resolve()
      }, timeout)
    })
    this.#clock.clearTimeout(timer)
  }

  /** Everything up to an entry has come. */
  came(entry: number): void {
    for (const waiting of [...this.#waiting]) {
      if (waiting.entry > entry) continue
      this.#waiting.delete(waiting)
      waiting.done()
    }
  }
}
