import type { Clock } from '../protocol/clock.ts'
import { Listeners } from './listeners.ts'
import type { Nodes, NodesChange } from './nodes.ts'

/** What a membership needs of its broker. */
export interface MembershipSource {
  node: string
  /** How long a lease is. */
  lease: number
  clock: Clock
  /** Renews this node's lease; rejects where the broker is out of reach. */
  beat(): Promise<Beat>
  /** A listener threw. */
  failed(error: unknown): void
}

/** What was found when a lease was renewed: by the broker's time, not by that of any node. */
export interface Beat {
  /** When this node's lease began. It is another than before where the lease had ended, or was forgotten. */
  since: number
  /** The nodes whose leases hold. */
  live: readonly string[]
  /** Whether all others are dead. Until everybody has had the time to come back after an outage, nobody is taken for that. */
  isComplete: boolean
}

/** How often a lease is renewed while it lasts. */
const BEATS = 4

/** Renews a node's lease, and follows those of the others. Brokers share it. */
export class Membership implements Nodes {
  readonly #source: MembershipSource
  readonly #changes: Listeners<NodesChange>
  readonly #others = new Set<string>()
  #timer: unknown
  #beating: Promise<void> | undefined
  #isStopped = false
  /** When this node's lease began; undefined before the first. */
  #since: number | undefined
  /** Who came and who went since the beat on its way was sent: what it is answered may be older than that. */
  readonly #came = new Set<string>()
  readonly #went = new Set<string>()

  constructor(source: MembershipSource) {
    this.#source = source
    this.#changes = new Listeners(source.failed)
  }

  get live(): readonly string[] {
    return [this.#source.node, ...this.#others]
  }

  get lease(): number {
    return this.#source.lease
  }

  onChange(listener: (change: NodesChange) => void): () => void {
    return this.#changes.add(listener)
  }

  isLive(node: string): boolean {
    return node === this.#source.node || this.#others.has(node)
  }

  /** Renews the lease and looks who is alive, now. It does not reject. */
  refresh(): Promise<void> {
    this.#beating ??= this.#beat().finally(() => {
      this.#beating = undefined
    })
    return this.#beating
  }

  /** Another node has shown that it is alive. */
  seen(node: string): void {
    // What was on its way when it said goodbye may come after that.
    if (this.#went.has(node)) return
    this.#came.add(node)
    if (!this.isLive(node)) this.#change([node], [], false)
  }

  /** Another node said goodbye. */
  gone(node: string): void {
    this.#went.add(node)
    if (this.#others.has(node)) this.#change([], [node], false)
  }

  stop(): void {
    this.#isStopped = true
    this.#source.clock.clearTimeout(this.#timer)
  }

  async #beat(): Promise<void> {
    const { clock, lease, node } = this.#source
    this.#came.clear()
    this.#went.clear()
    try {
      const { since, live, isComplete } = await this.#source.beat()
      if (this.#isStopped) return
      const listed = new Set(live)
      const joined = live.filter((one) => one !== node && !this.#others.has(one) && !this.#went.has(one))
      const left = [...this.#others].filter((one) => isComplete && !listed.has(one) && !this.#came.has(one))
      const lapsed = this.#since !== undefined && this.#since !== since
      this.#since = since
      this.#change(joined, left, lapsed)
    } catch {
      // Out of reach, which the broker tells by itself.
    } finally {
      clock.clearTimeout(this.#timer)
      if (!this.#isStopped) this.#timer = clock.setTimeout(() => void this.refresh(), lease / BEATS)
    }
  }

  #change(joined: readonly string[], left: readonly string[], lapsed: boolean): void {
    if (joined.length === 0 && left.length === 0 && !lapsed) return
    for (const node of joined) this.#others.add(node)
    for (const node of left) this.#others.delete(node)
    this.#changes.tell({ joined, left, lapsed })
  }
}
