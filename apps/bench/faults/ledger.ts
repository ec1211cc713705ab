/** What one listener heard of one speaker, in order, while it was told that nothing was missing. */
interface Hearing {
  /** The first and the last number that were heard. */
  first: number
  last: number
  readonly seen: Set<number>
}

/** What became of what was sent. */
export interface Tally {
  sent: number
  delivered: number
  lost: number
  doubled: number
  disordered: number
  recovered: number
  told: number
  /** The longest time in which somebody heard nothing, in milliseconds. */
  silence: number
  calls: number
  unanswered: number
}

/** Speakers say 1, 2, 3 and so on; the same speaker under another name begins anew. */
export class Ledger {
  readonly tally: Tally = {
    sent: 0,
    delivered: 0,
    lost: 0,
    doubled: 0,
    disordered: 0,
    recovered: 0,
    told: 0,
    silence: 0,
    calls: 0,
    unanswered: 0,
  }
  /** How far each speaker is, as far as listeners must have heard it. */
  readonly #said = new Map<string, number>()
  /** Those whose own sessions were lost: some of what they said may be lost, and they know it. */
  readonly #excused = new Set<string>()

  /** A speaker has said its next number. */
  said(speaker: string, n: number): void {
    this.#said.set(speaker, n)
    this.tally.sent++
  }

  excuse(speaker: string): void {
    this.#excused.add(speaker)
  }

  listener(): Listener {
    return new Listener(this)
  }

  /** What a listener, which has heard everything that it will, has not heard though nobody told it so. */
  settle(speaker: string, { first, last, seen }: Hearing): void {
    if (this.#excused.has(speaker)) return
    const unheard = Math.max(0, (this.#said.get(speaker) ?? last) - last)
    this.tally.lost += last - first + 1 - seen.size + unheard
  }
}

/** One that hears, and counts. */
export class Listener {
  readonly #ledger: Ledger
  #hearings = new Map<string, Hearing>()
  #heardAt: number | undefined

  constructor(ledger: Ledger) {
    this.#ledger = ledger
  }

  heard(speaker: string, n: number): void {
    const { tally } = this.#ledger
    const now = performance.now()
    if (this.#heardAt !== undefined) tally.silence = Math.max(tally.silence, now - this.#heardAt)
    this.#heardAt = now
    tally.delivered++
    const hearing = this.#hearings.get(speaker)
    if (hearing === undefined) {
      this.#hearings.set(speaker, { first: n, last: n, seen: new Set([n]) })
    } else if (hearing.seen.has(n)) {
      tally.doubled++
    } else {
      if (n < hearing.last) tally.disordered++
      hearing.first = Math.min(hearing.first, n)
      hearing.last = Math.max(hearing.last, n)
      hearing.seen.add(n)
    }
  }

  /** It was told that something may be missing: its session has ended, and another begins. */
  told(): void {
    this.#hearings = new Map()
  }

  /** Everything has come that will. */
  finish(): void {
    for (const [speaker, hearing] of this.#hearings) this.#ledger.settle(speaker, hearing)
  }
}
