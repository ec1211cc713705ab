import type { Codec, Payload } from '../protocol/codec.ts'
import type { EventFrame } from '../protocol/frame.ts'
import { checkSize } from './buffer.ts'
import type { Runtime } from './connection.ts'
import { isDialects } from './dialect.ts'
import { type Broadcast, type EventLog, positioned } from './log.ts'
import type { Relay } from './relay.ts'
import type { Room, Rooms } from './rooms.ts'
import type { Session } from './session.ts'
import type { Shared } from './shared.ts'

/** What is published, by the index of the codec; and why it is not, for codecs that cannot carry it. */
interface Encoded {
  readonly payloads: readonly (Payload | undefined)[]
  readonly failures: ReadonlyMap<number, unknown> | undefined
}

/** Whom something is for: a room's members, which the runtime may know by a topic, or sessions that were looked for. */
type Reach = { readonly room: Room; readonly except: Session | undefined } | ReadonlySet<Session>

const NOBODY: readonly never[] = []

/** What publishing needs of its gateway. */
export interface PublishingParts {
  /** The name of the gateway's class. */
  readonly gateway: string
  readonly codecs: readonly Codec[]
  readonly runtime: Pick<Runtime, 'publish'>
  readonly shared: Pick<Shared, 'limits' | 'outbox' | 'watch' | 'report'>
  /** Where what is published is kept for those who come back. */
  readonly log: EventLog | undefined
}

/** Sends what is for many: encoded once for each codec in use, to those who are here, and to the other nodes. */
export class Publishing {
  readonly #rooms: Rooms
  readonly #parts: PublishingParts
  readonly #all: readonly number[]
  /** Of which codecs the connections have no topics, by index. */
  readonly #isLooped: readonly boolean[]
  /** What takes it to other nodes; undefined where there are none. */
  relay: Relay | undefined

  constructor(rooms: Rooms, parts: PublishingParts) {
    this.#rooms = rooms
    this.#parts = parts
    this.#all = parts.codecs.map((_, i) => i)
    this.#isLooped = parts.codecs.map(isDialects)
  }

  /** As `Rooms.publish`. */
  publish(
    frame: EventFrame,
    names: readonly string[] | undefined,
    excluded: readonly Session[],
    exceptRooms: readonly string[],
  ): void {
    const { relay } = this
    if (relay !== undefined) return this.#publishEverywhere(relay, frame, names, excluded, exceptRooms)
    const reach = this.#reach(names, excluded, exceptRooms)
    const used = reach && this.#used(reach)
    if (reach === undefined || used === undefined) return
    const encoded = this.#encodeFor(used, frame)
    this.#send(encoded.payloads, reach)
    const { log } = this.#parts
    log?.append({
      pos: frame.pos as number,
      rooms: names,
      exceptIds: excluded.map(({ id }) => id),
      exceptRooms,
      payloads: encoded.payloads,
    })
    if (encoded.failures !== undefined)
      this.#tellFailures(frame, encoded.failures, names, excluded, exceptRooms)
  }

  /** Delivers what some node has published, to those who are here. */
  deliver(broadcast: Omit<Broadcast, 'pos'>): void {
    const { rooms, exceptIds, exceptRooms, payloads } = broadcast
    const excluded = exceptIds.flatMap((id) => this.#rooms.get(id) ?? [])
    const reach = this.#reach(rooms, excluded, exceptRooms)
    if (reach !== undefined) this.#send(payloads, reach)
  }

  /** Encodes for all codecs of the gateway, since other nodes may have any of them in use. */
  #publishEverywhere(
    relay: Relay,
    frame: EventFrame,
    names: readonly string[] | undefined,
    excluded: readonly Session[],
    exceptRooms: readonly string[],
  ): void {
    const { payloads, failures } = this.#encodeEach(this.#all, frame)
    if (failures?.size === this.#all.length) throw failures.get(0)
    const outgoing = { rooms: names, exceptIds: excluded.map(({ id }) => id), exceptRooms, payloads }
    if (!relay.isOrdered) this.deliver(outgoing)
    relay.publish(outgoing)
    if (failures !== undefined) this.#tellFailures(frame, failures, names, excluded, exceptRooms)
  }

  /** Undefined where nobody is. */
  #reach(
    names: readonly string[] | undefined,
    excluded: readonly Session[],
    exceptRooms: readonly string[],
  ): Reach | undefined {
    const isOne = names === undefined || names.length === 1
    if (
      this.#parts.runtime.publish !== undefined &&
      isOne &&
      excluded.length <= 1 &&
      exceptRooms.length === 0
    ) {
      const room = names === undefined ? this.#rooms.everyone : this.#rooms.room(names[0] as string)
      return room && { room, except: excluded[0] }
    }
    const sessions = this.#rooms.select(names, excluded, exceptRooms)
    return sessions.size === 0 ? undefined : sessions
  }

  /** The codecs of those who are reached. */
  #used(reach: Reach): Iterable<number> {
    if ('room' in reach) return this.#rooms.codecsInUse
    const used = new Set<number>()
    for (const { codecIndex } of reach) used.add(codecIndex)
    return used
  }

  #send(payloads: Encoded['payloads'], reach: Reach): void {
    if ('room' in reach) return this.#sendNatively(payloads, reach.room, reach.except)
    for (const session of reach) {
      const payload = payloads[session.codecIndex]
      if (payload !== undefined) session.transmit(payload)
    }
  }

  #sendNatively(payloads: Encoded['payloads'], room: Room, except: Session | undefined): void {
    const { shared, runtime } = this.#parts
    // What waits in the outbox was sent earlier, so it has to leave earlier.
    shared.outbox.flush()
    for (const session of room.looped > 0 ? room.members : NOBODY) {
      const payload = session.isLooped ? payloads[session.codecIndex] : undefined
      if (payload !== undefined && session !== except) session.transmit(payload)
    }
    for (const [i, payload] of payloads.entries()) {
      if (payload === undefined || !this.#rooms.isInUse(i) || this.#isLooped[i]) continue
      const topic = room.topics[i] as string
      if (except?.codecIndex === i && except.isOpen) except.connection.publish?.(topic, payload)
      else runtime.publish?.(topic, payload)
      shared.watch.published(this.#rooms, payload.length)
    }
  }

  /** Encodes once for each of these codecs, under the log's next position where there is a log. */
  #encodeFor(codecs: Iterable<number>, frame: EventFrame): Encoded {
    const { log } = this.#parts
    if (log === undefined) return this.#encodeEach(codecs, frame)
    return positioned(log, (pos) => {
      frame.pos = pos
      return this.#encodeEach(codecs, frame)
    })
  }

  #encodeEach(codecs: Iterable<number>, frame: EventFrame): Encoded {
    const payloads: Payload[] = []
    let failures: Map<number, unknown> | undefined
    for (const i of codecs) {
      try {
        payloads[i] = this.#encode(this.#parts.codecs[i] as Codec, frame)
      } catch (error) {
        failures ??= new Map()
        failures.set(i, error)
      }
    }
    return { payloads, failures }
  }

  #encode(codec: Codec, frame: EventFrame): Payload {
    const payload = codec.encode(frame)
    checkSize(payload, this.#parts.shared.limits.buffer)
    return payload
  }

  /** Which codec a client speaks is its own choice, which fails no handler as long as another's can carry the data. */
  #tellFailures(
    { event }: EventFrame,
    failures: ReadonlyMap<number, unknown>,
    names: readonly string[] | undefined,
    excluded: readonly Session[],
    exceptRooms: readonly string[],
  ): void {
    const { codecs, gateway, shared } = this.#parts
    const reached = this.#rooms.select(names, excluded, exceptRooms)
    const used = new Set([...reached].map(({ codecIndex }) => codecIndex))
    const concerned = [...failures].filter(([i]) => used.has(i))
    const isAlone = this.relay === undefined
    if (isAlone && concerned.length > 0 && concerned.length === used.size) throw concerned[0]?.[1]
    for (const [i, error] of concerned) {
      const message = `an event was not sent to those who use ${codecs[i]?.subprotocol ?? 'a codec'}, which cannot carry it`
      shared.report(error, message, { gateway, event })
    }
  }
}
