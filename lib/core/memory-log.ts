import type { Clock } from './clock.ts'
import { Fifo } from './fifo.ts'
import type { Broadcast, EventLog, LogBounds, Loss } from './log.ts'
import { Losses } from './losses.ts'
import type { Counters } from './stats.ts'

/** What a broadcast takes beside its payloads, about. */
const OVERHEAD = 400

/** For each so many bytes of what may be kept, it is remembered of one room what is gone of it. */
const BYTES_A_ROOM = 1024

interface Kept {
  readonly broadcast: Broadcast
  readonly time: number
  readonly size: number
}

/** Stands for everybody among the names of rooms, which are strings. */
const EVERYBODY = undefined

/** A log in the memory of this process. */
export class MemoryLog implements EventLog {
  readonly #bounds: LogBounds
  readonly #clock: Clock
  readonly #count: (what: keyof Counters) => void
  #last = 0
  #bytes = 0
  readonly #kept = new Fifo<Kept>()
  /** The same by whom it was for: most of what a gateway sends is not for the one who asks. */
  readonly #byRoom = new Map<string | undefined, Fifo<Broadcast>>()
  readonly #losses: Losses

  constructor(bounds: LogBounds, clock: Clock, count: (what: keyof Counters) => void) {
    this.#bounds = bounds
    this.#losses = new Losses(Math.ceil(bounds.bytes / BYTES_A_ROOM))
    this.#clock = clock
    this.#count = count
  }

  get last(): number {
    return this.#last
  }

  get bytes(): number {
    return this.#bytes
  }

  next(): number {
    return ++this.#last
  }

  advance(pos: number): void {
    this.#last = Math.max(this.#last, pos)
  }

  append(broadcast: Broadcast): void {
    this.trim()
    const size = broadcast.payloads.reduce((sum, payload) => sum + (payload?.length ?? 0), OVERHEAD)
    this.#kept.push({ broadcast, time: this.#clock.now(), size })
    for (const room of broadcast.rooms ?? [EVERYBODY]) {
      const others = this.#byRoom.get(room) ?? new Fifo<Broadcast>()
      others.push(broadcast)
      this.#byRoom.set(room, others)
    }
    this.#bytes += size
    while (this.#bytes > this.#bounds.bytes && this.#evict());
  }

  after(pos: number, rooms: ReadonlyMap<string, number>): readonly Broadcast[] | undefined {
    if (pos < this.#losses.floor) return undefined
    const found: Broadcast[] = []
    this.#collect(found, EVERYBODY, pos, Number.POSITIVE_INFINITY)
    for (const [room, until] of rooms) this.#collect(found, room, pos, until)
    found.sort((one, other) => one.pos - other.pos)
    // One that was for several rooms is there several times.
    return found.filter((broadcast, i) => broadcast !== found[i - 1])
  }

  losses(room: string | undefined): readonly Loss[] {
    return this.#losses.of(room)
  }

  lose(room: string | undefined, pos: number): void {
    this.#losses.add(room, { pos, exceptIds: [], exceptRooms: [] })
  }

  loseAll(pos: number): void {
    this.#losses.raise(pos)
  }

  restart(pos: number): void {
    for (let oldest = this.#kept.shift(); oldest !== undefined; oldest = this.#kept.shift())
      this.#bytes -= oldest.size
    this.#byRoom.clear()
    this.#losses.restart(pos)
    this.#last = pos
  }

  grow(bytes: number): boolean {
    this.#bytes += bytes
    while (this.#bytes > this.#bounds.bytes) if (!this.#evict()) return false
    return true
  }

  trim(): void {
    const before = this.#clock.now() - this.#bounds.age
    while ((this.#kept.at(0)?.time ?? Number.POSITIVE_INFINITY) < before) this.#shift()
  }

  /** Adds what is kept for a room from after one position up to another. */
  #collect(found: Broadcast[], room: string | undefined, pos: number, until: number): void {
    const kept = this.#byRoom.get(room)
    if (kept === undefined) return
    for (let i = kept.search((one) => one.pos > pos); i < kept.length; i++) {
      const broadcast = kept.at(i) as Broadcast
      if (broadcast.pos > until) return
      found.push(broadcast)
    }
  }

  #evict(): boolean {
    if (!this.#shift()) return false
    this.#count('keptEvicted')
    return true
  }

  #shift(): boolean {
    const oldest = this.#kept.shift()
    if (oldest === undefined) return false
    const { broadcast, size } = oldest
    this.#bytes -= size
    for (const room of broadcast.rooms ?? [EVERYBODY]) {
      const others = this.#byRoom.get(room)
      others?.shift()
      if (others?.length === 0) this.#byRoom.delete(room)
      this.#losses.add(room, broadcast)
    }
    return true
  }
}
