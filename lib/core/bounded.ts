import { closeCodes } from '../protocol/close.ts'
import type { Payload } from '../protocol/codec.ts'
import type { Connection, ConnectionHandler } from './connection.ts'

/** Holds what comes to a limit that is lower than the runtime's own, as that would: with 1009. */
export class Bounded implements ConnectionHandler {
  readonly #handler: ConnectionHandler
  readonly #limit: number
  #connection: Connection | undefined
  #isOver = false

  /** `limit` is in bytes. */
  constructor(handler: ConnectionHandler, limit: number) {
    this.#handler = handler
    this.#limit = limit
  }

  opened(connection: Connection): void {
    this.#connection = connection
    this.#handler.opened(connection)
  }

  message(message: Payload): void {
    if (this.#isOver) return
    if (!isLonger(message, this.#limit)) return this.#handler.message(message)
    this.#connection?.close(closeCodes.tooBig.code, TOO_BIG)
    this.closed(closeCodes.tooBig.code, TOO_BIG)
  }

  closed(code: number, reason: string): void {
    // A client that does not answer the close is gone all the same, as where the runtime itself refuses.
    if (this.#isOver) return
    this.#isOver = true
    this.#handler.closed(code, reason)
  }
}

const TOO_BIG = 'message too big'

const encoder = new TextEncoder()

function isLonger(message: Payload, limit: number): boolean {
  if (message.length > limit) return true
  // A character takes three bytes at most.
  return typeof message === 'string' && message.length * 3 > limit && encoder.encode(message).length > limit
}
