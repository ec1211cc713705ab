import type { Broker } from '../broker/broker.ts'
import { BootError } from '../container/mod.ts'
import type { GatewayPresenceOptions } from '../decorators/channels.ts'
import { encodeEntry, encodeState } from '../presence/entry.ts'
import type { Member, PresenceChange, PresenceListener, PresenceWatch } from '../presence/member.ts'
import { Presence } from '../presence/presence.ts'
import type { Codec, Payload } from '../protocol/codec.ts'
import { PartylineError } from '../protocol/error.ts'
import type { PresenceFrame } from '../protocol/frame.ts'
import type { Session } from './session.ts'
import type { PresenceStates } from './session-state.ts'
import type { Shared } from './shared.ts'
import type { Socket } from './socket.ts'
import { sessionOf } from './socket.ts'
import { isThenable } from './thenable.ts'

/** How many bytes of JSON a state may have where nothing else is said. */
const STATE_BYTES = 1_024

/** A room that clients watch. */
interface Watched {
  readonly watch: PresenceWatch
  /** Those who know who is there, and are told of each change. */
  readonly told: Set<Session>
  /** How many watch it, those who do not know yet among them. */
  watchers: number
}

/** That a session watches a room. */
export interface Watching {
  /** Resolves when it is known who is there; never rejects. */
  readonly ready: Promise<void>
  /** Who is there; the session is told of each change from now on. */
  begin(): readonly Member[]
  /** Ends it; again, it does nothing. */
  close(): void
}

/** Who is in the rooms of one gateway, on all nodes: kept up as sessions join and leave. */
export class GatewayPresence {
  readonly presence: Presence
  readonly #options: GatewayPresenceOptions
  readonly #codecs: readonly Codec[]
  readonly #shared: Pick<Shared, 'stats' | 'clock' | 'limits' | 'report'>
  readonly #gateway: string
  readonly #watched = new Map<string, Watched>()
  /** What sessions have said of themselves, by room: of those who come back it is true still. */
  readonly #states = new WeakMap<Session, Map<string, unknown>>()

  /** @throws BootError for options out of bounds */
  constructor(
    path: string,
    options: GatewayPresenceOptions,
    broker: Broker,
    codecs: readonly Codec[],
    gateway: string,
    shared: Pick<Shared, 'stats' | 'clock' | 'limits' | 'report' | 'logger'>,
  ) {
    const { linger, stateBytes = STATE_BYTES, watch } = options
    const { clock, logger } = shared
    if (!['undefined', 'boolean', 'function'].includes(typeof watch))
      throw new BootError([`presence.watch of ${gateway} is no rule: give true, false or a function.`])
    try {
      const given = { stateBytes, ...(linger !== undefined && { linger }) }
      this.presence = new Presence({ broker, path, clock, log: logger, ...given })
    } catch (error) {
      throw new BootError([`${gateway}: ${(error as Error).message}`])
    }
    this.#options = options
    this.#codecs = codecs
    this.#gateway = gateway
    this.#shared = shared
  }

  /**
   * A session has joined a room, or is back. Without a line, it is there when it has one again.
   *
   * @throws PartylineError INVALID_DATA for a user's id that is too long
   */
  entered(session: Session, room: string): void {
    const state = this.#states.get(session)?.get(room)
    if (session.isOpen) this.presence.enter(room, session.id, { id: idOf(session), state })
    else encodeEntry(idOf(session), 0, undefined)
  }

  /** `linger` where it was not on purpose, so that it may be back. */
  left(session: Session, room: string, linger: boolean): void {
    this.presence.leave(room, session.id, { linger })
    if (linger) return
    if (this.#states.get(session)?.delete(room)) session.resumable?.record?.changed('states')
    session.subscriber?.left(room)
  }

  /**
   * Sets what a session says of itself in a room.
   *
   * @throws PartylineError INVALID_DATA where it is too large, or JSON cannot carry it
   */
  update(session: Session, room: string, state: unknown): void {
    if (!session.roomNames.has(room)) return
    const text = encodeState(state, this.#options.stateBytes ?? STATE_BYTES)
    const states = this.#states.get(session) ?? new Map<string, unknown>()
    const copy: unknown = text === undefined ? undefined : JSON.parse(text)
    this.#states.set(session, states.set(room, copy))
    session.resumable?.record?.changed('states')
    this.presence.update(room, session.id, copy)
  }

  /** What a session has said of itself. */
  statesOf(session: Session): PresenceStates {
    return [...(this.#states.get(session) ?? [])].filter(([, state]) => state !== undefined)
  }

  /** What it has said of itself in its rooms, at another node, which may have allowed more. */
  restore(session: Session, states: PresenceStates): void {
    const limit = this.#options.stateBytes ?? STATE_BYTES
    const allowed = states.filter(([room, state]) => session.roomNames.has(room) && isState(state, limit))
    this.#states.set(session, new Map(allowed))
  }

  /**
   * Holds what a session wants to watch against the rule; at once where that says it at once.
   *
   * @throws PartylineError FORBIDDEN, and INVALID_DATA for what is no room's name; both are counted. So it rejects as well.
   */
  granted(session: Session, room: string): undefined | Promise<undefined> {
    const { roomName } = this.#shared.limits
    if (room.length > roomName) {
      this.#shared.stats.count('joinsRefused')
      throw new PartylineError('INVALID_DATA', `a room's name has ${roomName} characters at most`)
    }
    const check = (may: boolean): undefined => {
      if (may) return undefined
      this.#shared.stats.count('forbidden')
      throw new PartylineError(
        'FORBIDDEN',
        `you may not watch who is in ${JSON.stringify(room.slice(0, 128))}`,
      )
    }
    const may = this.allows(session, room)
    return may instanceof Promise ? may.then(check) : check(may)
  }

  /** Whether a session may watch a room. Neither throws nor rejects. */
  allows({ roomNames, handshake, identity }: Session, room: string): boolean | Promise<boolean> {
    const isMember = roomNames.has(room)
    const { watch = isMember } = this.#options
    if (typeof watch === 'boolean') return watch
    try {
      const may = watch({ handshake, identity, room, isMember })
      if (!isThenable(may)) return may === true
      return Promise.resolve(may).then(
        (one) => one === true,
        (error: unknown) => this.#failed(error),
      )
    } catch (error) {
      return this.#failed(error)
    }
  }

  watch(session: Session, room: string): Watching {
    const watched = this.#watched.get(room) ?? this.#begin(room)
    const { watch, told } = watched
    watched.watchers++
    let isOver = false
    return {
      ready: watch.ready,
      begin: () => {
        if (!isOver) told.add(session)
        return watch.members
      },
      close: () => {
        if (isOver) return
        isOver = true
        told.delete(session)
        if (--watched.watchers > 0) return
        this.#watched.delete(room)
        watch.close()
      },
    }
  }

  /** Ends every watch, and takes all that this node has entered out; for others, these members linger. */
  close(): void {
    this.presence.close()
  }

  #begin(room: string): Watched {
    const told = new Set<Session>()
    const watch = this.presence.watch(room, (change) => this.#tell(room, told, change))
    const watched = { watch, told, watchers: 0 }
    this.#watched.set(room, watched)
    return watched
  }

  #failed(error: unknown): false {
    if (!(error instanceof PartylineError))
      this.#shared.report(error, 'a rule about presence failed, which refuses', { gateway: this.#gateway })
    return false
  }

  /** Encoded once for each codec in use. */
  #tell(room: string, sessions: ReadonlySet<Session>, change: PresenceChange): void {
    const frame = frameOf(room, change)
    const payloads: Payload[] = []
    for (const session of sessions) {
      const { codecIndex } = session
      payloads[codecIndex] ??= (this.#codecs[codecIndex] as Codec).encode(frame)
      session.transmit(payloads[codecIndex])
    }
  }
}

/**
 * Who is in one room, on all nodes; what `context.presence(room)` is. Nobody is there twice: the connections of one user are one
 * member, whose id is the user's; where nobody is known behind a socket, it is the socket's.
 *
 * @example
 * ```ts
 * import { Gateway, GatewayContext, On, type Socket } from 'partyline'
 *
 * @Gateway('/chat', { presence: {} })
 * class Chat {
 *   constructor(private readonly chat: GatewayContext) {}
 *
 *   @On() async enter(socket: Socket, room: string) {
 *     socket.join(room)
 *     this.chat.presence(room).update(socket, { mood: 'happy' })
 *     return await this.chat.presence(room).members()
 *   }
 * }
 * ```
 */
export class RoomPresence {
  readonly #presence: GatewayPresence
  readonly #room: string

  /** Applications have one from `context.presence`. */
  constructor(presence: GatewayPresence, room: string) {
    this.#presence = presence
    this.#room = room
  }

  /** Those who have a connection now; rejects with a `BrokerError` where the room is not watched here, and the broker is away. */
  members(): Promise<readonly Member[]> {
    return this.#presence.presence.members(this.#room)
  }

  /** Calls back as members come, change and go, from now on; what one turn brings in one call. */
  watch(listener: PresenceListener): PresenceWatch {
    return this.#presence.presence.watch(this.#room, listener)
  }

  /**
   * Sets the state of a socket's member in this room, which all who watch are told: anything small that JSON can carry; undefined
   * takes it away. Does nothing where the socket is not in the room. It is kept for a socket whose line has broken and
   * that comes back, on whichever node.
   *
   * @throws PartylineError INVALID_DATA where it is too large, or JSON cannot carry it
   */
  update(socket: Socket<object, unknown>, state: unknown): void {
    this.#presence.update(sessionOf(socket), this.#room, state)
  }
}

function isState(state: unknown, limit: number): boolean {
  try {
    return encodeState(state, limit) !== undefined
  } catch {
    return false
  }
}

/** What a client is told of members. */
export function memberOf({ id, state }: Member): { id: string; state: unknown } {
  return { id, state }
}

function frameOf(room: string, { joined, changed, left }: PresenceChange): PresenceFrame {
  return {
    presence: room,
    ...(joined.length > 0 && { joined: joined.map(memberOf) }),
    ...(changed.length > 0 && { changed: changed.map(memberOf) }),
    ...(left.length > 0 && { left: left.map(({ id }) => id) }),
  }
}

function idOf({ identity, id }: Session): string {
  return identity?.user ?? id
}
