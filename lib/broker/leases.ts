import type { Beat } from './membership.ts'

/** How much of a lease may pass between two beats, by whomever. What is more does not count. */
export const PASSES: number = 1 / 3

/** For how long leases are remembered while nobody renews any, in milliseconds. */
export const REMEMBERED: number = 24 * 60 * 60_000

interface Lease {
  ends: number
  /** When the node took it: the same for as long as it holds. */
  since: number
}

/**
 * Who is alive, by leases that each node renews. The broker in memory has this one; the script `beat` of the broker over
 * Redis does the same, by the time of its server, so that no node's clock matters.
 *
 * A lease runs only while somebody renews any. What nobody could renew while all were cut off, or asleep with the machine, says
 * nothing about who is alive: so the time between two beats counts as a third of a lease at the most, also where the clock was
 * set. After a whole lease without any beat, all begin anew.
 */
export class Leases {
  readonly #leases = new Map<string, Lease>()
  /** The time by which leases run. */
  #time: number | undefined
  /** What the clock said at the last beat. */
  #clock = 0
  /** Since when everybody who is alive has had the occasion to renew. */
  #since = 0

  /** Those that have one, as of the last beat. */
  get nodes(): readonly string[] {
    return [...this.#leases.keys()]
  }

  /** A node renews its lease. Whose have ended are forgotten. */
  beat(node: string, now: number, lease: number): Beat {
    const passed = now - (this.#time === undefined ? now : this.#clock)
    const time = (this.#time ?? now) + Math.max(0, Math.min(passed, lease * PASSES))
    const isAnew = this.#time === undefined || passed >= lease
    this.#time = time
    this.#clock = now
    if (isAnew) this.#since = time
    for (const [one, kept] of this.#leases) {
      if (isAnew) kept.ends = time + lease
      else if (kept.ends <= time) this.#leases.delete(one)
    }
    const since = this.#leases.get(node)?.since ?? time
    this.#leases.set(node, { ends: time + lease, since })
    return { since, live: this.nodes, isComplete: time - this.#since >= lease }
  }

  /** A node gives its lease back. */
  end(node: string): void {
    this.#leases.delete(node)
  }
}
