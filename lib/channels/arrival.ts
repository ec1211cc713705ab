import type { Entry, Slice } from '../broker/streams.ts'
import { readTag } from './content.ts'
import { foreignOf, historyOf, messageOf } from './kept.ts'
import { isSame, type Listener } from './listener.ts'
import type { ChannelMessage } from './message.ts'
import type { Channel } from './names.ts'

/** What an arrival needs of its channel. */
export interface ArrivalParts {
  readonly channel: Channel
  readonly node: string
  now(): number
  /** Reads what is kept: what comes after a position, or the newest. Rejects while the broker is away. */
  read(options: { after?: number; limit?: number }): Promise<Slice>
  /** Resolves a while later, or when the channel is closed. */
  pause(): Promise<void>
}

/** Something that happened to a channel, to be told to listeners one by one. */
export interface Happening {
  tell(listener: Listener): void
  /** How large it is, in bytes. */
  readonly size: number
  /** What another program has published. */
  readonly foreign?: Uint8Array
}

/** How much waits while what is kept is being read. What is more is read as well, or it is lost if it was not kept. */
const HELD = 1_000
const HELD_BYTES = 1 << 20

/**
 * Listeners that came together to one channel, on the same terms. What is kept is read once for all of them; what happens meanwhile
 * waits, and is told after it.
 */
export class Arrival {
  readonly listeners: Set<Listener> = new Set()
  readonly #parts: ArrivalParts
  readonly #history: number
  /** How far they are; undefined as long as they are to be told what is kept for newcomers. */
  #after: number | undefined
  #held: Happening[] = []
  #heldBytes = 0
  /** Something could not be held. */
  #isStale = false

  constructor(parts: ArrivalParts, after: number | undefined, history: number) {
    this.#parts = parts
    this.#after = after
    this.#history = history
  }

  /** Something happened; it is told when what is kept was. */
  hold(happening: Happening): void {
    if (this.#isStale || this.#held.length >= HELD || this.#heldBytes + happening.size > HELD_BYTES)
      this.#isStale = true
    else {
      this.#held.push(happening)
      this.#heldBytes += happening.size
    }
  }

  /**
   * Tells what is kept and all that happened meanwhile, or ends because nobody is left. It does not throw.
   *
   * @param settled called at once when all was told: from then on nothing is held
   */
  async run(settled: () => void): Promise<void> {
    // Who wants nothing that is kept waits for nothing.
    let isUpToDate = this.#after === undefined && this.#history === 0
    while (!isUpToDate && this.listeners.size > 0) {
      const slice = await this.#read()
      if (slice !== undefined) isUpToDate = this.#take(slice)
    }
    this.#release()
    settled()
  }

  async #read(): Promise<Slice | undefined> {
    const { read, pause } = this.#parts
    const after = this.#after
    try {
      return await read(after === undefined ? { limit: this.#history } : { after })
    } catch {
      // That the broker is away it tells by itself.
      await pause()
      return undefined
    }
  }

  /** Returns whether that was all. */
  #take(slice: Slice): boolean {
    const { channel } = this.#parts
    const { entries, gap, position, last } = slice
    if (this.#after === undefined) {
      const numbers = new Map(entries.map((entry) => [entry.position, this.#numberOf(entry)]))
      for (const message of historyOf(channel, slice, this.#history))
        this.#tellKept(message, numbers.get(message.position ?? 0))
    } else {
      if (gap !== undefined) for (const one of this.listeners) one.lost(gap)
      for (const entry of entries) {
        const message = messageOf(channel, entry)
        const number = this.#numberOf(entry)
        for (const one of this.listeners) one.entry(message, entry.position, number)
      }
    }
    const isReturning = this.#after !== undefined
    this.#after = position
    for (const one of this.listeners) one.settled(position)
    if (position < last) return false
    // Nobody can tell whether they had it before: it is news until it is known.
    const foreign = isReturning ? foreignOf(channel, slice) : undefined
    if (foreign !== undefined) this.#tellKept(foreign)
    if (!this.#isStale) return true
    this.#release()
    return false
  }

  /** What this node published, and not all are to hear. */
  #numberOf({ from, tag }: Entry): number {
    return from === this.#parts.node ? readTag(tag).number : 0
  }

  #tellKept(message: ChannelMessage, number = 0): void {
    const { position } = message
    if (position !== undefined) for (const one of this.listeners) one.entry(message, position, number)
    // It was heard while it was read: then it is told in its place.
    else if (!this.#held.some(({ foreign }) => foreign && isSame(foreign, message.bytes)))
      for (const one of this.listeners) one.foreign(message, this.#parts.now())
  }

  /** Tells what was held; where that is not all, the rest has to be read. */
  #release(): void {
    for (const happening of this.#held) for (const one of this.listeners) happening.tell(one)
    this.#held = []
    this.#heldBytes = 0
    this.#isStale = false
    // What was told is behind them.
    const [one] = this.listeners
    if (this.#after !== undefined && one !== undefined) this.#after = one.position
  }
}
