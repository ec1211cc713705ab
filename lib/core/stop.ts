import { closeCodes } from '../protocol/close.ts'
import type { Cluster } from './cluster.ts'
import type { Runtime } from './connection.ts'
import { Deadline } from './deadline.ts'
import type { HttpHost } from './http.ts'
import type { Session } from './session.ts'
import type { Shared } from './shared.ts'
import type { Start } from './start.ts'

/** Options of `app.stop`. */
export interface StopOptions {
  /**
   * How many milliseconds all of it may take: handlers up to 70% of it, pages and `@OnClose` up to 80%, and what is left is
   * kept for disposing. Nobody waits longer than 20% for a client that does not read. Default 10,000.
   */
  deadline?: number
}

/** At which part of its deadline a stop leaves behind what is not done; and how long it waits for what is sent. */
const SHARES = { handlers: 0.7, closing: 0.8, disposing: 1, sending: 0.2 }

/** How long to wait before looking again whether everything was sent, in milliseconds. */
const SENT_LOOK = 10

/** An app, as far as it has to be stopped. */
export interface Stoppable {
  readonly shared: Shared
  readonly http: HttpHost
  readonly runtime: Pick<Runtime, 'stop'>
  readonly cluster: Pick<Cluster, 'leave' | 'stop'>
  readonly start: Pick<Start, 'running' | 'dispose'>
}

/** The end of an app in good order, within its deadline. */
export class Stop {
  readonly #app: Stoppable
  readonly #milliseconds: number
  readonly #deadline: Deadline
  /** Whether it has left anything behind. */
  #isLate = false

  constructor(app: Stoppable, milliseconds: number) {
    this.#app = app
    this.#milliseconds = milliseconds
    this.#deadline = new Deadline(app.shared.clock, milliseconds)
  }

  /** To be called once. Never rejects but where the runtime does. */
  async run(): Promise<void> {
    const { shared, http, runtime, cluster, start } = this.#app
    const deadline = this.#deadline
    const [handlers, closing, disposing] = [SHARES.handlers, SHARES.closing, SHARES.disposing].map((share) =>
      deadline.after(share).then(() => this.#late()),
    ) as [Promise<void>, Promise<void>, Promise<void>]
    // What is half built could not be taken down.
    await Promise.race([start.running?.catch(() => {}), handlers])
    for (const dialect of http.dialects) dialect.drain()
    cluster.leave()
    const leaving = [...shared.sessions].map((session) => this.#leave(session, handlers))
    await Promise.race([Promise.all(leaving), closing])
    http.closed = true
    await Promise.race([http.untilAnswered(), closing])
    await Promise.race([Promise.all(http.dialects.map((dialect) => dialect.stop())), closing])
    // One that came from another node may have had no line here.
    for (const session of shared.sessions) session.connection?.terminate()
    await Promise.race([start.dispose(), disposing])
    // What was disposed of may have had last words.
    await Promise.race([cluster.stop(), disposing])
    deadline.cancel()
    shared.watch.stop()
    await runtime.stop(deadline.after(SHARES.sending))
    deadline.cancel()
  }

  async #leave(session: Session, handlers: Promise<void>): Promise<void> {
    // One that hangs would hold `@OnClose` back for `limits.farewell` from there, which may be past the disposing.
    void handlers.then(() => session.lifecycle.hurry())
    // Where others can have it, its client goes on there, and what it sent and is not begun is sent there again.
    if (await session.route.recovery?.sessions?.moving.depart(session, handlers)) return
    await Promise.race([this.#drain(session, this.#deadline.part(SHARES.sending)), handlers])
    if (session.bufferedAmount > 0) this.#late()
    session.close(closeCodes.goingAway.code, 'the server is going away')
    await session.lifecycle.untilEnded()
  }

  /**
   * Takes no more of a session's events, and resolves when those that came before are handled and their answers have left, or
   * have waited so many milliseconds for a client that does not read.
   */
  async #drain(session: Session, patience: number): Promise<void> {
    const { outbox, clock } = this.#app.shared
    session.dispatch.drain()
    await session.dispatch.untilIdle()
    outbox.flushOne(session)
    // A client that is behind still gets what waits for it: when the runtime stops, that is lost.
    for (
      let waited = 0;
      waited < patience && session.isOpen && session.bufferedAmount > 0;
      waited += SENT_LOOK
    ) {
      await new Promise<void>((resolve) => clock.setTimeout(resolve, SENT_LOOK))
    }
  }

  #late(): void {
    if (this.#isLate) return
    this.#isLate = true
    const { logger, sessions } = this.#app.shared
    const fields = { sockets: sessions.size, milliseconds: this.#milliseconds }
    logger.warn(fields, 'stopping took too long: what is left is cut off')
  }
}
