import type { Clock } from '../protocol/clock.ts'
import { type Conditions, good } from './conditions.ts'
import { type Caller, type ClientEnd, type LineRules, NetworkLine, type SeenBy } from './line.ts'

/** How a line is cut. */
export interface CutOptions {
  /** After how many further messages of either side. Default 0: now. */
  after?: number
  /** Who notices at once. The other side has to find out by its heartbeat. Default `both`. */
  seenBy?: SeenBy
}

/**
 * The network between clients and the app: a client's own, or, as `app.network`, everybody's. What is done to it is done
 * to all lines that are on it now; conditions hold for later lines too.
 *
 * @example
 * ```ts
 * import { Gateway } from 'partyline'
 * import { testApp } from 'partyline/testing'
 *
 * @Gateway('/party', { recovery: {} })
 * class Party {}
 *
 * const app = await testApp(Party, { seed: 7 })
 * app.network.set({ delay: [20, 200], duplicate: 0.1 })
 * const ann = await app.connect('/party')
 * ann.network.cut()
 * await app.advance(1_000)
 * await ann.expectState('open', { recovered: true })
 * ```
 */
export class Network implements LineRules {
  readonly clock: Clock
  readonly random: () => number
  readonly #parent: Network | undefined
  readonly #inner = new Set<Network>()
  readonly #lines = new Set<NetworkLine>()
  #own: Partial<Conditions> = {}
  #conditions: Conditions
  #isDown = false
  #isStalled = false

  constructor(clock: Clock, random: () => number, parent?: Network) {
    this.clock = clock
    this.random = random
    this.#parent = parent
    this.#conditions = parent?.conditions ?? good
    if (parent !== undefined) parent.#inner.add(this)
  }

  /** How it behaves now. A client's own conditions come before everybody's. */
  get conditions(): Conditions {
    return this.#conditions
  }

  /** Whether there is a way to the server. */
  get isDown(): boolean {
    return this.#isDown || this.#parent?.isDown === true
  }

  /** Whether nothing arrives at present. */
  get isStalled(): boolean {
    return this.#isStalled || this.#parent?.isStalled === true
  }

  /** Changes conditions, those that are named, for lines of now and later. */
  set(conditions: Partial<Conditions>): void {
    this.#own = { ...this.#own, ...conditions }
    this.#update()
  }

  /** Makes it as good as can be again. Lines that are dead stay dead. */
  heal(): void {
    this.#own = {}
    this.#update()
    this.resume()
    this.up()
  }

  /** Cuts every line. Clients that come back find it as it was. */
  cut({ after, seenBy = 'both' }: CutOptions = {}): void {
    for (const line of this.#all()) line.cut(seenBy, after)
  }

  /** Nothing arrives any more on the lines of now, in either direction, and neither side is told. */
  halfOpen(): void {
    for (const line of this.#all()) line.halfOpen()
  }

  /** Nothing arrives, and nothing is lost, until `resume()`. */
  stall(): void {
    this.#isStalled = true
    for (const line of this.#all()) line.hold()
  }

  resume(): void {
    this.#isStalled = false
    for (const inner of this.#inner) inner.resume()
    if (this.isStalled) return
    for (const line of this.#lines) line.release()
  }

  /** Cuts every line, and leads nowhere until `up()`. */
  down(): void {
    this.#isDown = true
    this.cut()
  }

  up(): void {
    this.#isDown = false
    for (const inner of this.#inner) inner.up()
  }

  /** For the kit's own clients: a line to the server. */
  dial(caller: Caller, end: ClientEnd): NetworkLine {
    const line = new NetworkLine(this, caller, end)
    this.#lines.add(line)
    if (this.isStalled) line.hold()
    return line
  }

  /** For its lines: neither side can hear of it any more. */
  over(line: NetworkLine): void {
    this.#lines.delete(line)
  }

  #update(): void {
    this.#conditions = { ...(this.#parent?.conditions ?? good), ...this.#own }
    for (const line of this.#lines) line.pace()
    for (const inner of this.#inner) inner.#update()
  }

  #all(): NetworkLine[] {
    return [...this.#lines, ...[...this.#inner].flatMap((inner) => inner.#all())]
  }
}
