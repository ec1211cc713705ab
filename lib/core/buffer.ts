import type { Payload } from '../protocol/codec.ts'

/** One message may be this many times as large as `limits.buffer`. */
const MESSAGE = 4

/** This many times `limits.buffer` may wait for a socket at any moment: what one turn sends, or a large message after others. */
export const BACKLOG = 8

/**
 * Holds a message against what can be sent to a socket that reads, whatever waits for it already.
 *
 * @throws RangeError for one that is too large.
 */
export function checkSize(payload: Payload, buffer: number): void {
  if (payload.length > MESSAGE * buffer) throw tooLarge(payload.length, buffer)
}

function tooLarge(size: number, buffer: number): RangeError {
  return new RangeError(
    `a message of ${size} bytes is too large to send: with limits.buffer at ${buffer}, ${MESSAGE * buffer} is the most. ` +
      'Send it in parts, or by HTTP, or raise limits.buffer',
  )
}
