/**
 * The codes that Partyline itself answers with, and whether trying the same again can help.
 * An application's own codes are any other SCREAMING_SNAKE names.
 */
export const errorCodes = {
  /** Not JSON or MessagePack, not of a frame's form, or without an event name. */
  MALFORMED_FRAME: { retry: false },
  /** No handler has that name. */
  UNKNOWN_EVENT: { retry: false },
  /** The schema refused the data; `details` lists path and message of each fault. */
  INVALID_DATA: { retry: false },
  /** Nobody is known behind this connection, where somebody must be. */
  UNAUTHENTICATED: { retry: false },
  /** A guard or a channel rule refused. */
  FORBIDDEN: { retry: false },
  /** The socket's budget is spent; `details.retryAfter` is in milliseconds. */
  RATE_LIMITED: { retry: true },
  /** The server's own queue is full, or the server is going away. */
  OVERLOADED: { retry: true },
  /** No answer in time; made on the side that waits. */
  TIMEOUT: { retry: true },
  /** The connection went before the answer came; made on the side that waits. */
  DISCONNECTED: { retry: true },
  /** What joins the server's nodes is out of reach, so that it was not done, or nobody knows. */
  UNAVAILABLE: { retry: true },
  /** A handler threw something that is no PartylineError; the cause is logged, never sent. */
  INTERNAL: { retry: true },
} as const

/** A code of Partyline's own table, or any code of the application's. */
export type ErrorCode = keyof typeof errorCodes | (string & {})

/** An error as it travels: what stands in an `error` field of a frame or of an HTTP answer. */
export interface ErrorBody {
  code: ErrorCode
  message: string
  details?: unknown
  /** The event that failed, where the failure answers no request. */
  event?: string
}

/**
 * An error that its receiver may see. Thrown by a handler, it reaches the caller with code, message and details;
 * anything else that a handler throws is logged and reaches the caller as `INTERNAL` without its message.
 *
 * @example
 * ```ts
 * import { Gateway, On, PartylineError, type Socket } from 'partyline'
 *
 * @Gateway('/cinema')
 * class Cinema {
 *   @On() book(socket: Socket, seat: number) {
 *     throw new PartylineError('SEAT_TAKEN', `seat ${seat} is taken`, { free: [8, 9] })
 *   }
 * }
 * ```
 */
export class PartylineError extends Error {
  override readonly name = 'PartylineError'

  constructor(
    readonly code: ErrorCode,
    message: string,
    /** Plain data for the receiver; whatever the codec can carry. */
    readonly details?: unknown,
    options?: ErrorOptions,
  ) {
    super(message, options)
  }

  /** Whether trying the same again can help. `false` for the application's own codes. */
  get retry(): boolean {
    return Object.hasOwn(errorCodes, this.code) && errorCodes[this.code as keyof typeof errorCodes].retry
  }

  /** The error as it travels. */
  toBody(event?: string): ErrorBody {
    const body: ErrorBody = { code: this.code, message: this.message }
    if (this.details !== undefined) body.details = this.details
    if (event !== undefined) body.event = event
    return body
  }
}

/** Makes an error whose message says it all: where it was thrown is of no use to its reader, and is left out. */
export function withoutTrace<E extends Error>(make: () => E): E {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  try {
    return make()
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}
