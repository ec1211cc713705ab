import type { Clock } from './clock.ts'
import type { Outgoing } from './relay.ts'

/** How many broadcasts wait at most. */
const MOST = 1_000

/** What is published before a node has caught up with the others waits a while, so that they have not missed it. */
export class Early {
  readonly #clock: Clock
  readonly #late: (outgoing: Outgoing) => void
  #held: Outgoing[] | undefined
  #timer: unknown

  /** `late` is given what has waited in vain. */
  constructor(clock: Clock, late: (outgoing: Outgoing) => void) {
    this.#clock = clock
    this.#late = late
  }

  /** From now on, for so many milliseconds. */
  open(milliseconds: number): void {
    this.#held = []
    this.#timer = this.#clock.setTimeout(() => this.giveUp(), milliseconds)
  }

  /** Whether it waits. */
  hold(outgoing: Outgoing): boolean {
    if (this.#held === undefined) return false
    if (this.#held.push(outgoing) > MOST) this.giveUp()
    return true
  }

  /** What has waited, in order; nothing does any more. */
  take(): readonly Outgoing[] {
    const held = this.#held ?? []
    this.#held = undefined
    this.#clock.clearTimeout(this.#timer)
    return held
  }

  giveUp(): void {
    for (const outgoing of this.take()) this.#late(outgoing)
  }
}
