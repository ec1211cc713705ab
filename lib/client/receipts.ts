import type { Clock } from '../protocol/clock.ts'
import { Timer } from './timer.ts'

/** After how many frames the server is told that they arrived. */
const MANY = 32

/** After how many milliseconds it is told at the latest. */
const SOON = 1_000

/** What has arrived in a session that can be resumed: nothing twice, and the server hears of it now and then. */
export class Receipts {
  readonly #timer: Timer
  readonly #tell: (pos: number) => void
  /** The last position that arrived. */
  last = 0
  #untold = 0

  constructor(clock: Clock, tell: (pos: number) => void) {
    this.#timer = new Timer(clock)
    this.#tell = tell
  }

  /** Takes note of a frame; whether it is new. */
  admit(pos: number): boolean {
    if (pos <= this.last) return false
    this.last = pos
    this.#untold++
    if (this.#untold === 1) this.#timer.start(SOON, () => this.#report())
    if (this.#untold === MANY) this.#report()
    return true
  }

  /** There is no line to tell anything on: the next one begins with the last position. */
  stop(): void {
    this.#timer.stop()
    this.#untold = 0
  }

  #report(): void {
    this.stop()
    this.#tell(this.last)
  }
}
