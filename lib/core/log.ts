import type { Payload } from '../protocol/codec.ts'

/** Something that is gone, though somebody may not have it: up to its position, nothing of its room is there any more. */
export interface Loss {
  readonly pos: number
  /** The ids of those who were left out. */
  readonly exceptIds: readonly string[]
  /** The rooms whose members were left out. */
  readonly exceptRooms: readonly string[]
}

/** Something that a gateway sent to many, as plain data: what it was, and for whom. */
export interface Broadcast extends Loss {
  /** The rooms in any of which one had to be; undefined for everybody. */
  readonly rooms: readonly string[] | undefined
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
 * missed. Kept in this process. Where several nodes share one order, each keeps the same of it (core/stream-relay.ts), and the places
 * of broadcasts are given by that.
 */
export interface EventLog {
  /** The position that was given last; 0 before the first. */
  readonly last: number
  /** How many bytes are kept. */
  readonly bytes: number
  /** Gives the next position. */
  next(): number
  /** Goes on after a position; one that is not above the last is none to go on after, and changes nothing. */
  advance(pos: number): void
  /** Keeps a broadcast, which has the position given last. */
  append(broadcast: Broadcast): void
  /**
   * The broadcasts after a position, in order: those for everybody, and those for any of these rooms up to the position
   * that stands with each. Undefined where it is not known any more what of that is gone.
   */
  after(pos: number, rooms: ReadonlyMap<string, number>): readonly Broadcast[] | undefined
  /** What is gone of a room's, or of what was for everybody; the last, and the last before that left out others. */
  losses(room: string | undefined): readonly Loss[]
  /** Takes note that something of a room's may be gone up to a position, or of what was for everybody. */
  lose(room: string | undefined, pos: number): void
  /** Takes note that anything may be gone up to a position, whoever it was for. */
  loseAll(pos: number): void
  /** Forgets everything, and begins anew after a position, which may be one below the last. */
  restart(pos: number): void
  /** Counts bytes that are kept for a session alone, or no more; false where there is no place for them. */
  grow(bytes: number): boolean
  /** Forgets what is too old to be asked for. */
  trim(): void
}

/** How often data is encoded again that sends something itself. */
const TRIES = 8

/**
 * Has something encoded under the next position: again, where its data sent something else meanwhile, since positions rise in
 * the order of sending.
 *
 * @throws Error where its data does so each time.
 */
export function positioned<T>(log: EventLog, encode: (pos: number) => T): T {
  for (let tries = 0; tries < TRIES; tries++) {
    const pos = log.next()
    const encoded = encode(pos)
    if (log.last === pos) return encoded
  }
  throw new Error(
    'what is sent sends something itself each time that it is encoded, as in a toJSON(), so that it has no place in the ' +
      'order of sending',
  )
}
