/** Why a broker did not do what it was asked for. */
export type BrokerErrorCode =
  /** It is out of reach, and was for as long as it was waited for. Nothing was done. */
  | 'AWAY'
  /** It was asked and did not answer. Perhaps it was done. */
  | 'UNKNOWN'
  /** It answered with an error, which is in the message. */
  | 'REFUSED'
  /** The bytes are more than one message may have. */
  | 'TOO_LARGE'
  /** The broker was stopped. */
  | 'STOPPED'

/**
 * What the promises of a broker reject with, and those of what is made of it: of a `Publisher`, and of `context.presence(room)`. No
 * client is told of it: a handler that lets it through answers `INTERNAL`.
 *
 * @example
 * ```ts
 * import { BrokerError, type Publisher } from 'partyline'
 *
 * export async function announce(publisher: Publisher, text: string): Promise<boolean> {
 *   try {
 *     await publisher.publish('news', text, { broadcast: true })
 *     return true
 *   } catch (error) {
 *     // Where the code is UNKNOWN, it may be there, and trying again may double it.
 *     if (error instanceof BrokerError && error.code === 'AWAY') return false
 *     throw error
 *   }
 * }
 * ```
 */
export class BrokerError extends Error {
  override readonly name = 'BrokerError'

  constructor(
    readonly code: BrokerErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options)
  }
}

/** The same promise, of which no rejection goes unhandled when nobody looks at it. */
export function unattended<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {})
  return promise
}
