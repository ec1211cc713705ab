import type { Broker } from '../broker/broker.ts'
import { BrokerError } from '../broker/error.ts'
import type { Entry, Following, Gap } from '../broker/streams.ts'
import { packHole, unpackHole } from '../nodes/hole.ts'
import { type Codec, type Payload, withPosition } from '../protocol/codec.ts'
import { AgreedBase } from './agreed-base.ts'
import { Arrivals } from './arrivals.ts'
import type { Clock } from './clock.ts'
import { Early } from './early.ts'
import type { EventLog } from './log.ts'
import { OwnEntries } from './own-entries.ts'
import { ENTRIES, entryAt, PLACES, placeOf } from './places.ts'
import { type Outgoing, packed, type Relay, unpacked } from './relay.ts'
import { nameOf } from './room-relay.ts'
import { Untold } from './untold.ts'

/** What a relay needs of its gateway. */
export interface StreamRelayParts {
  readonly broker: Broker
  readonly clock: Clock
  /** The gateway's path. */
  readonly path: string
  readonly codecs: readonly Codec[]
  readonly log: EventLog
  /** How many broadcasts the stream keeps, and for how long. */
  readonly limit: number
  readonly ttl: number
  /** Delivers to those who are here. */
  deliver(outgoing: Outgoing): void
  /** Something is lost to those who are here and in these rooms; to everybody where none is named. */
  lost(rooms: readonly string[] | undefined): void
  /** The broker brings everything from now on, in the order of all nodes; or does not any more. */
  synced(isSynced: boolean): void
  /** Something that was no broadcast came. */
  garbage(from: string | undefined): void
}

/** After how many milliseconds without the broker this node goes on alone: what is published before waits, and nobody misses it. */
const GRACE = 2_000

/** How long to wait before what the broker refused is tried again, in milliseconds. */
const PAUSE = 1_000

/** How often it is looked whether the others still count from the same base, in milliseconds. */
const LOOK = 60 * 60_000

const NOTHING = new Uint8Array()

/**
 * Takes the broadcasts of a gateway with recovery to the other nodes: all are appended to one stream, and every node delivers them
 * when they come from there, its own too. So they have one order, and the same positions, on all nodes.
 *
 * Where the broker is away, what is published is delivered here alone. Back again, the others are told that they missed it.
 */
export class StreamRelay implements Relay {
  readonly isOrdered = true
  readonly #parts: StreamRelayParts
  readonly #name: string
  /** What each codec is called between nodes. */
  readonly #codecNames: readonly string[]
  readonly #own = new OwnEntries((outgoing) => this.#deliverAlone(outgoing))
  readonly #early: Early
  readonly #agreed: AgreedBase
  #base: number | undefined
  /** The last entry that came. */
  #entry = 0
  #state: 'none' | 'beginning' | 'synced' | 'stopped' = 'none'
  #following: Following | undefined
  #timer: unknown
  #patience: unknown
  /** What the others have not had. */
  readonly #untold: Untold
  /** Since when the broker is away. */
  #awaySince: number | undefined
  /** The last position of something that the other nodes do not know under it. */
  #floor = 0
  #isTicking = false
  readonly #arrivals: Arrivals

  constructor(parts: StreamRelayParts) {
    this.#parts = parts
    this.#name = `gateway:${parts.path}`
    this.#codecNames = parts.codecs.map(nameOf)
    this.#arrivals = new Arrivals(parts.clock)
    this.#early = new Early(parts.clock, (outgoing) => this.#deliverAlone(outgoing))
    this.#agreed = new AgreedBase({ ...parts, tick: () => this.#append(NOTHING, undefined) })
    this.#untold = new Untold({
      clock: parts.clock,
      isReady: () => this.isSynced && parts.broker.state === 'ready',
      send: (rooms) => this.#append(packHole({ rooms }), undefined),
    })
  }

  get isSynced(): boolean {
    return this.#state === 'synced'
  }

  /** From where positions are counted; undefined until it is known. */
  get base(): number | undefined {
    return this.#base
  }

  /** Who has not seen this position may have missed what one node alone has delivered: this one, or for who comes here, another. */
  get floor(): number {
    return this.#floor
  }

  /** Whether so much was sent to single sessions since the last entry that positions are those of later entries. */
  get isAstray(): boolean {
    return this.#base !== undefined && this.#parts.log.last >= placeOf(this.#entry + 1, this.#base)
  }

  /** Whether the others are still to be told of something that they have missed. */
  get isTelling(): boolean {
    return this.#untold.isTelling
  }

  start(): void {
    this.#early.open(GRACE)
    const { broker } = this.#parts
    broker.onState((state) => {
      if (state === 'ready') this.#back()
      else this.#gone()
    })
    if (broker.state === 'ready') this.#back()
  }

  stop(): void {
    this.#state = 'stopped'
    this.#parts.clock.clearTimeout(this.#timer)
    this.#parts.clock.clearTimeout(this.#patience)
    this.#following?.close()
    this.#early.giveUp()
    this.#own.abandon(true)
    this.#untold.stop()
    this.#arrivals.came(Number.POSITIVE_INFINITY)
  }

  publish(outgoing: Outgoing): void {
    if (outgoing.rooms?.length === 0) return
    if (this.#isAwayForLong) this.#own.abandon()
    if (!this.isSynced && this.#early.hold(outgoing)) return
    if (!this.isSynced || this.#isAwayForLong) return this.#deliverAlone(outgoing)
    this.#append(packed(outgoing, this.#codecNames), outgoing).catch(ignore)
  }

  /** Until then what is published waits. */
  get #isAwayForLong(): boolean {
    return this.#awaySince !== undefined && this.#parts.clock.now() - this.#awaySince > GRACE
  }

  occupied(): void {}
  vacated(): void {}

  /** Much was sent to single sessions: before positions become those of the next entry, there has to be one. */
  checkPlaces(): void {
    const { broker, log } = this.#parts
    if (this.#isTicking || !this.isSynced || broker.state === 'away') return
    if (log.last % PLACES < PLACES / 2) return
    this.#isTicking = true
    const ticked = (): void => {
      this.#isTicking = false
    }
    this.#append(NOTHING, undefined).then(ticked, ticked)
  }

  /** Resolves with whether everything has come that precedes a position, within that many milliseconds. */
  async reached(pos: number, timeout: number): Promise<boolean> {
    if (this.#base === undefined) return false
    const entry = entryAt(pos, this.#base)
    if (this.#entry < entry) await this.#arrivals.until(entry, timeout)
    return this.isSynced && this.#entry >= entry
  }

  #gone(): void {
    // A broker that is stopped goes away, too.
    if (this.#state === 'stopped') return
    const { clock } = this.#parts
    this.#awaySince ??= clock.now()
    clock.clearTimeout(this.#patience)
    this.#patience = clock.setTimeout(() => this.#own.abandon(), GRACE)
  }

  /** The broker is ready, for the first time or again. */
  #back(): void {
    const { clock, ttl } = this.#parts
    clock.clearTimeout(this.#patience)
    const away = this.#awaySince === undefined ? 0 : clock.now() - this.#awaySince
    this.#awaySince = undefined
    if (this.#state === 'none') void this.#begin()
    if (!this.isSynced) return
    // What has grown too old meanwhile is passed over without a word.
    if (away >= ttl) return this.#startOver()
    this.#untold.tell()
    void this.#look()
  }

  /** Agrees with the others, and catches up. Tries again for as long as that fails; it does not throw. */
  async #begin(): Promise<void> {
    const { broker, log } = this.#parts
    this.#state = 'beginning'
    try {
      const base = await this.#agreed.agree()
      if ((this.#state as string) === 'stopped') return
      this.#base = base
      let first: number | undefined
      const following = broker.streams.follow(
        this.#name,
        {
          entry: (entry) => {
            first ??= entry.position
            if (following === this.#following) this.#receive(entry)
          },
          gap: (gap) => {
            if (following === this.#following && this.isSynced) this.#gap(gap)
          },
        },
        { after: 0 },
      )
      this.#following = following
      await following.ready
      if ((this.#state as string) === 'stopped' || following !== this.#following) return
      const last = Math.max(following.position ?? 0, this.#entry, base)
      this.#entry = last
      log.advance(placeOf(last, base))
      // Of what was before the first that is still there nothing is known.
      log.loseAll(placeOf(Math.max(base, (first ?? last + 1) - 1), base))
      this.#state = 'synced'
      this.#parts.synced(true)
      for (const outgoing of this.#early.take()) this.publish(outgoing)
      this.#untold.tell()
      this.#lookLater()
    } catch {
      // That the broker is away it tells by itself. Here there is nothing to do but to try again.
      if ((this.#state as string) === 'stopped') return
      this.#state = 'none'
      this.#parts.clock.clearTimeout(this.#timer)
      this.#timer = this.#parts.clock.setTimeout(() => {
        if (broker.state === 'ready' && this.#state === 'none') void this.#begin()
      }, PAUSE)
    }
  }

  /** What was sent has no place any more in the order of the others: who is here has to begin anew, and is told. */
  #startOver(): void {
    if (this.#state === 'stopped') return
    const { log, broker } = this.#parts
    this.#state = 'none'
    this.#following?.close()
    this.#following = undefined
    this.#own.abandon(true)
    this.#parts.synced(false)
    log.restart(0)
    this.#entry = 0
    this.#floor = 0
    this.#untold.forgetUnderWay()
    this.#base = undefined
    if (broker.state === 'ready') void this.#begin()
  }

  #receive({ position, from, tag, bytes }: Entry): void {
    const { broker, log } = this.#parts
    const base = this.#base as number
    // From a time before the base was agreed about.
    if (position <= base) return
    const pos = placeOf(position, base)
    if (this.isSynced && (pos <= log.last || position - base >= ENTRIES)) return this.#startOver()
    if (pos <= log.last) return log.loseAll(pos)
    const own = from === broker.node && tag !== undefined ? this.#own.came(tag) : 'unknown'
    // Some of this node's own may have been delivered just now, since they come no more.
    if (this.isSynced && pos <= log.last) return this.#startOver()
    this.#entry = position
    log.advance(pos)
    // What was delivered here alone is told to the others: who comes from them has missed it.
    if (own === undefined && bytes.length > 0) {
      this.#untold.came()
      this.#floor = pos
    }
    if (own === 'twice') this.#floor = pos
    else if (own === 'unknown') this.#deliverForeign(bytes, from, pos)
    else if (own !== undefined) this.#deliver(own, pos, this.isSynced)
    this.#own.settle()
    this.#arrivals.came(this.#entry)
  }

  #deliverForeign(bytes: Uint8Array, from: string, pos: number): void {
    if (bytes.length === 0) return
    const outgoing = unpacked(bytes, this.#codecNames)
    if (outgoing !== undefined) return this.#deliver(outgoing, pos, this.isSynced)
    const hole = unpackHole(bytes)
    if (hole === undefined) return this.#parts.garbage(from)
    if (from !== this.#parts.broker.node) this.#lose(hole.rooms, pos)
  }

  /** Delivers under a position, and keeps it for those who come back. What was there before this node is only kept. */
  #deliver(outgoing: Outgoing, pos: number, isNew: boolean): void {
    const { codecs, log } = this.#parts
    const payloads = outgoing.payloads.map(
      (payload, i) => payload && positioned(codecs[i] as Codec, payload, pos),
    )
    const broadcast = { ...outgoing, payloads }
    if (isNew) this.#parts.deliver(broadcast)
    log.append({ ...broadcast, pos })
  }

  /** Delivers what the other nodes do not get, or not in this place. */
  #deliverAlone(outgoing: Outgoing): void {
    const { log } = this.#parts
    const pos = log.next()
    this.#floor = pos
    this.#deliver(outgoing, pos, true)
    this.#untold.add(outgoing.rooms)
  }

  #gap({ position }: Gap): void {
    const pos = placeOf(position, this.#base as number)
    if (pos <= this.#parts.log.last) return this.#startOver()
    this.#entry = position
    this.#parts.log.advance(pos)
    this.#own.passed(position)
    this.#floor = pos
    this.#untold.forgetUnderWay()
    this.#lose(undefined, pos)
    this.#arrivals.came(this.#entry)
  }

  #lose(rooms: readonly string[] | undefined, pos: number): void {
    const { log } = this.#parts
    if (rooms === undefined) log.loseAll(pos)
    for (const room of rooms ?? []) log.lose(room, pos)
    if (this.isSynced) this.#parts.lost(rooms)
  }

  #append(bytes: Uint8Array, outgoing: Outgoing | undefined): Promise<number> {
    const { broker, limit, ttl } = this.#parts
    const tag = this.#own.add(outgoing)
    const appended = broker.streams.append(this.#name, bytes, { limit, ttl, tag })
    appended.then(
      (position) => this.#own.appended(tag, position),
      (error: unknown) => {
        const isUnsure = error instanceof BrokerError && error.code === 'UNKNOWN'
        this.#own.failed(tag, isUnsure ? 'unsure' : 'sure')
      },
    )
    return appended
  }

  /** Looks whether the others still count from the same base: the broker may have forgotten it. */
  async #look(): Promise<void> {
    const base = this.#base
    try {
      if (base !== undefined && !(await this.#agreed.holds(base)) && base === this.#base) this.#startOver()
    } catch {
      // The next look tells.
    }
  }

  #lookLater(): void {
    const { clock } = this.#parts
    clock.clearTimeout(this.#timer)
    this.#timer = clock.setTimeout(() => {
      void this.#look()
      if (this.isSynced) this.#lookLater()
    }, LOOK)
  }
}

/** Whatever a codec of the application's own makes of it. */
function positioned(codec: Codec, payload: Payload, pos: number): Payload | undefined {
  try {
    return withPosition(codec, payload, pos)
  } catch {
    return undefined
  }
}

/** What is given up is seen to where it is known. */
function ignore(): void {}
