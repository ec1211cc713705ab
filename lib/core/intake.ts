import { malformed } from '../protocol/codec.ts'
import { PartylineError } from '../protocol/error.ts'
import type { EventFrame } from '../protocol/frame.ts'
import { Budget } from './budget.ts'
import type { Clock } from './clock.ts'
import type { Limits } from './limits.ts'
import type { Stats } from './stats.ts'

/** What an intake looks at. */
export interface IntakeRules {
  readonly limits: Limits
  readonly clock: Clock
  readonly stats: Stats
}

/** Which events of one socket come in at all: not too many, not too fast, each request under an id of its own. */
export class Intake {
  readonly #rules: IntakeRules
  readonly #budget: Budget
  readonly #longestName: number
  /** How many events may come before the budget is asked again. */
  #credit = 0
  /** What may be refused for its pace before patience ends. */
  #patience: Budget | undefined
  #isOverrun = false
  /** The ids of the requests that wait for their answers. */
  #pending: Set<number> | undefined

  constructor(rules: IntakeRules) {
    const { limits, clock } = rules
    this.#rules = rules
    this.#budget = new Budget(limits.rate, limits.burst, clock)
    this.#longestName = limits.eventName
  }

  /** Whether an event may come in, as far as that takes no thought; what it does not let in, `refusal` decides about. */
  admits({ event, id }: EventFrame): boolean {
    // All that is looked at here is at hand: following references is what costs on this path.
    if (this.#credit < 1 || event.length > this.#longestName) return false
    if (id !== undefined && this.#pending !== undefined) return false
    this.#credit--
    return true
  }

  /** Whether the socket went on at its pace though it was refused, and had better be closed. */
  get isOverrun(): boolean {
    return this.#isOverrun
  }

  /** Why an event may not come in; undefined for one that may, but for an id that is taken: see `isTaken`. */
  refusal({ event, id }: EventFrame): PartylineError | undefined {
    if (this.#credit < 1) this.#credit = this.#budget.takeAll()
    if (this.#credit < 1) return this.#tooFast()
    this.#credit--
    const { limits, stats } = this.#rules
    if (event.length > limits.eventName) {
      stats.count('eventNamesTooLong')
      return malformed(`an event's name has ${limits.eventName} characters at most`)
    }
    if (id === undefined || this.#pending === undefined || this.#pending.size < limits.pending)
      return undefined
    if (this.#pending.has(id)) return undefined
    stats.count('pendingRefused')
    return new PartylineError('OVERLOADED', `${limits.pending} requests wait for their answers already`)
  }

  /** Whether a request of that id waits for its answer: a second one's answer would be taken for it. */
  isTaken(id: number | undefined): boolean {
    return id !== undefined && this.#pending?.has(id) === true
  }

  /** Keeps in mind that a request waits for its answer. */
  expect(id: number | undefined): void {
    if (id === undefined) return
    this.#pending ??= new Set()
    this.#pending.add(id)
  }

  /** Forgets a request that does not wait any more. */
  settle(id: number | undefined): void {
    if (id !== undefined) this.#pending?.delete(id)
  }

  #tooFast(): PartylineError {
    const { limits, clock, stats } = this.#rules
    stats.count('rateLimited')
    this.#patience ??= new Budget(limits.rate, limits.burst, clock)
    this.#isOverrun = !this.#patience.take()
    return new PartylineError('RATE_LIMITED', 'too many events', { retryAfter: this.#budget.retryAfter })
  }
}
