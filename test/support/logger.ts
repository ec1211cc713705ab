import type { Logger } from 'partyline'

/** One line of a log. */
export interface Entry {
  level: 'error' | 'warn' | 'info'
  message: string
  [field: string]: unknown
}

/** A logger that keeps what it is told. */
export class CollectingLogger implements Logger {
  readonly entries: Entry[] = []

  error(fields: object, message: string): void {
    this.entries.push({ level: 'error', message, ...fields })
  }

  warn(fields: object, message: string): void {
    this.entries.push({ level: 'warn', message, ...fields })
  }

  info(fields: object, message: string): void {
    this.entries.push({ level: 'info', message, ...fields })
  }

  /** All that was logged since the last time. */
  take(): Entry[] {
    return this.entries.splice(0)
  }
}
