/**
 * Which nodes are alive. Each has a lease that it keeps renewing; one that dies, freezes or is cut off loses it. One
 * that stops in good order is known to be gone at once.
 *
 * Leases run by the broker's time, so that nodes' clocks do not matter, and only while any node can renew its own: that the
 * broker was away, has forgotten everything or had its clock set makes nobody take the others for dead.
 */
export interface Nodes {
  /** Those that are alive as far as is known here, this one included, in no order. */
  readonly live: readonly string[]
  /**
   * How long a lease is. A node that was killed is told as `left` at most this and a third later, not counting the time for
   * which the broker was away; after that it begins anew.
   */
  readonly lease: number
  /** Calls back at every change; what it returns ends that. */
  onChange(listener: (change: NodesChange) => void): () => void
}

export interface NodesChange {
  readonly joined: readonly string[]
  readonly left: readonly string[]
  /**
   * This node's own lease had run out, because it was cut off or asleep, or the broker has forgotten it: the others may have
   * seen it leave, and taken over what was its. What it entered into rosters is being entered again.
   */
  readonly lapsed: boolean
}
