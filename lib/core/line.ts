import type { EventFrame } from '../protocol/frame.ts'

interface Waiting {
  frame: EventFrame
  size: number
}

/** The events of one socket that wait for their turn: first come, first served, up to a number and a size. */
export class Line {
  readonly #limit: number
  readonly #sizeLimit: number
  #waiting: Waiting[] = []
  /** Where the line begins; what is before it is gone, and cut off together once it is much. */
  #first = 0
  #size = 0

  constructor(limit: number, sizeLimit: number) {
    this.#limit = limit
    this.#sizeLimit = sizeLimit
  }

  get length(): number {
    return this.#waiting.length - this.#first
  }

  /** Whether so much waits that the sender had better be held back. */
  get isLong(): boolean {
    return this.length > this.#limit / 2 || this.#size > this.#sizeLimit / 2
  }

  /** Adds an event at the end; false if the line is full. One fits in any case. */
  push(frame: EventFrame, size: number): boolean {
    if (this.length > 0 && (this.length >= this.#limit || this.#size + size > this.#sizeLimit)) return false
    this.#waiting.push({ frame, size })
    this.#size += size
    return true
  }

  shift(): EventFrame | undefined {
    const next = this.#waiting[this.#first]
    if (next === undefined) return undefined
    this.#first++
    this.#size -= next.size
    if (this.#first === this.#waiting.length) this.clear()
    else if (this.#first > this.#limit) {
      this.#waiting = this.#waiting.slice(this.#first)
      this.#first = 0
    }
    return next.frame
  }

  clear(): void {
    this.#waiting = []
    this.#first = 0
    this.#size = 0
  }
}
