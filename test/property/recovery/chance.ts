import { seeded } from 'partyline/testing'

/** What is chosen by chance, the same for a seed. */
export class Chance {
  readonly random: () => number

  constructor(seed: number) {
    this.random = seeded(seed)
  }

  /** A whole number from 0 on, below that. */
  below(end: number): number {
    return Math.floor(this.random() * end)
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T
  }

  /** Whether something of that probability happens. */
  hits(probability: number): boolean {
    return this.random() < probability
  }
}
