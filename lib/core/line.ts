import type { EventFrame } from '../protocol/frame.ts'

/** The events of one socket that wait for their turn: first come, first served, up to a limit. */
export class Line {
  readonly #limit: number
  #frames: EventFrame[] = []
  /** Where the line begins; frames before it are gone, and cut off together once they are many. */
  #first = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  get length(): number {
    return this.#frames.length - this.#first
  }

  /** Whether so many wait that the sender had better be held back. */
  get isLong(): boolean {
    return this.length > this.#limit / 2
  }

  /** Adds an event at the end; false if the line is full. */
  push(frame: EventFrame): boolean {
    if (this.length >= this.#limit) return false
    this.#frames.push(frame)
    return true
  }

  shift(): EventFrame | undefined {
    const frame = this.#frames[this.#first]
    if (frame === undefined) return undefined
    this.#first++
    if (this.#first === this.#frames.length) {
      this.#frames = []
      this.#first = 0
    } else if (this.#first > this.#limit) {
      this.#frames = this.#frames.slice(this.#first)
      this.#first = 0
    }
    return frame
  }

  clear(): void {
    this.#frames = []
    this.#first = 0
  }
}
