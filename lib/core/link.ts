import { closeCodes } from '../protocol/close.ts'
import type { Payload } from '../protocol/codec.ts'
import type { Connection, ConnectionHandler } from './connection.ts'
import type { Restored } from './moving.ts'
import type { Comeback, Recovery } from './recovery.ts'
import type { Session } from './session.ts'
import type { SharedSessions } from './shared-sessions.ts'

/** How much may come from a client before it is known which session is its own: clients wait for the hello. */
const MOST = 64 * 1024

/**
 * One line to a session that may have several, one after another: what still comes on a line that the session has left is
 * not the session's.
 */
export class Link implements ConnectionHandler {
  readonly #recovery: Recovery
  readonly #comeback: Comeback
  readonly #make: (restored?: Restored) => Session
  #session: Session | undefined
  /** What comes while another node is asked for the session. */
  #held: Payload[] | undefined
  #heldSize = 0
  /** Ends a line on which too much of that comes. */
  #refuse: (() => void) | undefined
  /** While it is waited for: ends that it counts as connected. */
  #expected: (() => void) | undefined
  #isClosed = false

  /** `make` makes the session of somebody who is new, or as good as new; or the one that another node had. */
  constructor(recovery: Recovery, comeback: Comeback, make: (restored?: Restored) => Session) {
    this.#recovery = recovery
    this.#comeback = comeback
    this.#make = make
  }

  opened(connection: Connection): void {
    const { sessions } = this.#recovery
    const isElsewhere = sessions !== undefined && this.#recovery.isElsewhere(this.#comeback)
    if (sessions !== undefined && (isElsewhere || sessions.isUnready)) void this.#wait(connection, sessions)
    else this.#begin(connection)
  }

  message(message: Payload): void {
    if (this.#held !== undefined) this.#hold(message, this.#held)
    else if (this.#session?.link === this) this.#session.message(message)
  }

  closed(code: number, reason: string): void {
    this.#isClosed = true
    this.#expected?.()
    if (this.#session?.link === this) this.#session.closed(code, reason)
  }

  #begin(connection: Connection): void {
    // Looked for now and not at the handshake: since then the session may have ended, or gone on elsewhere.
    const asks = this.#recovery.asks(this.#comeback)
    const resumption = asks ? this.#recovery.find(this.#comeback) : undefined
    if (resumption !== undefined) {
      this.#session = resumption.session
      this.#session.resumed(connection, this, this.#comeback, resumption)
    } else {
      this.#session = this.#make()
      this.#session.opened(connection, this, asks ? false : undefined)
    }
  }

  /** Gets the session from another node, and goes on as if it had been here. */
  async #wait(connection: Connection, sessions: SharedSessions): Promise<void> {
    this.#held = []
    this.#refuse = () => connection.close(closeCodes.policy.code, 'too much before the hello')
    this.#expected = this.#recovery.expect(this.#comeback.handshake)
    await sessions.untilReady()
    const isElsewhere = this.#recovery.isElsewhere(this.#comeback)
    const isLate =
      sessions.isSuspect ||
      (isElsewhere &&
        !this.#isClosed &&
        (await sessions.moving.bring(this.#comeback, this.#make)) === 'later')
    this.#expected()
    if (this.#isClosed) return
    const held = this.#held
    this.#held = undefined
    const { code } = closeCodes.tryLater
    if (isLate) return connection.close(code, 'the session cannot be had yet')
    this.#begin(connection)
    for (const message of held) this.message(message)
  }

  #hold(message: Payload, held: Payload[]): void {
    this.#heldSize += message.length
    if (this.#heldSize <= MOST) held.push(message)
    else this.#refuse?.()
  }
}
