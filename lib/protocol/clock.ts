/** Where everything that waits, expires or retries takes its time from. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number
  /** Runs a task once, after so many milliseconds; returns what `clearTimeout` takes. */
  setTimeout(task: () => void, milliseconds: number): unknown
  clearTimeout(timer: unknown): void
}

/** The machine's own time. */
export const systemClock: Clock = {
  now: () => Date.now(),
  setTimeout: (task, milliseconds) => setTimeout(task, milliseconds),
  clearTimeout: (timer) => clearTimeout(timer as ReturnType<typeof setTimeout>),
}
