import type { Broker, BrokerLog } from '../broker/broker.ts'
import { isTooLong, type RosterEntry } from '../broker/rosters.ts'
import { type Clock, LONGEST, systemClock } from '../protocol/clock.ts'
import { decodeEntry, type Entry, encodeEntry, encodeState, GONE } from './entry.ts'
import type { Member, PresenceListener, PresenceWatch } from './member.ts'
import { Users } from './users.ts'
import { View } from './view.ts'
import { Waiting } from './waiting.ts'

export interface PresenceOptions {
  /** What joins the nodes. Whoever made it starts and stops it. */
  broker: Pick<Broker, 'rosters'>
  /** The gateway whose rooms these are. The same room of another is another. */
  path: string
  /** How long who has lost a connection may be away without being told as left, in milliseconds. Default 15,000. */
  linger?: number
  /** How many bytes a state may have, as JSON. Default 1,024. */
  stateBytes?: number
  clock?: Clock
  log?: BrokerLog
}

/** Who enters. */
export interface Arrival {
  /**
   * The user; where nobody is known, the connection's own id. No user is taken for such a connection, whatever they are called: as long as
   * it is there, or may be back, a user of that name is not a member.
   */
  id: string
  /** Anything that JSON can carry. Without it, the connection has nothing to say about its member's state. */
  state?: unknown
}

/** For how long an entry stays that says of itself that it is gone: so that watchers read it. */
const LAST_WORDS = 1_000

/** One of this node's connections in one room. */
interface Own {
  readonly room: string
  readonly connection: string
  readonly id: string
}

/**
 * Who is in the rooms of one gateway, over all nodes. Connections enter and leave rooms; those of one user are one member.
 *
 * @example
 * ```ts
 * import { memory, Presence } from 'partyline'
 *
 * const presence = new Presence({ broker: memory(), path: '/chat' })
 * const watch = presence.watch('lobby', ({ joined, changed, left }) => {
 *   console.log(joined.length, changed.length, left.length)
 * })
 * presence.enter('lobby', 'connection 1', { id: 'ann', state: { mood: 'happy' } })
 * presence.enter('lobby', 'connection 2', { id: 'ann' })
 * presence.leave('lobby', 'connection 2', { linger: true })
 * presence.leave('lobby', 'connection 1', { linger: false })
 * watch.close()
 * presence.close()
 * ```
 */
export class Presence {
  readonly #options: Required<PresenceOptions>
  /** This node's connections, by room. */
  readonly #own = new Map<string, Map<string, Own>>()
  /** Those that have left on purpose, and have still to say so. */
  readonly #leaving: Waiting<Own>
  readonly #views = new Map<string, View>()
  /** When a state was set last, as far as is known here. */
  #stamp = 0
  #garbage = 0
  #isClosed = false

  /** @throws TypeError for a `linger` that is no time, or no bytes for a state */
  constructor(options: PresenceOptions) {
    const { linger = 15_000, stateBytes = 1_024, clock = systemClock, log = silent } = options
    if (!(linger >= 0 && linger <= LONGEST))
      throw new TypeError(
        `linger of a presence is ${linger}: it has to be a time from 0 on, in milliseconds.`,
      )
    if (!(stateBytes > 0))
      throw new TypeError(`stateBytes of a presence is ${stateBytes}: it has to be more than 0.`)
    this.#options = { ...options, linger, stateBytes, clock, log }
    this.#leaving = new Waiting(clock, LAST_WORDS, (own) => this.#remove(own))
  }

  /** How many entries of other nodes could not be read, and were skipped. */
  get garbage(): number {
    return this.#garbage
  }

  /**
   * A connection of this node enters a room; again, to be somebody else's or to have another state. Its id has 1,024 bytes at
   * most, and no other connection has it.
   *
   * @throws PartylineError `INVALID_DATA` where state or id are too large, or JSON cannot carry the state
   */
  enter(room: string, connection: string, { id, state }: Arrival): void {
    if (isTooLong(connection))
      throw new TypeError(`the id of a connection has ${connection.length} characters, which is too long`)
    const bytes = encodeEntry(id, this.#next(), encodeState(state, this.#options.stateBytes))
    if (this.#isClosed) return
    const connections = this.#own.get(room) ?? new Map<string, Own>()
    const before = connections.get(connection)
    if (before !== undefined) this.#leaving.delete(before)
    this.#own.set(room, connections.set(connection, { room, connection, id }))
    this.#options.broker.rosters.enter(this.#rosterOf(room), connection, bytes)
  }

  /**
   * Sets the state of a connection in a room, which is its member's until another is set by any connection of the same
   * user; undefined takes it away. Does nothing where the connection is not in the room.
   *
   * @throws PartylineError as `enter`
   */
  update(room: string, connection: string, state: unknown): void {
    const own = this.#own.get(room)?.get(connection)
    if (own !== undefined && !this.#leaving.has(own)) this.enter(room, connection, { id: own.id, state })
  }

  /**
   * A connection leaves a room. With `linger` it was lost: if nobody else is there for its user, the member is told as left
   * only when the linger is over and the user has not come back, here or on another node. Without, it is told at once.
   */
  leave(room: string, connection: string, { linger }: { linger: boolean }): void {
    const own = this.#own.get(room)?.get(connection)
    if (own === undefined || this.#leaving.has(own)) return
    if (linger || this.#options.linger === 0) {
      this.#remove(own)
      return
    }
    this.#options.broker.rosters.enter(this.#rosterOf(room), connection, GONE)
    this.#leaving.add(own)
  }

  /**
   * Those who have a connection in that room now, in no order; who lingers is not among them. A room that is watched here
   * is known already; otherwise the broker is asked, and where it does not answer this rejects with a `BrokerError`.
   */
  async members(room: string): Promise<readonly Member[]> {
    const view = this.#views.get(room)
    if (view?.isReady) return view.connected
    const users = new Users()
    for (const entry of await this.#options.broker.rosters.list(this.#rosterOf(room))) {
      const read = this.#read(entry)
      if (read !== undefined && read !== 'gone') users.put(entry, read)
    }
    return users.members
  }

  /**
   * Tells who comes, changes and goes from now on, each once and in order: what one turn of the event loop brings in one call,
   * or in several where it concerns more than 256 members. The members of this node are there at once, those of others are
   * told as joined before `ready` resolves.
   */
  watch(room: string, listener: PresenceListener): PresenceWatch {
    if (this.#isClosed) return { members: [], ready: Promise.resolve(), close() {} }
    return this.#view(room).watch(listener)
  }

  /** Ends every watch, and takes out all that this node has entered; for others, these members linger. */
  close(): void {
    this.#isClosed = true
    this.#leaving.close()
    for (const view of [...this.#views.values()]) view.close()
    for (const connections of [...this.#own.values()])
      for (const own of [...connections.values()]) this.#remove(own)
  }

  #view(room: string): View {
    const known = this.#views.get(room)
    if (known !== undefined) return known
    const { broker, clock, linger, log } = this.#options
    const source = {
      rosters: broker.rosters,
      clock,
      linger,
      read: (entry: RosterEntry) => this.#read(entry),
      failed: (error: unknown) => log.error({ error, room }, 'a listener of a presence threw'),
    }
    const view = new View(this.#rosterOf(room), source, () => void this.#views.delete(room))
    this.#views.set(room, view)
    return view
  }

  #remove({ room, connection }: Own): void {
    const connections = this.#own.get(room)
    connections?.delete(connection)
    if (connections?.size === 0) this.#own.delete(room)
    this.#options.broker.rosters.leave(this.#rosterOf(room), connection)
  }

  #read(entry: RosterEntry): Entry | 'gone' | undefined {
    const read = decodeEntry(entry.bytes)
    if (read === undefined && this.#garbage++ === 0)
      this.#options.log.warn({ node: entry.node }, 'an entry of a presence cannot be read, and is skipped')
    if (read !== undefined && read !== 'gone' && read.at > this.#stamp) this.#stamp = read.at
    return read
  }

  /** A time for a state: by this node's clock, but after all that are known here. */
  #next(): number {
    // A clock may tell parts of milliseconds; a stamp is a whole number.
    this.#stamp = Math.max(Math.floor(this.#options.clock.now()), this.#stamp + 1)
    return this.#stamp
  }

  /** Of any two of path and room another, in whatever broker: colons part them, and what UTF-8 cannot say is spelt out. */
  #rosterOf(room: string): string {
    return `presence:${spelt(this.#options.path, /[%:]|\p{Cs}/gu)}:${spelt(room, /%|\p{Cs}/gu)}`
  }
}

function spelt(name: string, what: RegExp): string {
  return name.replace(what, (one) => `%${one.charCodeAt(0).toString(16)}`)
}

const silent: BrokerLog = { error() {}, warn() {}, info() {} }
