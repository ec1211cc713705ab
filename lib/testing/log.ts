import type { Logger } from '../core/logger.ts'

/** One line of an app's log. */
export interface Entry {
  readonly level: 'error' | 'warn' | 'info'
  readonly message: string
  readonly fields: object
}

/** Keeps what an app logs, until somebody takes it. */
export class Log implements Logger {
  #entries: Entry[] = []

  get entries(): readonly Entry[] {
    return this.#entries
  }

  error(fields: object, message: string): void {
    this.#entries.push({ level: 'error', message, fields })
  }

  warn(fields: object, message: string): void {
    this.#entries.push({ level: 'warn', message, fields })
  }

  info(fields: object, message: string): void {
    this.#entries.push({ level: 'info', message, fields })
  }

  /** All that was logged since the last time. */
  take(): Entry[] {
    return this.#entries.splice(0)
  }
}
