import type { Clock } from '../protocol/clock.ts'
import type { Entry, Follower, Following, Slice } from './streams.ts'

/** What a follow needs of its broker. */
export interface FollowSource {
  /** Reads the stream; without a position, how far it is and no entry. */
  read(after: number | undefined): Promise<Slice>
  clock: Clock
  /** A follower threw. */
  failed(error: unknown): void
  /** A gap is told. */
  gap(): void
}

/** How many entries wait while the stream is read. Any more are read from it too. */
const HELD = 1_000

/** How long to wait after the stream could not be read. */
const PAUSE = 500

/**
 * Puts what arrives live and what is read from the stream into one order without holes, for one follower. Brokers
 * share it: they say what arrives (`heard`), and when something may have been missed (`lookAgain`), first of all once they
 * listen.
 */
export class Follow implements Following {
  readonly ready: Promise<void>
  readonly #source: FollowSource
  readonly #follower: Follower
  readonly #end: () => void
  #position: number | undefined
  #isReady!: () => void
  #isClosed = false
  /** What arrived while the stream is being read. */
  #held: Entry[] = []
  #isReading = false
  /** Something may have been missed since the reading began. */
  #isStale = false
  /** There was no such stream when it was read last: whatever is heard next is the first of it, wherever that begins. */
  #isBeginning = false
  #pause: unknown

  constructor(source: FollowSource, follower: Follower, after: number | undefined, end: () => void) {
    this.#source = source
    this.#follower = follower
    this.#position = after
    this.#end = end
    this.ready = new Promise((resolve) => {
      this.#isReady = resolve
    })
  }

  get position(): number | undefined {
    return this.#position
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#held = []
    if (this.#pause !== undefined) this.#source.clock.clearTimeout(this.#pause)
    this.#isReady()
    this.#end()
  }

  /** An entry arrived. */
  heard(entry: Entry): void {
    if (this.#isClosed) return
    if (this.#isReading) this.#hold(entry)
    else if (this.#isNext(entry)) this.#deliver(entry)
    else if (entry.position > (this.#position ?? 0)) {
      this.#hold(entry)
      this.lookAgain()
    }
  }

  /** Something arrived that has no position. */
  overheard(bytes: Uint8Array, from: string | undefined): void {
    if (!this.#isClosed) this.#tell(() => this.#follower.message?.(bytes, from))
  }

  /** Something may have been missed. */
  lookAgain(): void {
    this.#isStale = true
    this.#isBeginning = false
    if (!this.#isReading && !this.#isClosed) void this.#catchUp()
  }

  /** Reads until nothing can have been missed, and delivers. It does not throw. */
  async #catchUp(): Promise<void> {
    this.#isReading = true
    while (this.#isStale && !this.#isClosed) {
      this.#isStale = false
      const slice = await this.#read()
      if (slice === undefined || this.#isClosed) continue
      this.#take(slice)
      // There is more than one slice holds.
      if (slice.position < slice.last) this.#isStale = true
      else this.#release()
    }
    this.#isReading = false
    if (!this.#isClosed) this.#isReady()
  }

  async #read(): Promise<Slice | undefined> {
    try {
      return await this.#source.read(this.#position)
    } catch {
      // That the broker is away it tells by itself. Here there is nothing to do but to ask again.
      this.#isStale = true
      await new Promise<void>((resolve) => {
        this.#pause = this.#source.clock.setTimeout(resolve, PAUSE)
      })
      return undefined
    }
  }

  #take({ entries, position, last, gap }: Slice): void {
    if (gap !== undefined && this.#position !== undefined) {
      this.#position = gap.position
      this.#source.gap()
      this.#tell(() => this.#follower.gap(gap))
    }
    for (const entry of entries) this.#deliver(entry)
    // Entries that have expired are passed over.
    this.#position = position
    this.#isBeginning = last === 0 && !this.#isStale
  }

  /** Delivers what was held, as far as it goes on from here. */
  #release(): void {
    for (const entry of this.#held.splice(0)) {
      if (this.#isNext(entry)) this.#deliver(entry)
      else if (entry.position > (this.#position ?? 0)) this.#isStale = true
    }
  }

  #isNext({ position }: Entry): boolean {
    return this.#isBeginning || position === (this.#position ?? 0) + 1
  }

  #hold(entry: Entry): void {
    if (this.#held.length < HELD) this.#held.push(entry)
    else this.#isStale = true
  }

  #deliver(entry: Entry): void {
    if (this.#isClosed) return
    this.#isBeginning = false
    this.#position = entry.position
    this.#tell(() => this.#follower.entry(entry))
  }

  #tell(call: () => void): void {
    try {
      call()
    } catch (error) {
      this.#source.failed(error)
    }
  }
}
