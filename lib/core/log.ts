import type { Payload } from '../protocol/codec.ts'
import type { Clock } from './clock.ts'
import type { Counters } from './stats.ts'

/** Something that a gateway sent to many, as plain data: what it was, and for whom. */
export interface Broadcast {
  readonly pos: number
  /** The rooms in any of which one had to be; undefined for everybody. */
  readonly rooms: readonly string[] | undefined
  /** The ids of those who were left out. */
  readonly exceptIds: readonly string[]
  /** The rooms whose members were left out. */
  readonly exceptRooms: readonly string[]
  /** As it was encoded for each codec that somebody concerned uses, by the codec's index. */
  readonly payloads: readonly (Payload | undefined)[]
}

/** What bounds a gateway's log. */
export interface LogBounds {
  /** Milliseconds after which nobody can ask for a broadcast any more. */
  age: number
  /** Of all that is kept, what is kept for sessions alone included. */
  bytes: number
}

/**
 * What a gateway has sent, in the order in which it did: the positions, and the broadcasts that those who come back may have
 * missed. Kept in this process; where several nodes share a log, that is filled in behind the same port.
 */
export interface EventLog {
  /** The position that was given last; 0 before the first. */
  readonly last: number
  /** How many bytes are kept. */
  readonly bytes: number
  /** How many broadcasts are kept. */
  readonly size: number
  /** Gives the next position. */
  next(): number
  /** Keeps a broadcast, which has the position given last. */
  append(broadcast: Broadcast): void
  /** The broadcasts after a position, in order; undefined where some of them are gone. */
  after(pos: number): readonly Broadcast[] | undefined
  /** Counts bytes that are kept for a session alone, or no more; false where there is no place for them. */
  grow(bytes: number): boolean
  /** Forgets what is too old to be asked for. */
  trim(): void
}

/** What a kept entry takes beside its payloads, about. */
export const OVERHEAD = 128

interface Kept {
  readonly broadcast: Broadcast
  readonly time: number
  readonly size: number
}

/** A log in the memory of this process. */
export class MemoryLog implements EventLog {
  readonly #bounds: LogBounds
  readonly #clock: Clock
  readonly #count: (what: keyof Counters) => void
  #last = 0
  #bytes = 0
  #kept: Kept[] = []
  /** Where the log begins; what is before it is gone, and cut off together once it is much. */
  #first = 0
  /** The last position that was given up though somebody might have asked for it. */
  #lost = 0

  constructor(bounds: LogBounds, clock: Clock, count: (what: keyof Counters) => void) {
    this.#bounds = bounds
    this.#clock = clock
    this.#count = count
  }

  get last(): number {
    return this.#last
  }

  get bytes(): number {
    return this.#bytes
  }

  get size(): number {
    return this.#kept.length - this.#first
  }

  next(): number {
    return ++this.#last
  }

  append(broadcast: Broadcast): void {
    this.trim()
    const size = broadcast.payloads.reduce((sum, payload) => sum + (payload?.length ?? 0), OVERHEAD)
    this.#kept.push({ broadcast, time: this.#clock.now(), size })
    this.#bytes += size
    while (this.#bytes > this.#bounds.bytes && this.#evict());
  }

  after(pos: number): readonly Broadcast[] | undefined {
    if (pos < this.#lost) return undefined
    let [low, high] = [this.#first, this.#kept.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#kept[middle] as Kept).broadcast.pos > pos) high = middle
      else low = middle + 1
    }
    return this.#kept.slice(low).map(({ broadcast }) => broadcast)
  }

  grow(bytes: number): boolean {
    this.#bytes += bytes
    while (this.#bytes > this.#bounds.bytes) if (!this.#evict()) return false
    return true
  }

  trim(): void {
    const before = this.#clock.now() - this.#bounds.age
    while ((this.#kept[this.#first]?.time ?? Number.POSITIVE_INFINITY) < before) this.#shift()
  }

  #evict(): boolean {
    const lost = this.#shift()
    if (lost === undefined) return false
    this.#lost = lost.broadcast.pos
    this.#count('keptEvicted')
    return true
  }

  #shift(): Kept | undefined {
    const oldest = this.#kept[this.#first]
    if (oldest === undefined) return undefined
    this.#first++
    this.#bytes -= oldest.size
    if (this.#first * 2 > this.#kept.length) {
      this.#kept = this.#kept.slice(this.#first)
      this.#first = 0
    }
    return oldest
  }
}
