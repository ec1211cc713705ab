import { closeCodes } from '../protocol/close.ts'
import { BACKLOG } from './buffer.ts'
import type { EventLog } from './log.ts'
import type { Rooms } from './rooms.ts'
import type { Session } from './session.ts'
import type { Shared } from './shared.ts'

/** How long after a send or a publish the buffers are looked at, in milliseconds. */
const LOOK = 250

/** For how long more than `limits.buffer` may wait for a socket, in milliseconds: what is large takes its time on a slow line. */
const PATIENCE = 5_000

/**
 * Looks at the sessions from time to time: for clients that do not read (a native publish does not tell whose buffer
 * grew), and for lines on which nothing is heard any more.
 */
export class Watch {
  readonly #shared: Omit<Shared, 'watch'>
  /** What gateways keep, which grows old. */
  readonly logs: EventLog[] = []
  /** Where something was published since the last look. */
  readonly #grown = new Set<Rooms>()
  /** How much that was. */
  #published = 0
  /** Those for whom more waits than `limits.buffer`, and since when. */
  readonly #behind = new Map<Session, number>()
  #look: unknown
  #pulses: unknown

  constructor(shared: Omit<Shared, 'watch'>) {
    this.#shared = shared
  }

  start(): void {
    this.#pulses = this.#shared.clock.setTimeout(() => {
      for (const session of this.#shared.sessions) {
        session.checkPulse()
        this.#checkLine(session)
      }
      for (const log of this.logs) log.trim()
      this.start()
    }, this.#shared.limits.heartbeat)
  }

  stop(): void {
    this.#shared.clock.clearTimeout(this.#pulses)
    this.#shared.clock.clearTimeout(this.#look)
    this.#grown.clear()
    this.#behind.clear()
  }

  /** Says that a message of that size was published there. */
  published(rooms: Rooms, size: number): void {
    this.#grown.add(rooms)
    this.#published += size
    // So nobody's backlog grows by more than this, and one message, between two looks.
    if (this.#published > this.#shared.limits.buffer) this.#lookAtGrown()
    this.#lookLater()
  }

  /**
   * Says that more waits for a session than `limits.buffer`. Beyond a multiple of it the session is closed at once; else it
   * has a while to read, since one large message, or many in one turn, may have come to a client that keeps up.
   */
  isBehind(session: Session): void {
    if (session.bufferedAmount > BACKLOG * this.#shared.limits.buffer) return this.#close(session)
    if (!this.#behind.has(session)) this.#behind.set(session, this.#shared.clock.now())
    this.#lookLater()
  }

  /** Forgets since when somebody was behind, who may have another line next. */
  forget(session: Session): void {
    this.#behind.delete(session)
  }

  /**
   * The heartbeat of who is not pinged in frames: asks after two silent looks, and gives up after four. A runtime's own idle
   * timeout does not do, where whatever is sent begins it anew: those in a busy room would never be missed.
   */
  #checkLine(session: Session): void {
    const { connection } = session
    const silence = session.isOpen ? (connection.silence?.() ?? 0) : 0
    if (silence > 3) {
      this.#shared.stats.count('heartbeatsLost')
      session.close(closeCodes.heartbeatLost.code, 'heartbeat lost')
    } else if (silence > 1) connection.ping?.()
  }

  #lookLater(): void {
    this.#look ??= this.#shared.clock.setTimeout(() => {
      this.#look = undefined
      this.#lookAtGrown()
      this.#lookAtBehind()
    }, LOOK)
  }

  #lookAtGrown(): void {
    for (const rooms of this.#grown) for (const session of rooms.everybody) session.checkBuffer()
    this.#grown.clear()
    this.#published = 0
  }

  #lookAtBehind(): void {
    const { clock, limits } = this.#shared
    for (const [session, since] of this.#behind) {
      if (!session.isOpen || session.bufferedAmount <= limits.buffer) this.#behind.delete(session)
      else if (clock.now() - since >= PATIENCE) this.#close(session)
    }
    if (this.#behind.size > 0) this.#lookLater()
  }

  /** Closes a client that does not read what is sent to it: what waits for it is everybody's memory. */
  #close(session: Session): void {
    this.#behind.delete(session)
    if (!session.isOpen) return
    const { connection, route, id } = session
    const { stats, logger, clock, limits } = this.#shared
    stats.count('slowConsumers')
    logger.warn(
      { gateway: route.gateway.name, socket: id, waiting: connection.bufferedAmount },
      'a client does not keep up with what is sent to it, and is closed',
    )
    session.leaveLine(closeCodes.policy.code, 'slow consumer')
    // The close frame stands behind all that the client does not read.
    clock.setTimeout(() => connection.terminate(), limits.farewell)
  }
}
