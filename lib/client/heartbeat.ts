import type { Clock } from '../protocol/clock.ts'
import { Timer } from './timer.ts'

/** By how much a timer may be late before the machine must have slept meanwhile, in milliseconds. */
const LATE = 2_000

/** How long an answer may take after a sleep, in milliseconds: somebody may be looking. */
const PATIENCE = 5_000

/** Notices a line that is dead and does not know it: asks where nothing was heard, and gives up where that stays so. */
export class Heartbeat {
  readonly #clock: Clock
  readonly #interval: number
  readonly #ping: () => void
  readonly #dead: () => void
  readonly #timer: Timer
  #heardAt: number
  #dueAt = 0
  /** How often it asked since it last heard anything. */
  #asked = 0

  /** @param interval after how many milliseconds of silence to ask; half of it is what an answer may take. */
  constructor(clock: Clock, interval: number, ping: () => void, dead: () => void) {
    this.#clock = clock
    this.#interval = interval
    this.#ping = ping
    this.#dead = dead
    this.#timer = new Timer(clock)
    this.#heardAt = clock.now()
    this.#wait(interval)
  }

  heard(): void {
    this.#heardAt = this.#clock.now()
    this.#asked = 0
  }

  /** Asks now, since the machine or its network may have slept. */
  wake(): void {
    this.#ask(Math.min(this.#interval / 2, PATIENCE))
  }

  stop(): void {
    this.#timer.stop()
  }

  #ask(patience: number): void {
    this.#asked++
    this.#wait(patience)
    this.#ping()
  }

  #wait(milliseconds: number): void {
    this.#dueAt = this.#clock.now() + milliseconds
    this.#timer.start(milliseconds, () => this.#look())
  }

  #look(): void {
    const now = this.#clock.now()
    // After a sleep the answer may have come, and stand behind this timer: it gets a second chance, and no third.
    const isLate = now - this.#dueAt > LATE
    const rest = this.#heardAt + this.#interval - now
    if (this.#asked > (isLate ? 1 : 0)) this.#dead()
    else if (rest > 0 && !isLate) this.#wait(Math.min(rest, this.#interval))
    else if (isLate) this.wake()
    else this.#ask(this.#interval / 2)
  }
}
