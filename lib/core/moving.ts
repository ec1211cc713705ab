import type { Broker } from '../broker/broker.ts'
import type { BrokerRecord } from '../broker/records.ts'
import type { Asking } from '../nodes/asking.ts'
import { closeCodes } from '../protocol/close.ts'
import { inTime } from './deadline.ts'
import { isSettled, release, untilSettled } from './handover.ts'
import { isEntrys } from './places.ts'
import { type Comeback, fromWhere, isSame, resumeOf, sidIn } from './recovery.ts'
import type { Session } from './session.ts'
import { recordOf, streamOf } from './session-record.ts'
import { type SessionState, stateAfter, type Turn, unpackTurn, unpackWhereabouts } from './session-state.ts'
import type { SharedSessions } from './shared-sessions.ts'

/** What one node asks another, which has the session that somebody wants to go on with. */
export interface Move {
  readonly sid: string
  readonly token: string
  /** Absent where its client has nothing of the session. */
  readonly pos: number | undefined
  readonly user: string | null
  readonly params: Readonly<Record<string, string>>
  readonly codec: string
}

/** What it answers: that anybody may take it now; that it may not be had, or not yet; that it is not there. */
export type MoveAnswer = 'free' | 'refused' | 'busy' | 'none'

/** Whether the session that somebody asks for is here now; is to be had nowhere; or may be later. */
export type Brought = 'here' | 'nowhere' | 'later'

/** A session that another node had. */
export interface Restored {
  readonly id: string
  readonly token: string
  readonly state: SessionState
  readonly generation: string
  /** Of its record. */
  readonly version: string
}

/** For how long another node is waited for, in milliseconds. */
const PATIENCE = 2_000

/** For how long what runs for a session may go on before it is said to be busy: less than that. */
const SETTLE = 1_500

/** How long a broker may be away before clients that come from other nodes begin anew, rather than try again. */
const AWAY = 10_000

/** How often a record is read that others write at the same time. */
const TRIES = 4

/** How many entries are read at a time. */
const PAGE = 1_000

/** How sessions of one gateway go from one node to another: asked for by their clients, or because a node stops. */
export class Moving {
  readonly #broker: Broker
  readonly #asking: Asking
  readonly #path: string
  readonly #sessions: SharedSessions
  /** What goes on with sessions, by id: each one thing at a time. */
  readonly #busy = new Map<string, Promise<unknown>>()
  /** Since when a session was wanted elsewhere, and something ran for it. */
  readonly #wanted = new WeakMap<Session, number>()
  /** Whether this node stops. */
  #isLeaving = false

  constructor(broker: Broker, asking: Asking, path: string, sessions: SharedSessions) {
    this.#broker = broker
    this.#asking = asking
    this.#path = path
    this.#sessions = sessions
  }

  /** Gets the session that somebody asks for, from wherever it is. `make` makes a session of it. Never rejects. */
  async bring(comeback: Comeback, make: (restored: Restored) => Session): Promise<Brought> {
    const token = resumeOf(comeback)?.token
    const sid = token === undefined ? undefined : sidIn(token)
    if (sid === undefined) return 'nowhere'
    if (this.#isLeaving) return 'later'
    const busy = this.#busy.get(sid)
    if (busy !== undefined) {
      const { clock } = this.#sessions
      return (await inTime(busy, clock, 2 * PATIENCE)) && this.#sessions.get(sid) ? 'here' : 'later'
    }
    return this.#alone(sid, () =>
      this.#bring(sid, comeback, make).catch((): Brought => {
        return this.#sessions.awayFor > AWAY ? 'nowhere' : 'later'
      }),
    )
  }

  /** Gives a session away that another node asks for; resolves with what became of that. */
  async asked(move: Move): Promise<MoveAnswer> {
    const { sid } = move
    const busy = this.#busy.get(sid)
    if (busy !== undefined) {
      const { clock } = this.#sessions
      await inTime(busy, clock, SETTLE)
      return this.#busy.has(sid) || this.#sessions.get(sid)?.isLive ? 'busy' : 'none'
    }
    const session = this.#sessions.get(sid)
    if (session === undefined || !session.isLive || session.resumable === undefined) return 'none'
    if (!isMeant(session, move)) return 'refused'
    if (!this.#canMove(session, move.pos)) {
      // As where it is asked for here: its client will have another.
      session.giveUp()
      return 'refused'
    }
    const { code } = closeCodes.takenOver
    return this.#alone(sid, () => this.#release(session, code, 'resumed elsewhere', false))
  }

  /** This node stops: it takes no session any more. */
  leave(): void {
    this.#isLeaving = true
  }

  /** Gives a session away because its node stops, if what runs for it ends before that; resolves with whether it is gone. */
  async depart(session: Session, deadline: Promise<void>): Promise<boolean> {
    const record = session.resumable?.record
    if (!this.#sessions.isSynced || this.#broker.state === 'away' || !record?.isMovable) return false
    await this.#busy.get(session.id)
    if (!session.isLive) return false
    const { code } = closeCodes.restart
    const release = this.#alone(session.id, () =>
      this.#release(
        session,
        code,
        'the server is going away',
        deadline.then(() => false),
      ),
    )
    return (await release) === 'free'
  }

  async #alone<T>(sid: string, task: () => Promise<T>): Promise<T> {
    const doing = task().finally(() => this.#busy.delete(sid))
    this.#busy.set(sid, doing)
    return doing
  }

  async #release(
    session: Session,
    code: number,
    reason: string,
    deadline: false | Promise<boolean>,
  ): Promise<MoveAnswer> {
    const { clock, farewell } = this.#sessions
    if (session.isOpen) session.leaveLine(code, reason)
    // Whoever waits for the client's answers would wait for what can only come elsewhere.
    session.abandonRequests()
    const settled = untilSettled(session)
    const isDone = await (deadline === false
      ? inTime(settled, clock, SETTLE)
      : Promise.race([settled.then(() => true), deadline]))
    if (!session.isSuspended) return session.isLive ? 'busy' : 'none'
    if (!isDone || !isSettled(session)) {
      const since = this.#wanted.get(session) ?? clock.now()
      this.#wanted.set(session, since)
      if (clock.now() - since < farewell) return 'busy'
      session.giveUp()
      return 'refused'
    }
    return (await release(session)) ? 'free' : 'refused'
  }

  /** Rejects where the broker is out of reach. */
  async #bring(sid: string, comeback: Comeback, make: (restored: Restored) => Session): Promise<Brought> {
    const { records, node: own } = this.#broker
    if (!this.#sessions.isSynced || this.#broker.state === 'away') throw new Error('the broker is away')
    if (this.#sessions.relay.isTelling) return 'later'
    let refusals = 0
    for (let tries = 0; tries < TRIES; tries++) {
      const record = await records.read(recordOf(sid))
      const where = record && unpackWhereabouts(record.bytes)
      if (record === undefined || where === undefined || where.path !== this.#path) return 'nowhere'
      if (where.node === own) return this.#sessions.get(sid) === undefined ? 'nowhere' : 'here'
      if (where.node !== '') {
        // Of one that is known to be dead nothing is asked: that is answered at once.
        const answer = await this.#ask(where.node, sid, comeback)
        if (answer === 'refused') return 'nowhere'
        if (answer === 'busy') return 'later'
        if (answer === 'none' && ++refusals > 1) return 'nowhere'
        if (answer !== undefined) continue
        if (this.#broker.nodes.live.includes(where.node)) return 'later'
      }
      const brought = await this.#take(sid, record, where.generation, comeback, make)
      if (brought !== undefined) return brought
    }
    return 'later'
  }

  async #ask(node: string, sid: string, comeback: Comeback): Promise<MoveAnswer | undefined> {
    const { token = '', pos } = resumeOf(comeback) ?? {}
    const move: Move = {
      sid,
      token,
      pos,
      user: comeback.identity?.user ?? null,
      params: comeback.handshake.params,
      codec: this.#sessions.codecName(comeback.codecIndex),
    }
    const { answers } = await this.#asking.ask({ path: this.#path, move }, PATIENCE, node)
    const answer = answers[0]?.data
    return ANSWERS.find((one) => one === answer)
  }

  /** Takes a session that nobody has, unless somebody else is first: then undefined. */
  async #take(
    sid: string,
    record: BrokerRecord,
    generation: string,
    comeback: Comeback,
    make: (restored: Restored) => Session,
  ): Promise<Brought | undefined> {
    const { token = '', pos: known } = resumeOf(comeback) ?? {}
    // Who has no right to it must not have any effect on it.
    const before = await this.#read(sid, generation)
    if (before === undefined || !this.#mayHave(before, token, comeback)) return 'nowhere'
    const next = crypto.randomUUID()
    const version = await this.#sessions.claim(sid, next, record.version)
    if (version === undefined) return undefined
    const state = await this.#read(sid, generation).catch(async (error: unknown) => {
      await this.#sessions.giveBack(sid, generation, version)
      throw error
    })
    const pos = state && fromWhere(known, state.journal.begin, comeback.resume !== undefined)
    if (state === undefined || pos === undefined || !this.#isWhole(state, pos)) {
      this.#sessions.erase(sid, version)
      return 'nowhere'
    }
    const hasAll = await this.#sessions.relay.reached(Math.max(pos, state.last), PATIENCE)
    // Nobody would see to one that comes while this node stops.
    if (!hasAll || this.#isLeaving) {
      await this.#sessions.giveBack(sid, generation, version)
      return 'later'
    }
    this.#sessions.advance(state.last)
    make({ id: sid, token, state, generation: next, version })
    this.#sessions.clear(streamOf(sid, generation))
    return 'here'
  }

  async #read(sid: string, generation: string): Promise<SessionState | undefined> {
    const turns: Turn[] = []
    const name = streamOf(sid, generation)
    for (let after = 0; ; ) {
      const slice = await this.#broker.streams.read(name, { after, limit: PAGE })
      for (const { bytes } of slice.entries) {
        const turn = unpackTurn(bytes)
        // Whatever another version says here, what was before is not the whole any more.
        if (turn === undefined) turns.length = 0
        else turns.push(turn)
      }
      if (slice.position >= slice.last) return stateAfter(turns)
      after = slice.position
    }
  }

  #mayHave({ terms }: SessionState, token: string, { handshake, identity, codecIndex }: Comeback): boolean {
    if (!terms.tokens.includes(token) || terms.codec !== this.#sessions.codecName(codecIndex)) return false
    return terms.user === (identity?.user ?? null) && isSame(terms.params, handshake.params)
  }

  /** Whether nothing of it is in doubt, and the client has nothing that is not written there. */
  #isWhole({ isBusy, terms, last }: SessionState, pos: number): boolean {
    const { base, floor } = this.#sessions.relay
    return !isBusy && terms.base === base && pos >= floor && (isEntrys(pos) || pos <= last)
  }

  #canMove(session: Session, known: number | undefined): boolean {
    const { resumable, lifecycle } = session
    const { floor } = this.#sessions.relay
    if (resumable === undefined || !resumable.record?.isMovable || lifecycle.isBehind) return false
    const pos = resumable.from(known)
    // What the other nodes do not know, or under another position.
    if (pos < floor && resumable.journal.begin < floor) return false
    return resumable.journal.missed(pos) !== undefined
  }
}

const ANSWERS: readonly MoveAnswer[] = ['free', 'refused', 'busy', 'none']

/** Whether what another node asks for is asked for by whom the session belongs to. */
function isMeant(session: Session, { token, user, params, codec }: Move): boolean {
  if (!session.resumable?.tokens.includes(token) || session.resumable.codecName !== codec) return false
  return (session.identity?.user ?? null) === user && isSame(session.handshake.params, params)
}
