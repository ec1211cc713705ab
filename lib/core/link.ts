import type { Payload } from '../protocol/codec.ts'
import type { Connection, ConnectionHandler } from './connection.ts'
import type { Comeback, Recovery } from './recovery.ts'
import type { Session } from './session.ts'

/**
 * One line to a session that may have several, one after another: what still comes on a line that the session has left is
 * not the session's.
 */
export class Link implements ConnectionHandler {
  readonly #recovery: Recovery
  readonly #comeback: Comeback
  readonly #begin: () => Session
  #session: Session | undefined

  /** `begin` makes the session of somebody who is new, or as good as new. */
  constructor(recovery: Recovery, comeback: Comeback, begin: () => Session) {
    this.#recovery = recovery
    this.#comeback = comeback
    this.#begin = begin
  }

  opened(connection: Connection): void {
    // Looked for now and not at the handshake: since then the session may have ended, or gone on elsewhere.
    const asks = this.#recovery.asks(this.#comeback.handshake)
    const resumption = asks ? this.#recovery.find(this.#comeback) : undefined
    if (resumption !== undefined) {
      this.#session = resumption.session
      this.#session.resumed(connection, this, this.#comeback, resumption)
    } else {
      this.#session = this.#begin()
      this.#session.opened(connection, this, asks ? false : undefined)
    }
  }

  message(message: Payload): void {
    if (this.#session?.link === this) this.#session.message(message)
  }

  closed(code: number, reason: string): void {
    if (this.#session?.link === this) this.#session.closed(code, reason)
  }
}
