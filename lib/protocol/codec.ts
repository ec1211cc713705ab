import { PartylineError } from './error.ts'
import type { Frame } from './frame.ts'

/** What a connection carries: text or bytes. */
export type Payload = string | Uint8Array

/**
 * Turns frames into payloads and back. One instance serves all connections of a gateway that chose its subprotocol,
 * so it keeps no state between calls.
 */
export interface Codec {
  /** The WebSocket subprotocol by which a client asks for this codec; absent where none can ask for it. */
  readonly subprotocol?: string
  /**
   * Reads one message. MUST throw a `PartylineError` with code `MALFORMED_FRAME`, and nothing else, for what is no
   * frame; MUST NOT allocate more than the message's size warrants.
   */
  decode(message: Payload): Frame
  /** Writes one frame. Throws a `TypeError` for data that this codec cannot carry. */
  encode(frame: Frame): Payload
}

/** The error for a message that is no frame. */
export function malformed(message: string): PartylineError {
  return new PartylineError('MALFORMED_FRAME', message)
}
