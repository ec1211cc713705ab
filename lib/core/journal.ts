import type { Payload } from '../protocol/codec.ts'
import { Fifo } from './fifo.ts'
import type { Broadcast, EventLog, Loss } from './log.ts'
import type { Counters } from './stats.ts'

/** What a message that is kept takes beside its payload, about. */
const OVERHEAD = 128

/** After so many positions of the client's the server says what it has. */
const TELL = 32

/** A message to one session alone. */
export interface Kept {
  readonly pos: number
  readonly payload: Payload
}

/** From after one position to another, both inclusive of what they mean: (from, to]. */
interface Stay {
  readonly room: string
  readonly from: number
  readonly to: number
}

/** Where a session was, and is no more: by room, in order. */
type Stays = ReadonlyMap<string, Fifo<Stay>>

/** What a journal knows, as plain data, for another node to go on with. */
export interface JournalState {
  readonly begin: number
  readonly received: number
  readonly acknowledged: number
  readonly lost: number
  readonly entered: readonly (readonly [room: string, after: number])[]
  readonly stays: readonly (readonly [room: string, from: number, to: number])[]
}

/** What a journal writes in, and how much. */
export interface JournalRules {
  readonly log: EventLog
  /** How many messages to this session alone are kept, and how many it may miss. */
  readonly limit: number
  count(what: keyof Counters): void
}

/** What one session that can be resumed has sent and received, and in which rooms it was when. */
export class Journal {
  /** Called when anything has changed that another node would have to know. */
  changed: ((what: 'rooms' | 'messages') => void) | undefined
  #begin: number
  readonly #id: string
  readonly #codec: number
  readonly #rules: JournalRules
  /** The last position of the client's that has come. */
  #received = 0
  /** The last of those that the client was told of. */
  #told = 0
  /** The last position that the client is known to have. */
  #acknowledged: number
  /** The last message to this session alone that was given up. */
  #lost = 0
  readonly #kept = new Fifo<Kept>()
  #bytes = 0
  /** After which position it entered each of the rooms that it is in. */
  readonly #entered = new Map<string, number>()
  #stays: Stay[] = []

  constructor(id: string, codec: number, rules: JournalRules) {
    this.#id = id
    this.#codec = codec
    this.#rules = rules
    this.#begin = rules.log.last
    this.#acknowledged = this.#begin
  }

  /** The position after which the session began. */
  get begin(): number {
    return this.#begin
  }

  get received(): number {
    return this.#received
  }

  /** Takes note of something that came with a position; false for what has come before. */
  accept(pos: number): boolean {
    if (pos <= this.#received) return false
    this.#received = pos
    this.changed?.('messages')
    return true
  }

  /** The position that the client is to be told of, where it is time for that, or where there is any. */
  owed(any: boolean): number | undefined {
    const owed = this.#received - this.#told
    if (owed < (any ? 1 : TELL)) return undefined
    this.#told = this.#received
    return this.#received
  }

  /** Keeps what is sent to this session alone. */
  keep(pos: number, payload: Payload): void {
    this.#kept.push({ pos, payload })
    this.#bytes += payload.length
    this.changed?.('messages')
    let fits = this.#rules.log.grow(payload.length + OVERHEAD)
    while (this.#kept.length > 0 && (!fits || this.#kept.length > this.#rules.limit)) {
      this.#lost = this.#shift().pos
      this.#rules.count('keptEvicted')
      fits = this.#rules.log.grow(0)
    }
  }

  /** Forgets what the client has; false for a position that it cannot have. */
  acknowledge(pos: number): boolean {
    if (pos > this.#rules.log.last) return false
    if (pos <= this.#acknowledged) return true
    this.#acknowledged = pos
    while ((this.#kept.at(0)?.pos ?? Number.POSITIVE_INFINITY) <= pos) this.#shift()
    if (this.#stays.length > 0) this.#stays = this.#stays.filter(({ to }) => to > pos)
    return true
  }

  entered(room: string): void {
    this.#entered.set(room, this.#rules.log.last)
    this.changed?.('rooms')
  }

  left(room: string): void {
    const from = this.#entered.get(room) ?? this.#begin
    const to = this.#rules.log.last
    this.#entered.delete(room)
    this.changed?.('rooms')
    if (to > Math.max(from, this.#acknowledged)) this.#stays.push({ room, from, to })
    // Who comes and goes, and never says what it has, is not remembered for ever.
    if (this.#stays.length > this.#rules.limit)
      this.#lost = Math.max(this.#lost, (this.#stays.shift() as Stay).to)
  }

  /** What was sent to this session after a position, in order; undefined where that cannot be told any more. */
  missed(pos: number): Payload[] | undefined {
    const { log, limit } = this.#rules
    if (pos < this.#acknowledged || pos > log.last || pos < this.#lost) return undefined
    const stays = this.#staysAfter(pos)
    if (this.#hasLost(pos, stays)) return undefined
    const broadcasts = log.after(pos, this.#reach(stays))
    if (broadcasts === undefined) return undefined
    const missed: Payload[] = []
    let own = this.#kept.search((one) => one.pos > pos)
    const before = (end: number): void => {
      for (let next = this.#kept.at(own); next !== undefined && next.pos < end; next = this.#kept.at(++own))
        missed.push(next.payload)
    }
    for (const broadcast of broadcasts) {
      const payload = broadcast.payloads[this.#codec]
      if (payload === undefined || !this.#isMeant(broadcast, stays)) continue
      before(broadcast.pos)
      missed.push(payload)
      if (missed.length > limit) return undefined
    }
    before(Number.POSITIVE_INFINITY)
    return missed.length > limit ? undefined : missed
  }

  /** All but the messages. */
  get state(): JournalState {
    return {
      begin: this.#begin,
      received: this.#received,
      acknowledged: this.#acknowledged,
      lost: this.#lost,
      entered: [...this.#entered],
      stays: this.#stays.map(({ room, from, to }) => [room, from, to]),
    }
  }

  /** How many messages to this session alone are kept, and how many bytes they have. */
  get size(): number {
    return this.#kept.length
  }

  get bytes(): number {
    return this.#bytes
  }

  /** The messages to this session alone after a position that its client may not have, in order. */
  keptAfter(pos: number): Kept[] {
    const kept: Kept[] = []
    for (let i = this.#kept.search((one) => one.pos > pos); i < this.#kept.length; i++)
      kept.push(this.#kept.at(i) as Kept)
    return kept
  }

  /** Goes on where that of another node was. */
  restore(
    { begin, received, acknowledged, lost, entered, stays }: JournalState,
    kept: readonly Kept[],
  ): void {
    this.#begin = begin
    this.#received = this.#told = received
    this.#acknowledged = acknowledged
    this.#lost = lost
    for (const [room, after] of entered) if (this.#entered.has(room)) this.#entered.set(room, after)
    this.#stays = stays.map(([room, from, to]) => ({ room, from, to }))
    for (const { pos, payload } of kept) this.keep(pos, payload)
  }

  /** Gives back all that it keeps. */
  end(): void {
    while (this.#kept.length > 0) this.#shift()
  }

  /** Whether anything is gone that was meant for it after a position, or may have been. */
  #hasLost(pos: number, stays: Stays): boolean {
    const hasLost = (room: string | undefined, from: number): boolean =>
      this.#rules.log
        .losses(room)
        .some((loss) => loss.pos > pos && loss.pos > from && !this.#isLeftOut(loss, stays))
    if (hasLost(undefined, this.#begin)) return true
    for (const [room, past] of stays) if (hasLost(room, past.at(0)?.from ?? 0)) return true
    for (const [room, entered] of this.#entered) if (hasLost(room, entered)) return true
    return false
  }

  #isMeant(broadcast: Broadcast, stays: Stays): boolean {
    const { pos, rooms } = broadcast
    if (rooms !== undefined && !rooms.some((room) => this.#wasIn(room, pos, stays))) return false
    return !this.#isLeftOut(broadcast, stays)
  }

  #isLeftOut({ pos, exceptIds, exceptRooms }: Loss, stays: Stays): boolean {
    return exceptIds.includes(this.#id) || exceptRooms.some((room) => this.#wasIn(room, pos, stays))
  }

  #wasIn(room: string, pos: number, stays: Stays): boolean {
    const entered = this.#entered.get(room)
    if (entered !== undefined && entered < pos) return true
    const past = stays.get(room)
    const stay = past?.at(past.search(({ to }) => pos <= to))
    return stay !== undefined && stay.from < pos
  }

  /** Where it was after a position and is no more, by room. */
  #staysAfter(pos: number): Stays {
    const byRoom = new Map<string, Fifo<Stay>>()
    for (const stay of this.#stays) {
      if (stay.to <= pos) continue
      const others = byRoom.get(stay.room) ?? new Fifo<Stay>()
      others.push(stay)
      byRoom.set(stay.room, others)
    }
    return byRoom
  }

  /** Up to which position each of the rooms matters that it was in. */
  #reach(stays: Stays): Map<string, number> {
    const reach = new Map<string, number>()
    for (const [room, past] of stays) reach.set(room, past.at(past.length - 1)?.to ?? 0)
    for (const room of this.#entered.keys()) reach.set(room, Number.POSITIVE_INFINITY)
    return reach
  }

  #shift(): Kept {
    const oldest = this.#kept.shift() as Kept
    this.#bytes -= oldest.payload.length
    this.#rules.log.grow(-(oldest.payload.length + OVERHEAD))
    return oldest
  }
}
