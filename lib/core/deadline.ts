import type { Clock } from './clock.ts'

/** A time that several parts of a task share: each may take what those before it have left, up to its own share. */
export class Deadline {
  readonly #clock: Clock
  readonly #milliseconds: number
  readonly #timers: unknown[] = []

  constructor(clock: Clock, milliseconds: number) {
    this.#clock = clock
    this.#milliseconds = milliseconds
  }

  /** So much of the whole, in milliseconds. */
  part(share: number): number {
    return this.#milliseconds * share
  }

  /** Resolves when so much of the whole has passed from now on. */
  after(share: number): Promise<void> {
    return new Promise((resolve) => {
      this.#timers.push(this.#clock.setTimeout(resolve, this.part(share)))
    })
  }

  /** Ends all waiting for it: what was made by `after` may never resolve. */
  cancel(): void {
    for (const timer of this.#timers.splice(0)) this.#clock.clearTimeout(timer)
  }
}

/** Waits for something, but not for ever: false if it took longer than so many milliseconds. Rejects where it does. */
export async function inTime(
  task: PromiseLike<unknown>,
  clock: Clock,
  milliseconds: number,
): Promise<boolean> {
  let timer: unknown
  const late = new Promise<boolean>((resolve) => {
    timer = clock.setTimeout(() => resolve(false), milliseconds)
  })
  try {
    return await Promise.race([Promise.resolve(task).then(() => true), late])
  } finally {
    clock.clearTimeout(timer)
  }
}
