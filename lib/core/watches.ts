import { PartylineError } from '../protocol/error.ts'
import type { NamedFrame } from '../protocol/named.ts'
import { Chore, type Deed, nothing } from './chore.ts'
import { inTime } from './deadline.ts'
import { type GatewayPresence, memberOf, type Watching } from './presence.ts'
import type { Session } from './session.ts'

/** How long who watches waits for what other nodes know, in milliseconds. */
const PATIENCE = 5_000

/** The rooms that one session watches. */
export class Watches {
  readonly #session: Session
  readonly #presence: GatewayPresence
  readonly #open = new Map<string, Watching>()
  /** How many lines have ended: what was asked for on one is not for the next. */
  #ends = 0

  constructor(session: Session, presence: GatewayPresence) {
    this.#session = session
    this.#presence = presence
  }

  end(): void {
    this.#ends++
    for (const watching of this.#open.values()) watching.close()
    this.#open.clear()
  }

  /** Who has left a room goes on watching only where the rule lets others watch. */
  left(room: string): void {
    const watching = this.#open.get(room)
    if (watching === undefined) return
    const decide = (may: boolean): void => {
      if (!may && !this.#session.roomNames.has(room)) this.#close(room, watching)
    }
    const may = this.#presence.allows(this.#session, room)
    if (may instanceof Promise) void may.then(decide)
    else decide(may)
  }

  choreFor(frame: NamedFrame): Chore | undefined {
    if ('watch' in frame) {
      const ends = this.#ends
      return new Chore('watch', frame.id, () => {
        const granted = this.#presence.granted(this.#session, frame.watch)
        const decide = (): Deed => (ends === this.#ends ? this.#watch(frame.watch) : async () => nothing)
        return granted instanceof Promise ? granted.then(decide) : decide()
      })
    }
    if ('unwatch' in frame)
      return new Chore('unwatch', frame.id, () => {
        const watching = this.#open.get(frame.unwatch)
        if (watching !== undefined) this.#close(frame.unwatch, watching)
        return async () => nothing
      })
    return undefined
  }

  #watch(room: string): Deed {
    const { shared } = this.#session
    const { rooms } = shared.limits
    const open = this.#open.get(room)
    if (open === undefined && this.#open.size >= rooms) {
      shared.stats.count('joinsRefused')
      throw new PartylineError('OVERLOADED', `a socket may watch ${rooms} rooms at most`)
    }
    const watching = open ?? this.#presence.watch(this.#session, room)
    this.#open.set(room, watching)
    return async () => {
      // Where the broker is away, those of this node are known, and the others are told when it is back.
      await inTime(watching.ready, shared.clock, PATIENCE)
      return () => watching.begin().map(memberOf)
    }
  }

  #close(room: string, watching: Watching): void {
    watching.close()
    if (this.#open.get(room) === watching) this.#open.delete(room)
  }
}
