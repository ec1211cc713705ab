/**
 * Rosters: who is where, over all nodes. Each node enters members of its own and takes them out again; what it has entered
 * stays for as long as the node is alive, whatever happens to the broker, and goes with it.
 */
export interface Rosters {
  /**
   * Enters a member of this node, with a few bytes about it; again, to change these. Its name has 1,024 bytes at most: one
   * with more is dropped.
   */
  enter(roster: string, member: string, bytes: Uint8Array): void
  /** Takes one out. */
  leave(roster: string, member: string): void
  /** The members of all nodes that are alive, in no order. */
  list(roster: string): Promise<readonly RosterEntry[]>
  /**
   * Keeps a copy up to date. Of this node's own members it knows at once, of others' a moment later; none is told twice and
   * none left out, also after the broker was away.
   */
  watch(roster: string, watcher: RosterWatcher): Watching
}

/** A member of one node. The same member may be entered by several, and is an entry of each. */
export interface RosterEntry {
  readonly member: string
  readonly node: string
  readonly bytes: Uint8Array
}

export interface RosterWatcher {
  changed(change: RosterChange): void
}

export interface RosterChange {
  /** Those who came, and those whose bytes are others now. */
  readonly entered: readonly RosterEntry[]
  readonly left: readonly RosterEntry[]
}

/** That somebody watches. */
export interface Watching {
  /** Who is there now. */
  readonly entries: readonly RosterEntry[]
  /** Resolves when the others' members are known, which have been told by then; never rejects. */
  readonly ready: Promise<void>
  /** Ends it; nothing is called afterwards. */
  close(): void
}

const LONGEST = 1_024

/** Whether that cannot be the name of a member. */
export function isTooLong(member: string): boolean {
  // No character takes more than three bytes for each of its units.
  return member.length * 3 > LONGEST && new TextEncoder().encode(member).length > LONGEST
}
