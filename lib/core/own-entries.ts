import type { Outgoing } from './relay.ts'

/** What this node has appended to the stream and not seen come back. */
interface Own {
  /** Absent where there is nothing to deliver. */
  readonly outgoing: Outgoing | undefined
  /** Where it is in the stream, once that is known. */
  position?: number
  /** It is not in the stream: surely, or as far as is known. */
  failure?: 'sure' | 'unsure'
}

/** Tags are below 2 ** 32, and 0 is none. */
const TAGS = 2 ** 32 - 1

/** Of how many that may turn up still is remembered that they need not be delivered any more. */
const MOST = 10_000

/**
 * What this node has given to the stream, in order, until it comes back from there; or until it is known that it does not, so that
 * it is delivered here alone.
 */
export class OwnEntries {
  readonly #alone: (outgoing: Outgoing) => void
  /** By tag, in order. */
  readonly #own = new Map<number, Own>()
  #tag = 0
  /** Up to where nothing comes any more. */
  #passed = 0
  /** The tags of those that were delivered here alone, and may be in the stream all the same. */
  readonly #uncertain = new Set<number>()

  /** `alone` delivers what does not come back. */
  constructor(alone: (outgoing: Outgoing) => void) {
    this.#alone = alone
  }

  /** Takes note of one that is appended under the tag which it gets. */
  add(outgoing: Outgoing | undefined): number {
    this.#tag = (this.#tag % TAGS) + 1
    this.#own.set(this.#tag, { outgoing })
    return this.#tag
  }

  /** The one of that tag is in the stream, at that position. */
  appended(tag: number, position: number): void {
    const own = this.#own.get(tag)
    if (own === undefined) return
    own.position = position
    this.#giveUpFailed()
  }

  /** It is not, as far as is known. It waits for those before it, which may still come. */
  failed(tag: number, failure: 'sure' | 'unsure'): void {
    const own = this.#own.get(tag)
    if (own === undefined) return
    own.failure = failure
    this.#giveUpFailed()
  }

  /**
   * One has come back: what there is to deliver of it; `twice` where that was done already, `unknown` where nothing is known of
   * it. Those before it come no more, and those after it wait for `settle`.
   */
  came(tag: number): Outgoing | undefined | 'twice' | 'unknown' {
    if (this.#uncertain.delete(tag)) return 'twice'
    const own = this.#own.get(tag)
    if (own === undefined) return 'unknown'
    for (const before of [...this.#own.keys()]) {
      if (before === tag) break
      this.#giveUp(before)
    }
    this.#own.delete(tag)
    return own.outgoing
  }

  /** What came has been delivered: now it is the turn of those after it that do not come. */
  settle(): void {
    this.#giveUpFailed()
  }

  /** What is in the stream up to a position does not come any more. */
  passed(position: number): void {
    this.#passed = position
    for (const [tag, own] of this.#own) if (this.#isPassed(own)) this.#own.delete(tag)
    this.#giveUpFailed()
  }

  /**
   * What comes back comes too late: all that waits is delivered here. What there is nothing to deliver of goes on waiting, unless
   * nothing comes back at all.
   */
  abandon(isEnd = false): void {
    for (const [tag, { outgoing }] of [...this.#own]) if (isEnd || outgoing !== undefined) this.#giveUp(tag)
  }

  #isPassed({ position }: Own): boolean {
    return position !== undefined && position <= this.#passed
  }

  #giveUpFailed(): void {
    for (const [tag, own] of this.#own) {
      if (this.#isPassed(own)) this.#own.delete(tag)
      else if (own.failure !== undefined) this.#giveUp(tag)
      else return
    }
  }

  #giveUp(tag: number): void {
    const own = this.#own.get(tag)
    this.#own.delete(tag)
    if (own?.failure !== 'sure') this.#remember(tag)
    if (own?.outgoing !== undefined) this.#alone(own.outgoing)
  }

  #remember(tag: number): void {
    this.#uncertain.add(tag)
    if (this.#uncertain.size <= MOST) return
    const [oldest] = this.#uncertain
    this.#uncertain.delete(oldest as number)
  }
}
