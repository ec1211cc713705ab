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

/** What was found when a lease was renewed. */
export interface Beat {
  /** Whether it still held. */
  wasHeld: boolean
  /** The nodes whose leases hold. */
  live: readonly string[]
}

/** How often a lease is renewed while it lasts. */
const BEATS = 3

/** Renews a node's lease, and follows those of the others. Brokers share it. */
export class Membership implements Nodes {
  readonly #source: MembershipSource
  readonly #changes: Listeners<NodesChange>
  readonly #others = new Set<string>()
  #timer: unknown
  #beating: Promise<void> | undefined
  #isFirst = true
  #isStopped = false
  /** Until then nobody is thought dead: the others had no way to renew their leases either. */
  #graceUntil = 0

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

  /** The broker can be reached, for the first time or again. Resolves when the lease is held. */
  async reached(): Promise<void> {
    this.#graceUntil = this.#source.clock.now() + this.#source.lease
    await this.refresh()
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
    if (!this.isLive(node)) this.#change([node], [], false)
  }

  /** Another node said goodbye. */
  gone(node: string): void {
    if (this.#others.has(node)) this.#change([], [node], false)
  }

  stop(): void {
    this.#isStopped = true
    this.#source.clock.clearTimeout(this.#timer)
  }

  async #beat(): Promise<void> {
    const { clock, lease, node } = this.#source
    try {
      const { wasHeld, live } = await this.#source.beat()
      if (this.#isStopped) return
      const joined = live.filter((one) => !this.isLive(one))
      const mayLeave = clock.now() >= this.#graceUntil
      const left = mayLeave ? [...this.#others].filter((one) => !live.includes(one)) : []
      const lapsed = !wasHeld && !this.#isFirst
      this.#isFirst = false
      this.#change(
        joined.filter((one) => one !== node),
        left,
        lapsed,
      )
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
