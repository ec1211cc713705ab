import type { Codec, Payload } from '../protocol/codec.ts'
import { PartylineError } from '../protocol/error.ts'
import type { EventFrame } from '../protocol/frame.ts'
import { checkSize } from './buffer.ts'
import type { Runtime } from './connection.ts'
import { type EventLog, positioned } from './log.ts'
import type { Recovery } from './recovery.ts'
import type { Session } from './session.ts'
import type { Shared } from './shared.ts'

interface Room {
  members: Set<Session>
  /** The native topic for each codec of the gateway, by the codec's index. */
  topics: string[]
}

/** What is published, by the index of the codec; and why it is not, for codecs that cannot carry it. */
interface Encoded {
  readonly payloads: readonly (Payload | undefined)[]
  readonly failures: ReadonlyMap<number, unknown> | undefined
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
  readonly #gateway: string
  readonly #runtime: Pick<Runtime, 'publish'>
  readonly #shared: Pick<Shared, 'limits' | 'outbox' | 'watch' | 'report'>
  readonly #byId = new Map<string, Session>()
  /** Where what is published is kept for those who come back. */
  readonly #log: EventLog | undefined
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
    this.#gateway = gateway
    this.#codecs = codecs
    this.#users = codecs.map(() => 0)
    this.#runtime = runtime
    this.#shared = shared
    this.#log = recovery?.log
    this.#everybody = this.#newRoom()
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

  /** Has a session that goes on over another line hear what is published from now on. */
  resubscribe(session: Session): void {
    this.#subscribe(this.#everybody, session)
    for (const name of session.roomNames) this.#subscribe(this.#rooms.get(name) as Room, session)
  }

  join(session: Session, name: string): void {
    if (!session.isLive || session.roomNames.has(name)) return
    refuseJoin(session, name)
    let room = this.#rooms.get(name)
    if (room === undefined) {
      room = this.#newRoom()
      this.#rooms.set(name, room)
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
    const { publish } = this.#runtime
    const isOne = names === undefined || names.length === 1
    let encoded: Encoded | undefined
    if (publish !== undefined && isOne && excluded.length <= 1 && excludedRooms.length === 0) {
      const room = names === undefined ? this.#everybody : this.#rooms.get(names[0] as string)
      encoded = room && this.#publishNatively(frame, room, excluded[0])
    } else encoded = this.#publishToEach(frame, this.select(names, excluded, excludedRooms))
    if (encoded === undefined) return
    this.#log?.append({
      pos: frame.pos as number,
      rooms: names,
      exceptIds: excluded.map(({ id }) => id),
      exceptRooms: excludedRooms,
      payloads: encoded.payloads,
    })
    if (encoded.failures !== undefined)
      this.#tellFailures(frame, encoded.failures, this.select(names, excluded, excludedRooms))
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

  #publishNatively(frame: EventFrame, room: Room, excluded: Session | undefined): Encoded {
    const used = this.#users.flatMap((users, i) => (users > 0 ? [i] : []))
    const encoded = this.#encodeFor(used, frame)
    // What waits in the outbox was sent earlier, so it has to leave earlier.
    this.#shared.outbox.flush()
    for (const [i, payload] of encoded.payloads.entries()) {
      if (payload === undefined) continue
      const topic = room.topics[i] as string
      if (excluded?.codecIndex === i && excluded.isOpen) excluded.connection.publish?.(topic, payload)
      else this.#runtime.publish?.(topic, payload)
      this.#shared.watch.published(this, payload.length)
    }
    return encoded
  }

  #publishToEach(frame: EventFrame, sessions: ReadonlySet<Session>): Encoded | undefined {
    const used = new Set<number>()
    for (const { codecIndex } of sessions) used.add(codecIndex)
    if (used.size === 0) return undefined
    const encoded = this.#encodeFor(used, frame)
    for (const session of sessions) {
      const payload = encoded.payloads[session.codecIndex]
      if (payload !== undefined) session.transmit(payload)
    }
    return encoded
  }

  /** Encodes once for each of these codecs, under the log's next position where there is a log. */
  #encodeFor(codecs: Iterable<number>, frame: EventFrame): Encoded {
    if (this.#log === undefined) return this.#encodeEach(codecs, frame)
    return positioned(this.#log, (pos) => {
      frame.pos = pos
      return this.#encodeEach(codecs, frame)
    })
  }

  #encodeEach(codecs: Iterable<number>, frame: EventFrame): Encoded {
    const payloads: Payload[] = []
    let failures: Map<number, unknown> | undefined
    for (const i of codecs) {
      try {
        payloads[i] = this.#encode(this.#codecs[i] as Codec, frame)
      } catch (error) {
        failures ??= new Map()
        failures.set(i, error)
      }
    }
    return { payloads, failures }
  }

  #encode(codec: Codec, frame: EventFrame): Payload {
    const payload = codec.encode(frame)
    checkSize(payload, this.#shared.limits.buffer)
    return payload
  }

  /** Which codec a client speaks is its own choice, which fails no handler as long as another's can carry the data. */
  #tellFailures(
    { event }: EventFrame,
    failures: ReadonlyMap<number, unknown>,
    reached: ReadonlySet<Session>,
  ): void {
    const used = new Set([...reached].map(({ codecIndex }) => codecIndex))
    const concerned = [...failures].filter(([i]) => used.has(i))
    if (concerned.length > 0 && concerned.length === used.size) throw concerned[0]?.[1]
    for (const [i, error] of concerned) {
      const message = `an event was not sent to those who use ${this.#codecs[i]?.subprotocol ?? 'a codec'}, which cannot carry it`
      this.#shared.report(error, message, { gateway: this.#gateway, event })
    }
  }

  #newRoom(): Room {
    const number = numberOfRooms++
    return { members: new Set(), topics: this.#codecs.map((_, i) => `${number}.${i}`) }
  }

  #add(room: Room, session: Session): void {
    room.members.add(session)
    this.#subscribe(room, session)
  }

  #subscribe({ topics }: Room, session: Session): void {
    if (session.isOpen) session.connection.subscribe?.(topics[session.codecIndex] as string)
  }

  #remove(name: string, session: Session): void {
    const room = this.#rooms.get(name)
    if (room?.members.delete(session) && room.members.size === 0) this.#rooms.delete(name)
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
