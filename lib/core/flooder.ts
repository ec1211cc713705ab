import { closeCodes } from '../protocol/close.ts'
import type { Clock } from './clock.ts'
import type { Connection } from './connection.ts'

/** For how long a client that went on in spite of RATE_LIMITED is not read before it is closed, in milliseconds. */
const HELD = 1_000

/**
 * Closes a client that sends too much, after a while in which it is not read: else it would be back at once with more. What it
 * returns closes it now.
 */
export function closeLater(connection: Connection, clock: Clock, closed: () => void): () => void {
  connection.pause?.()
  const close = (): void => {
    closed()
    clock.clearTimeout(timer)
    connection.resume?.()
    connection.close(closeCodes.rate.code, 'too many events')
  }
  const timer = clock.setTimeout(close, HELD)
  return close
}
