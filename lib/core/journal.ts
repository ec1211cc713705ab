import type { Payload } from '../protocol/codec.ts'
import { type Broadcast, type EventLog, OVERHEAD } from './log.ts'
import type { Counters } from './stats.ts'

/** After so many positions of the client's the server says what it has. */
const TELL = 32

interface Kept {
  readonly pos: number
  readonly payload: Payload
}

/** From after one position to another, both inclusive of what they mean: (from, to]. */
interface Stay {
  readonly room: string
  readonly from: number
  readonly to: number
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
  /** The position after which the session began. */
  readonly begin: number
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
  #kept: Kept[] = []
  /** Where what is kept begins; what is before it is gone, and cut off together once it is much. */
  #first = 0
  /** After which position it entered each of the rooms that it is in. */
  readonly #entered = new Map<string, number>()
  #stays: Stay[] = []

  constructor(id: string, codec: number, rules: JournalRules) {
    this.#id = id
    this.#codec = codec
    this.#rules = rules
    this.begin = rules.log.last
    this.#acknowledged = this.begin
  }

  get received(): number {
    return this.#received
  }

  /** How many messages are kept for this session alone. */
  get size(): number {
    return this.#kept.length - this.#first
  }

  /** Takes note of something that came with a position; false for what has come before. */
  accept(pos: number): boolean {
    if (pos <= this.#received) return false
    this.#received = pos
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
    let fits = this.#rules.log.grow(payload.length + OVERHEAD)
    while (this.size > 0 && (!fits || this.size > this.#rules.limit)) {
      const oldest = this.#shift()
      this.#lost = oldest.pos
      this.#rules.count('keptEvicted')
      fits = this.#rules.log.grow(0)
    }
  }

  /** Forgets what the client has; false for a position that it cannot have. */
  acknowledge(pos: number): boolean {
    if (pos > this.#rules.log.last) return false
    if (pos <= this.#acknowledged) return true
    this.#acknowledged = pos
    while (this.size > 0 && (this.#kept[this.#first] as Kept).pos <= pos) this.#shift()
    if (this.#stays.length > 0) this.#stays = this.#stays.filter(({ to }) => to > pos)
    return true
  }

  entered(room: string): void {
    this.#entered.set(room, this.#rules.log.last)
  }

  left(room: string): void {
    const from = this.#entered.get(room) ?? this.begin
    const to = this.#rules.log.last
    this.#entered.delete(room)
    if (to > Math.max(from, this.#acknowledged)) this.#stays.push({ room, from, to })
    // Who comes and goes, and never says what it has, is not remembered for ever.
    if (this.#stays.length > this.#rules.limit)
      this.#lost = Math.max(this.#lost, (this.#stays.shift() as Stay).to)
  }

  /** What was sent to this session after a position, in order; undefined where that cannot be told any more. */
  missed(pos: number): Payload[] | undefined {
    const { log, limit } = this.#rules
    if (pos < this.#acknowledged || pos > log.last || pos < this.#lost) return undefined
    const broadcasts = log.after(pos)
    if (broadcasts === undefined) return undefined
    const missed: Payload[] = []
    let own = this.#first
    const before = (end: number): void => {
      for (; own < this.#kept.length && (this.#kept[own] as Kept).pos < end; own++) {
        const { pos: at, payload } = this.#kept[own] as Kept
        if (at > pos) missed.push(payload)
      }
    }
    for (const broadcast of broadcasts) {
      const payload = broadcast.payloads[this.#codec]
      if (payload === undefined || !this.#isMeant(broadcast)) continue
      before(broadcast.pos)
      missed.push(payload)
    }
    before(Number.POSITIVE_INFINITY)
    return missed.length > limit ? undefined : missed
  }

  /** Gives back all that it keeps. */
  end(): void {
    while (this.size > 0) this.#shift()
  }

  #isMeant({ pos, rooms, exceptIds, exceptRooms }: Broadcast): boolean {
    if (pos <= this.begin || exceptIds.includes(this.#id)) return false
    if (rooms !== undefined && !rooms.some((room) => this.#wasIn(room, pos))) return false
    return !exceptRooms.some((room) => this.#wasIn(room, pos))
  }

  #wasIn(room: string, pos: number): boolean {
    const entered = this.#entered.get(room)
    if (entered !== undefined && entered < pos) return true
    return this.#stays.some((stay) => stay.room === room && stay.from < pos && pos <= stay.to)
  }

  #shift(): Kept {
    const oldest = this.#kept[this.#first] as Kept
    this.#first++
    this.#rules.log.grow(-(oldest.payload.length + OVERHEAD))
    if (this.#first * 2 > this.#kept.length) {
      this.#kept = this.#kept.slice(this.#first)
      this.#first = 0
    }
    return oldest
  }
}
