/** Somebody who is present: a user, or a connection behind which nobody is known. */
export interface Member {
  /** Of one user the same, however many connections there are, on whichever nodes. */
  readonly id: string
  /** What was set last by one of those connections, as JSON has it; `{}` where none has set anything. Not to be changed. */
  readonly state: unknown
  /** How many there are, over all nodes; 0 of who has gone a moment ago and may be back. */
  readonly connections: number
}

/** What became of some members in one turn of the event loop. Nobody is in two of the lists. */
export interface PresenceChange {
  readonly joined: readonly Member[]
  /** Those whose state is another now. */
  readonly changed: readonly Member[]
  /** As they were known last. */
  readonly left: readonly Member[]
}

/** Is told who comes, changes and goes. It may throw, which is logged. */
export type PresenceListener = (change: PresenceChange) => void

/** That somebody watches. */
export interface PresenceWatch {
  /** Who is there, as of what was told last; those who may be back among them. */
  readonly members: readonly Member[]
  /** Resolves when the members on other nodes are known, which have been told by then; never rejects. */
  readonly ready: Promise<void>
  /** Ends it; nothing is told afterwards. */
  close(): void
}
