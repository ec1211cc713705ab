import type { Codec } from '../protocol/codec.ts'
import { PartylineError } from '../protocol/error.ts'
import type { EventFrame } from '../protocol/frame.ts'
import type { Runtime } from './connection.ts'
import type { Everywhere } from './everywhere.ts'
import type { GatewayPresence } from './presence.ts'
import { Publishing } from './publishing.ts'
import type { Recovery } from './recovery.ts'
import type { Session } from './session.ts'
import type { Shared } from './shared.ts'

/** Those who are in a room, or on the gateway. */
export interface Room {
  members: Set<Session>
  /** The native topic for each codec of the gateway, by the codec's index. */
  topics: string[]
  /** How many of the members have connections without topics. */
  looped: number
}

const NOBODY: readonly never[] = []

/**
 * How many rooms there have been in this process. Their native topics are numbers: a runtime may take two names for one,
 * such as one that is no well-formed text, and one server may serve several apps.
 */
let numberOfRooms = 0

/** Who is where on one gateway, and the delivery to them. What goes to many is encoded once for each codec in use. */
export class Rooms {
  readonly #everybody: Room
  readonly #rooms = new Map<string, Room>()
  readonly #codecs: readonly Codec[]
  /** How many sessions use each codec. */
  readonly #users: number[]
  readonly #byId = new Map<string, Session>()
  /** How what is published reaches them. */
  readonly publishing: Publishing
  /** The same on all nodes. Set at boot. */
  everywhere!: Everywhere
  /** Keeps up who is in which room on all nodes, where the gateway wants to know. */
  presence: GatewayPresence | undefined
  /** Whether what is emitted is held against its descriptors. */
  checkOutgoing = false

  /** `gateway` is the name of its class. */
  constructor(
    gateway: string,
    codecs: readonly Codec[],
    runtime: Pick<Runtime, 'publish'>,
    shared: Pick<Shared, 'limits' | 'outbox' | 'watch' | 'report'>,
    recovery?: Recovery,
  ) {
    this.#codecs = codecs
    this.#users = codecs.map(() => 0)
    this.#everybody = this.#newRoom()
    this.publishing = new Publishing(this, { gateway, codecs, runtime, shared, log: recovery?.log })
  }

  /** Everybody of the gateway, in order of arrival. */
  get everybody(): ReadonlySet<Session> {
    return this.#everybody.members
  }

  /** Everybody, as a room. */
  get everyone(): Room {
    return this.#everybody
  }

  room(name: string): Room | undefined {
    return this.#rooms.get(name)
  }

  /** The codecs that somebody here uses, by their indices. */
  get codecsInUse(): number[] {
    return this.#users.flatMap((users, i) => (users > 0 ? [i] : []))
  }

  isInUse(codec: number): boolean {
    return (this.#users[codec] ?? 0) > 0
  }

  get(id: string): Session | undefined {
    return this.#byId.get(id)
  }

  /** The names of the rooms that somebody is in. */
  get names(): Iterable<string> {
    return this.#rooms.keys()
  }

  /** How many rooms somebody is in. */
  get count(): number {
    return this.#rooms.size
  }

  /** How many sockets are in a room. */
  size(name: string): number {
    return this.#rooms.get(name)?.members.size ?? 0
  }

  /** Takes an arrival in. */
  enter(session: Session): void {
    this.#byId.set(session.id, session)
    if (this.#everybody.members.size === 0) this.publishing.relay?.occupied(undefined)
    this.#add(this.#everybody, session)
    this.#users[session.codecIndex] = (this.#users[session.codecIndex] ?? 0) + 1
  }

  /** Takes one who has gone out of everything; its own list of rooms is left for `@OnClose` to read. */
  exit(session: Session, lingers = true): void {
    if (!this.#everybody.members.delete(session)) return
    if (session.isLooped) this.#everybody.looped--
    this.#byId.delete(session.id)
    this.#users[session.codecIndex] = (this.#users[session.codecIndex] ?? 0) - 1
    for (const name of session.roomNames) this.#remove(name, session)
    this.absent(session, lingers)
    if (this.#everybody.members.size === 0) this.publishing.relay?.vacated(undefined)
  }

  /** A session has no line any more, or is over: where that was not on purpose, it lingers. */
  absent(session: Session, lingers: boolean): void {
    if (this.presence !== undefined)
      for (const name of session.roomNames) this.presence.left(session, name, lingers)
  }

  /** Has a session that goes on over another line hear what is published from now on. */
  resubscribe(session: Session): void {
    this.#subscribe(this.#everybody, session)
    for (const name of session.roomNames) {
      this.#subscribe(this.#rooms.get(name) as Room, session)
      this.presence?.entered(session, name)
    }
  }

  join(session: Session, name: string): void {
    if (!session.isLive || session.roomNames.has(name)) return
    refuseJoin(session, name)
    // First: who has an id that is too long is in no room.
    this.presence?.entered(session, name)
    let room = this.#rooms.get(name)
    if (room === undefined) {
      room = this.#newRoom()
      this.#rooms.set(name, room)
      this.publishing.relay?.occupied(name)
    }
    session.ownRoomNames.add(name)
    session.resumable?.journal.entered(name)
    this.#add(room, session)
  }

  leave(session: Session, name: string): void {
    if (!session.isLive || !session.roomNames.has(name)) return
    const topic = this.#rooms.get(name)?.topics[session.codecIndex]
    // What was published to the room before still arrives: connections see to that.
    if (topic !== undefined && session.isOpen) session.connection.unsubscribe?.(topic)
    session.ownRoomNames.delete(name)
    session.resumable?.journal.left(name)
    this.#remove(name, session)
    this.presence?.left(session, name, false)
  }

  /**
   * Sends to those in any of the rooms, or to everybody where `names` is absent, less the excluded.
   *
   * @throws what the codecs threw, where none of those that would be reached uses one that can carry the data.
   */
  publish(
    frame: EventFrame,
    names: readonly string[] | undefined,
    excluded: readonly Session[] = NOBODY,
    excludedRooms: readonly string[] = NOBODY,
  ): void {
    this.publishing.publish(frame, names, excluded, excludedRooms)
  }

  /** Those in any of the rooms, or everybody where `names` is absent, less the excluded; each once. */
  select(
    names: readonly string[] | undefined,
    excluded: readonly Session[] = NOBODY,
    excludedRooms: readonly string[] = NOBODY,
  ): Set<Session> {
    const chosen = new Set<Session>()
    const rooms = names === undefined ? [this.#everybody] : names.map((name) => this.#rooms.get(name))
    for (const room of rooms) for (const session of room?.members ?? NOBODY) chosen.add(session)
    for (const session of excluded) chosen.delete(session)
    for (const name of excludedRooms)
      for (const session of this.#rooms.get(name)?.members ?? NOBODY) chosen.delete(session)
    return chosen
  }

  #newRoom(): Room {
    const number = numberOfRooms++
    return { members: new Set(), topics: this.#codecs.map((_, i) => `${number}.${i}`), looped: 0 }
  }

  #add(room: Room, session: Session): void {
    room.members.add(session)
    if (session.isLooped) room.looped++
    this.#subscribe(room, session)
  }

  #subscribe({ topics }: Room, session: Session): void {
    if (session.isOpen) session.connection.subscribe?.(topics[session.codecIndex] as string)
  }

  #remove(name: string, session: Session): void {
    const room = this.#rooms.get(name)
    if (!room?.members.delete(session)) return
    if (session.isLooped) room.looped--
    if (room.members.size > 0) return
    this.#rooms.delete(name)
    this.publishing.relay?.vacated(name)
  }
}

/**
 * Holds names of rooms against what they have to be: a value that came from a client is of any type.
 *
 * @throws TypeError for what is no string.
 */
export function checkRoomNames(names: readonly unknown[]): void {
  for (const name of names)
    if (typeof name !== 'string') throw new TypeError(`a room's name is a string, not ${describe(name)}`)
}

function describe(value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'an array' : `of type ${typeof value}`
}

function refuseJoin({ roomNames, shared: { limits, stats } }: Session, name: string): void {
  const isLong = name.length > limits.roomName
  if (!isLong && roomNames.size < limits.rooms) return
  stats.count('joinsRefused')
  if (isLong)
    throw new PartylineError('INVALID_DATA', `a room's name has ${limits.roomName} characters at most`)
  throw new PartylineError('OVERLOADED', `a socket may be in ${limits.rooms} rooms at most`)
}
