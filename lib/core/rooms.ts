import type { Codec, Payload } from '../protocol/codec.ts'
import { PartylineError } from '../protocol/error.ts'
import type { EventFrame } from '../protocol/frame.ts'
import type { Runtime } from './connection.ts'
import type { Outbox } from './outbox.ts'
import type { Session } from './session.ts'
import type { Watch } from './watch.ts'

interface Room {
  members: Set<Session>
  /** The native topic for each codec of the gateway, by the codec's index. */
  topics: string[]
}

const NOBODY: readonly never[] = []

/** Who is where on one gateway, and the delivery to them. What goes to many is encoded once for each codec in use. */
export class Rooms {
  readonly #everybody: Room
  readonly #rooms = new Map<string, Room>()
  readonly #codecs: readonly Codec[]
  /** How many sessions use each codec. */
  readonly #users: number[]
  readonly #gateway: string
  readonly #runtime: Pick<Runtime, 'publish'>
  readonly #outbox: Outbox
  readonly #byId = new Map<string, Session>()
  readonly #watch: Watch
  /** Whether what is emitted is held against its descriptors. */
  checkOutgoing = false

  constructor(
    gateway: string,
    codecs: readonly Codec[],
    runtime: Pick<Runtime, 'publish'>,
    outbox: Outbox,
    watch: Watch,
  ) {
    this.#gateway = gateway
    this.#codecs = codecs
    this.#users = codecs.map(() => 0)
    this.#runtime = runtime
    this.#outbox = outbox
    this.#watch = watch
    // No room can be named so: a room's topic has a name after the last separator.
    this.#everybody = { members: new Set(), topics: codecs.map((_, i) => `${gateway}\0${i}`) }
  }

  /** Everybody of the gateway, in order of arrival. */
  get everybody(): ReadonlySet<Session> {
    return this.#everybody.members
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
    this.#add(this.#everybody, session)
    this.#users[session.codecIndex] = (this.#users[session.codecIndex] ?? 0) + 1
  }

  /** Takes one who has gone out of everything; its own list of rooms is left for `@OnClose` to read. */
  exit(session: Session): void {
    if (!this.#everybody.members.delete(session)) return
    this.#byId.delete(session.id)
    this.#users[session.codecIndex] = (this.#users[session.codecIndex] ?? 0) - 1
    for (const name of session.roomNames) this.#remove(name, session)
  }

  join(session: Session, name: string): void {
    if (!session.isOpen || session.roomNames.has(name)) return
    refuseJoin(session, name)
    let room = this.#rooms.get(name)
    if (room === undefined) {
      room = { members: new Set(), topics: this.#codecs.map((_, i) => `${this.#gateway}\0${i}\0${name}`) }
      this.#rooms.set(name, room)
    }
    session.ownRoomNames.add(name)
    this.#add(room, session)
  }

  leave(session: Session, name: string): void {
    if (!session.isOpen || !session.roomNames.has(name)) return
    const topic = this.#rooms.get(name)?.topics[session.codecIndex]
    // What was published to the room before must still arrive, and what waits must not overtake it.
    if (topic !== undefined) session.connection.unsubscribe?.(topic)
    session.ownRoomNames.delete(name)
    this.#remove(name, session)
  }

  /** Sends to those in any of the rooms, or to everybody if none is named, less the excluded. */
  publish(
    frame: EventFrame,
    names: readonly string[],
    excluded: readonly Session[] = NOBODY,
    excludedRooms: readonly string[] = NOBODY,
  ): void {
    const { publish } = this.#runtime
    if (publish !== undefined && names.length <= 1 && excluded.length <= 1 && excludedRooms.length === 0) {
      const room = names[0] === undefined ? this.#everybody : this.#rooms.get(names[0])
      if (room !== undefined) this.#publishNatively(frame, room, excluded[0])
      return
    }
    const encode = this.#encoder(frame)
    for (const session of this.select(names, excluded, excludedRooms))
      session.transmit(encode(session.codecIndex))
  }

  /** Those in any of the rooms, or everybody if none is named, less the excluded; each once. */
  select(
    names: readonly string[],
    excluded: readonly Session[] = NOBODY,
    excludedRooms: readonly string[] = NOBODY,
  ): Set<Session> {
    const chosen = new Set<Session>()
    const rooms = names.length === 0 ? [this.#everybody] : names.map((name) => this.#rooms.get(name))
    for (const room of rooms) for (const session of room?.members ?? NOBODY) chosen.add(session)
    for (const session of excluded) chosen.delete(session)
    for (const name of excludedRooms)
      for (const session of this.#rooms.get(name)?.members ?? NOBODY) chosen.delete(session)
    return chosen
  }

  #publishNatively(frame: EventFrame, room: Room, excluded: Session | undefined): void {
    // What waits in the outbox was sent earlier, so it has to leave earlier.
    this.#outbox.flush()
    this.#watch.published(this)
    for (const [i, codec] of this.#codecs.entries()) {
      if (this.#users[i] === 0) continue
      const payload = codec.encode(frame)
      const topic = room.topics[i] as string
      if (excluded?.codecIndex === i && excluded.isOpen) excluded.connection.publish?.(topic, payload)
      else this.#runtime.publish?.(topic, payload)
    }
  }

  /** Encodes a frame on demand, once for each codec. */
  #encoder(frame: EventFrame): (codecIndex: number) => Payload {
    const payloads: (Payload | undefined)[] = []
    return (i) => {
      payloads[i] ??= (this.#codecs[i] as Codec).encode(frame)
      return payloads[i]
    }
  }

  #add(room: Room, session: Session): void {
    room.members.add(session)
    session.connection.subscribe?.(room.topics[session.codecIndex] as string)
  }

  #remove(name: string, session: Session): void {
    const room = this.#rooms.get(name)
    if (room?.members.delete(session) && room.members.size === 0) this.#rooms.delete(name)
  }
}

function refuseJoin({ roomNames, shared: { limits, stats } }: Session, name: string): void {
  const isLong = name.length > limits.roomName
  if (!isLong && roomNames.size < limits.rooms) return
  stats.count('joinsRefused')
  if (isLong)
    throw new PartylineError('INVALID_DATA', `a room's name has ${limits.roomName} characters at most`)
  throw new PartylineError('OVERLOADED', `a socket may be in ${limits.rooms} rooms at most`)
}
