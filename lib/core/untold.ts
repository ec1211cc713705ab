import type { Clock } from './clock.ts'

/** Of how many rooms it is told that something was missed; of any more, that it may have been for anybody. */
const ROOMS = 1_000

/** How long to wait before what the broker refused is tried again, in milliseconds. */
const PAUSE = 1_000

/** How the other nodes are told. */
export interface UntoldParts {
  readonly clock: Clock
  /** Whether they can be told now. When they can again, `tell` is to be called. */
  isReady(): boolean
  /** Tells them that they missed something for these rooms; for everybody where none is named. May reject. */
  send(rooms: readonly string[] | undefined): Promise<unknown>
}

/** To which rooms something was sent that the other nodes have not had: they are told of it. */
export class Untold {
  readonly #parts: UntoldParts
  #rooms: Set<string> | 'all' = new Set()
  /** How often they have been told of something that has not come back from the stream. */
  #underWay = 0
  #timer: unknown

  constructor(parts: UntoldParts) {
    this.#parts = parts
  }

  /** Whether there is anything left of which the others do not know. */
  get isTelling(): boolean {
    return this.#underWay > 0 || !this.#isEmpty
  }

  /** Something was sent to these rooms; to everybody where none is named. The others are told a little later. */
  add(rooms: readonly string[] | undefined): void {
    this.#add(rooms)
    if (this.#parts.isReady()) this.#tellLater()
  }

  /** Tells the others what they have not had. */
  tell(): void {
    if (this.#isEmpty) return
    const rooms = this.#rooms === 'all' ? undefined : [...this.#rooms]
    this.#rooms = new Set()
    this.#underWay++
    this.#parts.send(rooms).catch(() => {
      this.came()
      this.add(rooms)
    })
  }

  /** What they were told has come back from the stream, or never will. */
  came(): void {
    this.#underWay = Math.max(0, this.#underWay - 1)
  }

  /** Nothing of what they were told comes back any more. */
  forgetUnderWay(): void {
    this.#underWay = 0
  }

  stop(): void {
    this.#parts.clock.clearTimeout(this.#timer)
  }

  get #isEmpty(): boolean {
    return this.#rooms !== 'all' && this.#rooms.size === 0
  }

  #add(rooms: readonly string[] | undefined): void {
    if (this.#rooms === 'all') return
    for (const room of rooms ?? []) this.#rooms.add(room)
    if (rooms === undefined || this.#rooms.size > ROOMS) this.#rooms = 'all'
  }

  /** A broker that is there has refused something, or given it up: nothing else will say when to tell. */
  #tellLater(): void {
    this.#timer ??= this.#parts.clock.setTimeout(() => {
      this.#timer = undefined
      if (this.#parts.isReady()) this.tell()
    }, PAUSE)
  }
}
