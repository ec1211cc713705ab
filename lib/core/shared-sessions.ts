import type { Broker } from '../broker/broker.ts'
import type { Asking } from '../nodes/asking.ts'
import { closeCodes } from '../protocol/close.ts'
import type { Codec } from '../protocol/codec.ts'
import { inTime } from './deadline.ts'
import { forget } from './handover.ts'
import { Moving, type Restored } from './moving.ts'
import type { Recovery } from './recovery.ts'
import { nameOf } from './room-relay.ts'
import type { Rooms } from './rooms.ts'
import type { Session } from './session.ts'
import { type RecordDesk, recordOf, SessionRecord } from './session-record.ts'
import { packWhereabouts, unpackWhereabouts } from './session-state.ts'
import type { Shared } from './shared.ts'
import { StreamRelay } from './stream-relay.ts'

/** For each so many bytes of what a gateway may keep, its stream keeps a broadcast. */
const BYTES_A_BROADCAST = 1_024

/** How many broadcasts a stream keeps at least. */
const LEAST = 1_000

/** How often in the time of a lease it is looked whether this node was asleep. */
const LOOKS = 8

/** How many sessions are written or read at a time. */
const BATCH = 500

/** For how long a node that has just begun is waited for by who connects, in milliseconds. */
const BEGINNING = 1_000

/** What the sessions of a gateway with recovery need where several nodes serve it. */
export interface SharedSessionsParts {
  readonly broker: Broker
  readonly asking: Asking
  /** The gateway's path. */
  readonly path: string
  readonly codecs: readonly Codec[]
  readonly rooms: Rooms
  readonly recovery: Recovery
  readonly shared: Pick<Shared, 'clock' | 'limits' | 'outbox'>
  garbage(from: string | undefined): void
  /** A session's data cannot be carried. */
  unmovable(session: Session): void
}

/** The sessions of a gateway with recovery that other nodes may go on with: written down as they change, and looked after. */
export class SharedSessions implements RecordDesk {
  readonly relay: StreamRelay
  readonly moving: Moving
  readonly node: string
  readonly path: string
  readonly ttl: number
  readonly #parts: SharedSessionsParts
  readonly #records = new Set<SessionRecord>()
  readonly #lease: number
  #begun = 0
  #awaySince: number | undefined
  /** When this node was last seen awake. */
  #awake: number
  #timer: unknown
  #whenSynced: (() => void)[] = []
  /** While it is being looked which sessions are this node's still. */
  #verifying: Promise<void> | undefined
  /** Whether that has to be looked at still, or again. */
  #isUnverified = false
  #isSuspect = false

  constructor(parts: SharedSessionsParts) {
    const { broker, asking, path, recovery, rooms, shared } = parts
    this.#parts = parts
    this.node = broker.node
    this.path = path
    this.ttl = recovery.age
    this.#lease = broker.nodes.lease
    this.#awake = shared.clock.now()
    this.relay = new StreamRelay({
      ...parts,
      clock: shared.clock,
      log: recovery.log,
      limit: Math.max(LEAST, Math.ceil(recovery.bytes / BYTES_A_BROADCAST)),
      ttl: recovery.age,
      deliver: (outgoing) => rooms.publishing.deliver(outgoing),
      lost: (names) => this.#tell(names),
      synced: (isSynced) => this.#synced(isSynced),
    })
    this.moving = new Moving(broker, asking, path, this)
  }

  get clock(): Shared['clock'] {
    return this.#parts.shared.clock
  }

  get farewell(): number {
    return this.#parts.shared.limits.farewell
  }

  get isReady(): boolean {
    return this.#parts.broker.state === 'ready'
  }

  get isSynced(): boolean {
    return this.relay.isSynced
  }

  /** For how long the broker is away, in milliseconds. */
  get awayFor(): number {
    return this.#awaySince === undefined ? 0 : this.clock.now() - this.#awaySince
  }

  get base(): number | undefined {
    return this.isSynced ? this.relay.base : undefined
  }

  get floor(): number {
    return this.relay.floor
  }

  get isAstray(): boolean {
    return this.relay.isAstray
  }

  get last(): number {
    return this.#parts.recovery.log.last
  }

  start(): void {
    const { broker } = this.#parts
    this.#begun = this.#awake = this.clock.now()
    if (broker.state === 'away') this.#awaySince = this.#begun
    broker.onState((state) => {
      if (state === 'away') this.#awaySince ??= this.clock.now()
      else this.#back()
    })
    broker.nodes.onChange(({ lapsed }) => {
      if (lapsed) this.#verify()
    })
    this.relay.start()
    this.#look()
  }

  stop(): void {
    this.clock.clearTimeout(this.#timer)
    this.relay.stop()
    for (const done of this.#whenSynced.splice(0)) done()
  }

  get(sid: string): Session | undefined {
    return this.#parts.rooms.get(sid)
  }

  codecName(index: number): string {
    return nameOf(this.#parts.codecs[index] as Codec)
  }

  /** The record of a session that has just been made. */
  record(session: Session, restored?: Restored): SessionRecord {
    const { generation = crypto.randomUUID(), version = null } = restored ?? {}
    const record = new SessionRecord(session, this, generation, version)
    this.#records.add(record)
    return record
  }

  /** It is over, or another node's. */
  dropped(record: SessionRecord): void {
    this.#records.delete(record)
  }

  /** Resolves when who connects can be served, and whoever is asked for can be given; after a while in any case. */
  async untilReady(): Promise<void> {
    const isBeginning = this.isReady || this.clock.now() - this.#begun < BEGINNING
    if (!this.isSynced && isBeginning) await this.#within(this.#untilSynced())
    if (this.#verifying !== undefined) await this.#within(this.#verifying)
  }

  /** Whether anything has to be waited for before somebody is served. */
  get isUnready(): boolean {
    if (this.#isSuspect) return true
    return !this.isSynced && (this.isReady || this.clock.now() - this.#begun < BEGINNING)
  }

  /** Whether sessions of this node may be another's by now. */
  get isSuspect(): boolean {
    return this.#isSuspect
  }

  /**
   * Whether this node was awake all the time, so that its sessions are its own. Where it was not, they leave their lines, and are
   * looked after.
   */
  isAwake(): boolean {
    if (this.clock.now() - this.#awake <= this.#lease / 2) return true
    this.#woke()
    return false
  }

  later(record: SessionRecord): void {
    this.#parts.shared.outbox.before(record)
  }

  async claim(sid: string, bytes: Uint8Array | string, version: string | null): Promise<string | undefined> {
    const { node, path } = this
    const record = typeof bytes === 'string' ? packWhereabouts({ node, path, generation: bytes }) : bytes
    const written = await this.#parts.broker.records.write(recordOf(sid), record, { ttl: this.ttl, version })
    if (!written.conflict) return written.version
    // Generations are random: what says the same was written by this node before, without an answer.
    const { current } = written
    return current !== undefined && isEqual(current.bytes, record) ? current.version : undefined
  }

  /** Gives up what was claimed. It does not reject. */
  async giveBack(sid: string, generation: string, version: string): Promise<void> {
    const { path } = this
    await this.claim(sid, packWhereabouts({ node: '', path, generation }), version).catch(() => {})
  }

  touch(sid: string): void {
    this.#parts.broker.records.touch(recordOf(sid), this.ttl).catch(() => {})
  }

  erase(sid: string, version: string): void {
    this.#parts.broker.records.delete(recordOf(sid), version).catch(() => {})
  }

  append(stream: string, bytes: Uint8Array, limit: number): Promise<unknown> {
    this.relay.checkPlaces()
    return this.#parts.broker.streams.append(stream, bytes, { limit, ttl: this.ttl, memory: this.ttl })
  }

  clear(stream: string): void {
    this.#parts.broker.streams.clear(stream).catch(() => {})
  }

  unmovable(session: Session): void {
    this.#parts.unmovable(session)
  }

  /** Positions go on after those that another node had given. */
  advance(pos: number): void {
    this.#parts.recovery.log.advance(pos)
  }

  /** Those whom something is lost to begin anew, and are told so. */
  #tell(names: readonly string[] | undefined): void {
    const { code } = closeCodes.restart
    for (const session of [...this.#parts.rooms.everybody]) {
      if (session.resumable === undefined) continue
      const isConcerned = names === undefined || names.some((name) => session.roomNames.has(name))
      if (isConcerned) session.close(code, 'events were lost')
    }
  }

  #synced(isSynced: boolean): void {
    // What was sent before has no place among what the others know.
    this.#tell(undefined)
    if (!isSynced) return
    for (const done of this.#whenSynced.splice(0)) done()
  }

  #untilSynced(): Promise<void> {
    return new Promise((resolve) => this.#whenSynced.push(resolve))
  }

  async #within(task: Promise<void>): Promise<void> {
    await inTime(task, this.clock, BEGINNING)
  }

  #back(): void {
    this.#awaySince = undefined
    for (const record of this.#records) record.catchUp(true)
    if (this.#isUnverified) this.#verify()
  }

  /** Looks after the sessions from time to time. */
  #look(): void {
    const { clock } = this
    this.#timer = clock.setTimeout(() => {
      if (this.isAwake()) this.#awake = clock.now()
      this.#refresh()
      if (this.#isUnverified && this.isReady) this.#verify()
      this.#look()
    }, this.#lease / LOOKS)
  }

  /** Writes again what would be forgotten. */
  #refresh(): void {
    if (!this.isReady || !this.isSynced) return
    const due = this.clock.now() - this.ttl / 3
    let count = 0
    for (const record of this.#records) {
      if (record.writtenAt > due || !record.isMovable) continue
      record.refresh()
      if (++count === BATCH) return
    }
  }

  /** This node has stood still for so long that the others may have taken it for dead. */
  #woke(): void {
    this.#awake = this.clock.now()
    this.#isSuspect = true
    const { code } = closeCodes.restart
    for (const { session } of [...this.#records])
      if (session.isOpen) session.leaveLine(code, 'the server was asleep')
    this.#verify()
  }

  /** Looks which sessions are this node's still, and forgets the others. */
  #verify(): void {
    this.#isUnverified = true
    this.#verifying ??= this.#lookAtRecords().finally(() => {
      this.#verifying = undefined
    })
  }

  async #lookAtRecords(): Promise<void> {
    const { records } = this.#parts.broker
    try {
      while (this.#isUnverified) {
        this.#isUnverified = false
        const all = [...this.#records]
        for (let i = 0; i < all.length; i += BATCH) await this.#lookAt(all.slice(i, i + BATCH), records)
      }
      this.#isSuspect = false
    } catch {
      // Out of reach: they are looked at when it is back, or at the next look. Until then nobody goes on with them where they are
      // suspect.
      this.#isUnverified = true
    }
  }

  /** Rejects where the broker is out of reach. */
  async #lookAt(some: readonly SessionRecord[], records: Broker['records']): Promise<void> {
    const found = await Promise.all(some.map(({ session }) => records.read(recordOf(session.id))))
    for (const [k, record] of some.entries()) {
      const where = found[k] && unpackWhereabouts(found[k].bytes)
      if (where === undefined) record.catchUp(false)
      else if (where.node !== this.node || where.generation !== record.generation) forget(record.session)
    }
  }
}

function isEqual(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, i) => byte === other[i])
}
