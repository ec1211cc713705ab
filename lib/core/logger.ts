/** Where an app says what happened. A pino logger fits as it is. */
export interface Logger {
  error(fields: object, message: string): void
  warn(fields: object, message: string): void
  info(fields: object, message: string): void
}

/** Writes to the console: the message, then the fields. */
export const consoleLogger: Logger = {
  error: (fields, message) => console.error(`partyline: ${message}`, fields),
  warn: (fields, message) => console.warn(`partyline: ${message}`, fields),
  info: (fields, message) => console.info(`partyline: ${message}`, fields),
}
