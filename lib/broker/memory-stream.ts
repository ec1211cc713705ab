import { memoryOf } from './position.ts'
import type { AppendOptions, Entry, Gap, Slice } from './streams.ts'

/** A stream in memory, as all nodes share it. */
export class MemoryStream {
  /** When nobody needs to know any more how far it was. */
  expires = 0
  readonly #before: number
  #last: number
  #kept: { entry: Entry; expires: number }[] = []

  /** @param before the position after which it begins */
  constructor(before: number) {
    this.#before = before
    this.#last = before
  }

  append(
    bytes: Uint8Array,
    from: string,
    { limit, ttl, tag, memory }: Pick<AppendOptions, 'limit' | 'ttl' | 'tag' | 'memory'>,
    now: number,
  ): Entry {
    const entry = { position: ++this.#last, bytes, from, ...(tag && { tag }) }
    this.#kept.push({ entry, expires: now + ttl })
    if (this.#kept.length > limit) this.#kept = this.#kept.slice(-limit)
    this.expires = Math.max(this.expires, now + (memory ?? memoryOf(ttl)))
    return entry
  }

  /** The newest entry. */
  get newest(): Entry | undefined {
    return this.#kept.at(-1)?.entry
  }

  read(after: number | undefined, limit: number, now: number): Omit<Slice, 'kept'> {
    const live = this.#kept.filter(({ expires }) => expires > now).map(({ entry }) => entry)
    const last = this.#last
    if (after === undefined)
      return { entries: limit === 0 ? [] : live.slice(-limit), position: last, last, gap: undefined }
    const first = this.#kept[0]?.entry.position ?? last + 1
    const gap = this.#gapAfter(after, first)
    const rest = live.filter(({ position }) => position > after)
    const entries = rest.slice(0, limit)
    return { entries, position: rest.length > limit ? (entries.at(-1)?.position ?? last) : last, last, gap }
  }

  /** Takes everything out; returns whether there was anything. */
  clear(): boolean {
    return this.#kept.splice(0).length > 0
  }

  /** Gives up what has expired. That its oldest entries are gone is no gap for those who have seen them. */
  trim(now: number): void {
    const index = this.#kept.findIndex(({ expires }) => expires > now)
    this.#kept = index < 0 ? [] : this.#kept.slice(index)
  }

  #gapAfter(after: number, first: number): Gap | undefined {
    if (after === 0 && first === this.#before + 1) return undefined
    if (after > this.#last) return { after, position: this.#last }
    return first > after + 1 ? { after, position: first - 1 } : undefined
  }
}
