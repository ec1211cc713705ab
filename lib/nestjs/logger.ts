import { Logger as NestLog } from '@nestjs/common'
import type { Logger } from '../core/logger.ts'

/** Nest's own logger, with the context `Partyline`: whatever the application logs to, this goes there too. */
export class NestLogger implements Logger {
  readonly #log = new NestLog('Partyline')

  error(fields: object, message: string): void {
    const { error } = fields as { error?: unknown }
    const [text, stack] = [lineOf(fields, message), error instanceof Error ? error.stack : undefined]
    if (stack === undefined) this.#log.error(text)
    else this.#log.error(text, stack)
  }

  warn(fields: object, message: string): void {
    this.#log.warn(lineOf(fields, message))
  }

  info(fields: object, message: string): void {
    this.#log.log(lineOf(fields, message))
  }
}

/** The message, and its fields as they fit into a line. */
function lineOf(fields: object, message: string): string {
  const shown = Object.entries(fields).map(([name, value]) => `${name}=${String(value)}`)
  return shown.length === 0 ? message : `${message} (${shown.join(', ')})`
}
