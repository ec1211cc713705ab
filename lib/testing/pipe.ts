import type { Clock } from '../protocol/clock.ts'

interface Underway {
  readonly at: number
  arrive(): void
}

/** One direction of a line: what is put in comes out later, in order, one at a time. */
export class Pipe {
  readonly #clock: Clock
  #underway: Underway[] = []
  /** Whether the next is about to come out, or waits for its time. */
  #isScheduled = false
  #isHeld = false
  #timer: unknown

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** When the next comes out; undefined where nothing will by itself. */
  get next(): number | undefined {
    return this.#isHeld ? undefined : this.#underway[0]?.at
  }

  /** Puts something in that takes so many milliseconds, or as long as what is before it. */
  put(arrive: () => void, delay: number): void {
    this.#underway.push({ at: this.#clock.now() + delay, arrive })
    this.#schedule()
  }

  /** Lets nothing out until it is released. */
  hold(): void {
    this.#isHeld = true
  }

  release(): void {
    this.#isHeld = false
    this.#schedule()
  }

  /** Loses what is in it. */
  empty(): void {
    this.#underway = []
    this.#clock.clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #schedule(): void {
    const next = this.#underway[0]
    if (next === undefined || this.#isScheduled || this.#timer !== undefined || this.#isHeld) return
    const wait = next.at - this.#clock.now()
    if (wait > 0) {
      this.#timer = this.#clock.setTimeout(() => {
        this.#timer = undefined
        this.#letOut()
      }, wait)
    } else {
      // Nothing arrives within the call that sends it.
      this.#isScheduled = true
      queueMicrotask(() => {
        this.#isScheduled = false
        this.#letOut()
      })
    }
  }

  #letOut(): void {
    const next = this.#underway[0]
    // It may have been emptied or held meanwhile.
    if (next !== undefined && !this.#isHeld && next.at <= this.#clock.now()) {
      this.#underway.shift()
      next.arrive()
    }
    this.#schedule()
  }
}
