/** Where everything that waits, expires or retries takes its time from. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number
  /** Runs a task once, after so many milliseconds; returns what `clearTimeout` takes. */
  setTimeout(task: () => void, milliseconds: number): unknown
  clearTimeout(timer: unknown): void
}

/** As many milliseconds as a timer can wait, 24 days: with more it would run at once. */
export const LONGEST: number = 2 ** 31 - 1

/** The machine's own time. */
export const systemClock: Clock = {
  now: () => Date.now(),
  setTimeout: (task, milliseconds) => setTimeout(task, milliseconds),
  clearTimeout: (timer) => clearTimeout(timer as ReturnType<typeof setTimeout>),
}
