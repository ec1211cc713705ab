import type { CloseReason } from '../protocol/close.ts'

/**
 * Where a client is between its first attempt to connect and its end. `suspended` is when nobody tries, since the browser
 * is offline; it goes on by itself.
 */
export type ClientState = 'connecting' | 'open' | 'reconnecting' | 'suspended' | 'closed'

/** How a line began. */
export interface Beginning {
  /**
   * Whether the session of the line before goes on, with nothing missed. If not, the server knows nothing of this client
   * any more, and what happened meanwhile did not reach it: load your state anew. The first time is such a time.
   */
  recovered: boolean
  /** How many emits, and messages for channels, had been sent in a session that is gone, and may not have arrived. */
  lost: number
}

/** An attempt to come back that is about to begin. */
export interface Attempt {
  /** How many there were in a row, this one included; a line that lasted makes up for some, or for all. */
  attempt: number
  /** Why there is no line; 1006 also where the handshake was refused, which browsers do not tell apart. */
  reason: CloseReason
  /** In how many milliseconds it begins. */
  delay: number
}

/** What is told with each change of a client's state. */
export interface StateChanges {
  open: [beginning: Beginning]
  reconnecting: [attempt: Attempt]
  suspended: []
  closed: [reason: CloseReason]
}
