import type { Gap } from '../broker/streams.ts'
import type { ChannelMessage } from './message.ts'

/** Who hears a channel. What it throws is logged, and keeps nobody else from hearing it. */
export interface ChannelSubscriber {
  message(message: ChannelMessage): void
  /** What came after `after` and up to `position` is not to be had; it goes on after that. */
  lost(gap: Gap): void
}

/** How many of what it published itself a listener may wait for, not to hear them. */
const OWN = 1_000

/**
 * For how long what another program has published is taken for the value that it has also set, where they are the same, in
 * milliseconds: they have no position by which they could be told apart.
 */
const SAME = 1_000

/** One subscriber of a channel, and how far it is. */
export class Listener {
  /** Up to where it was told everything. */
  position = 0
  /** Set when it was told what is kept, and hears all that comes; and when it was closed before. */
  readonly ready: Promise<void>
  readonly #subscriber: ChannelSubscriber
  readonly #failed: (error: unknown) => void
  /** The numbers of what it published, and is not to hear. */
  readonly #own = new Set<number>()
  #isReady!: () => void
  #given: { bytes: Uint8Array; until: number } | undefined
  #isClosed = false

  constructor(subscriber: ChannelSubscriber, failed: (error: unknown) => void) {
    this.#subscriber = subscriber
    this.#failed = failed
    this.ready = new Promise((resolve) => {
      this.#isReady = resolve
    })
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** It is not to hear what it publishes under that number. */
  ignore(number: number): void {
    this.#own.add(number)
    const [oldest = number] = this.#own
    if (this.#own.size > OWN) this.#own.delete(oldest)
  }

  /** That was not published. */
  forget(number: number): void {
    this.#own.delete(number)
  }

  /** Something with a position: told once, and in order. @param number of what was published here, else 0 */
  entry(message: ChannelMessage, position: number, number: number): void {
    if (position <= this.position) return
    this.position = position
    if (number === 0 || !this.#own.delete(number)) this.tell(message)
  }

  /** What another program has set as the value. */
  foreign(message: ChannelMessage, now: number): void {
    this.#given = { bytes: message.bytes, until: now + SAME }
    this.tell(message)
  }

  /** What another program has published. */
  overheard(message: ChannelMessage, now: number): void {
    const given = this.#given
    this.#given = undefined
    if (given === undefined || now >= given.until || !isSame(given.bytes, message.bytes)) this.tell(message)
  }

  /** Something is missing of what this listener has not been told yet, or the channel was set back. */
  lost(gap: Gap): void {
    const { after, position } = gap
    const isBack = position < after
    if (!isBack && position <= this.position) return
    const told = isBack ? gap : { after: Math.max(after, this.position), position }
    this.position = position
    this.#call(() => this.#subscriber.lost(told))
  }

  tell(message: ChannelMessage): void {
    this.#call(() => this.#subscriber.message(message))
  }

  /** It was told what is kept, up to there. */
  settled(position: number): void {
    this.position = Math.max(this.position, position)
  }

  arrived(): void {
    this.#isReady()
  }

  close(): void {
    this.#isClosed = true
    this.#own.clear()
    this.#isReady()
  }

  #call(what: () => void): void {
    if (this.#isClosed) return
    try {
      what()
    } catch (error) {
      this.#failed(error)
    }
  }
}

export function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, i) => byte === other[i])
}
