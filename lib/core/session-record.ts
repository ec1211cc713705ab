import type { Session } from './session.ts'
import { packTurn, packWhereabouts, plainJson, type SessionTerms, type Turn } from './session-state.ts'

/** After how many turns, at least, a session is written as a whole again, so that those before need not be kept. */
const TURNS = 32

/** How many turns it may take where too much is kept to be written again; and how many bytes of messages that is. */
const MOST_TURNS = 4_096
const MUCH = 256 * 1024

/** With more than that it is not written as a whole at all. */
const TOO_MUCH = 1024 * 1024

/** What the records of a gateway's sessions have in common. */
export interface RecordDesk {
  /** This node's name. */
  readonly node: string
  readonly path: string
  readonly ttl: number
  /** Whether the broker can be expected to take something. */
  readonly isReady: boolean
  readonly base: number | undefined
  /** See `StreamRelay`. */
  readonly floor: number
  readonly isAstray: boolean
  readonly last: number
  /** Has `write` called at the end of the turn, before anything is sent. */
  later(record: SessionRecord): void
  /** Replaces the record, if it is of that version; resolves with the new one, undefined where it is another's now. */
  claim(sid: string, bytes: Uint8Array, version: string | null | undefined): Promise<string | undefined>
  touch(sid: string): void
  erase(sid: string, version: string): void
  append(stream: string, bytes: Uint8Array, limit: number): Promise<unknown>
  clear(stream: string): void
  /** Its data cannot be carried to another node. */
  unmovable(session: Session): void
}

/** The name of the record, and of the stream, of a session. */
export function recordOf(sid: string): string {
  return `session:${sid}`
}

export function streamOf(sid: string, generation: string): string {
  return `session:${sid}:${generation}`
}

/**
 * Writes down, for other nodes, what happens to one session: where it is, in a record, and what it has sent and received, a turn at a
 * time, in a stream. So another node can go on with it, also when this one is no more.
 */
export class SessionRecord {
  readonly session: Session
  readonly generation: string
  readonly #desk: RecordDesk
  /** Of the record; null as long as there is none. Resolves with undefined where it is another's. */
  #version: Promise<string | undefined> | null
  #isDirty = false
  #isOver = false
  /** Whether the record is there, as far as is known. */
  #isWritten = false
  /** Whether what is in the stream is of no use any more, so that it has to be written as a whole. */
  #isBehind = true
  #hasNewTerms = true
  #hasNewRooms = true
  #hasNewStates = true
  #data: string | undefined
  #isUnmovable = false
  #number = 0
  /** How many turns there are since it was written as a whole. */
  #turns = 0
  /** The last message to it alone that was written. */
  #written = 0
  /** When it was written last. */
  writtenAt = 0

  /** `version` is that of the record where there is one already, which says that it is here, in that generation. */
  constructor(session: Session, desk: RecordDesk, generation: string, version: string | null) {
    this.session = session
    this.generation = generation
    this.#desk = desk
    this.#version = version === null ? null : Promise.resolve(version)
    this.#isWritten = version !== null
  }

  /** Whether other nodes can have it, as far as is known here. */
  get isMovable(): boolean {
    return !this.#isUnmovable && !this.#isOver
  }

  /** Something has happened that others have to know of. */
  changed(what: 'terms' | 'rooms' | 'states' | 'messages'): void {
    if (what === 'terms') this.#hasNewTerms = true
    if (what === 'rooms') this.#hasNewRooms = true
    if (what === 'states') this.#hasNewStates = true
    if (this.#isDirty || this.#isOver) return
    this.#isDirty = true
    this.#desk.later(this)
  }

  /** Writes what has changed. Never throws, and waits for nothing. */
  write(): void {
    if (!this.#isDirty || this.#isOver) return
    this.#isDirty = false
    void this.#write(false)
  }

  /** Writes it as a whole, so that it lives on. */
  refresh(): void {
    this.#isBehind = true
    this.#desk.touch(this.session.id)
    this.changed('messages')
  }

  /** The broker is there again, or has forgotten the record: what it missed is written. */
  catchUp(hasRecord: boolean): void {
    if (!hasRecord && this.#isWritten) {
      this.#version = null
      this.#isWritten = false
      this.#isBehind = true
    }
    if (this.#isBehind) this.changed('messages')
  }

  /**
   * Writes it for the last time, and gives it away; resolves with whether that is certain. From the call on, nothing more may happen
   * to it.
   */
  async release(): Promise<boolean> {
    if (!this.isMovable || !(await this.#write(true))) return false
    this.#isOver = true
    const { session, generation } = this
    const { path } = this.#desk
    const free = packWhereabouts({ node: '', path, generation })
    try {
      const version = await this.#version
      return version !== undefined && (await this.#desk.claim(session.id, free, version)) !== undefined
    } catch {
      return false
    }
  }

  /** The session is over: nobody goes on with it. */
  end(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#erase()
    this.#desk.clear(streamOf(this.session.id, this.generation))
  }

  /** It is another node's. */
  forget(): void {
    this.#isOver = true
  }

  async #write(isLast: boolean): Promise<boolean> {
    const desk = this.#desk
    const { session } = this
    const { base } = desk
    if (this.#isUnmovable || base === undefined || (!desk.isReady && this.#isBehind)) return false
    const data = plainJson(session.socket.data)
    const turn = data === undefined ? undefined : this.#turn(data, base, isLast)
    if (data === undefined) this.#isUnmovable = true
    if (data === undefined) desk.unmovable(session)
    if (turn === undefined) {
      this.#erase()
      return false
    }
    this.writtenAt = session.shared.clock.now()
    const { generation } = this
    const { node, path } = desk
    try {
      // Together, and the record first: without a stream, it says nothing.
      if (this.#version === null) {
        const claiming = desk.claim(session.id, packWhereabouts({ node, path, generation }), null)
        this.#version = claiming
        // Next time it is tried again.
        claiming.catch(() => {
          if (this.#version === claiming) this.#version = null
        })
      }
      const claimed = this.#version
      await desk.append(streamOf(session.id, generation), packTurn(turn), this.#turns)
      // Nobody else has a session of this id, but a node to which this one is dead.
      this.#isWritten = (await claimed) !== undefined
      if (this.#isWritten) return true
      this.#isUnmovable = true
    } catch {
      // What was not taken leaves a hole, which only the whole can fill.
      this.#isBehind = true
      if (desk.isReady) this.#erase()
    }
    return false
  }

  /** What has happened since the last; undefined where that is too much. */
  #turn(data: string, base: number, isLast: boolean): Turn | undefined {
    const { session } = this
    const { journal } = session.resumable as NonNullable<Session['resumable']>
    const { received, acknowledged, lost, begin, entered, stays } = journal.state
    const isWhole = this.#isBehind || this.#isTime(journal.bytes, journal.size)
    if (isWhole && journal.bytes > TOO_MUCH) {
      this.#isBehind = true
      return undefined
    }
    const kept = journal.keptAfter(isWhole ? 0 : this.#written)
    const hasTerms = isWhole || this.#hasNewTerms
    const hasRooms = isWhole || this.#hasNewRooms
    const { presence } = session.route
    const turn: Turn = {
      number: ++this.#number,
      isWhole,
      last: this.#desk.last,
      received,
      acknowledged,
      lost: begin < this.#desk.floor ? Math.max(lost, this.#desk.floor) : lost,
      isBusy: !isLast && (!session.dispatch.isIdle || this.#desk.isAstray),
      request: session.lastRequest,
      kept,
      ...(hasTerms && { terms: this.#terms(base) }),
      ...(hasRooms && { rooms: { begin, entered, stays } }),
      ...(presence && (isWhole || this.#hasNewStates) && { states: presence.statesOf(session) }),
      ...((isWhole || data !== this.#data) && { data }),
    }
    this.#turns = isWhole ? 1 : this.#turns + 1
    this.#isBehind = this.#hasNewTerms = this.#hasNewRooms = this.#hasNewStates = false
    this.#data = data
    this.#written = kept.at(-1)?.pos ?? this.#written
    return turn
  }

  #isTime(bytes: number, size: number): boolean {
    if (this.#turns >= MOST_TURNS) return true
    return this.#turns >= Math.max(TURNS, size) && bytes <= MUCH
  }

  #terms(base: number): SessionTerms {
    const { session } = this
    return {
      base,
      params: session.handshake.params,
      user: session.identity?.user ?? null,
      codec: session.resumable?.codecName ?? '',
      tokens: session.resumable?.tokens ?? [],
    }
  }

  /** What is written is of no use any more. */
  #erase(): void {
    const { id } = this.session
    this.#version?.then(
      (version) => version !== undefined && this.#desk.erase(id, version),
      () => {},
    )
    this.#version = null
    this.#isWritten = false
  }
}
