/**
 * Streams: what is appended by any node gets a position, is kept for a while, and reaches all that follow, in one order
 * for all of them. Exactly once, or it is told what is missing.
 *
 * Positions are integers. The first of a stream is a large one, made of the time; each entry's is the one before it
 * plus 1, but for jumps where the broker was restarted. So a position is never given twice, also where a stream was lost and
 * begins anew, unless it takes more than a thousand entries a second on average.
 */
export interface Streams {
  /**
   * Adds an entry; resolves with its position. What one node appends to one stream is in its order. While the broker is
   * out of reach it is tried again for a bounded time, and is in the stream once at most. Rejected with `UNKNOWN`, it may
   * still turn up.
   */
  append(stream: string, bytes: Uint8Array, options: AppendOptions): Promise<number>
  /** What a stream holds. */
  read(stream: string, options?: ReadOptions): Promise<Slice>
  /**
   * Hears every entry in order, this node's own too, which are those from `broker.node`. What was missed is read from the
   * stream; where it is not there any more, the follower is told.
   */
  follow(stream: string, follower: Follower, options?: FollowOptions): Following
  /**
   * Takes out all entries at once, and with them the value of an open stream; positions go on. Who comes back for one of
   * them is told of a gap. Resolves with whether there was anything.
   */
  clear(stream: string, options?: StreamOptions): Promise<boolean>
}

/** Which stream of a name is meant. */
export interface StreamOptions {
  /**
   * The stream of the open channel of this name. The newest entry is also the value of that name (see `Values`), for as
   * long as its `ttl`, where other programs read and write it. The name may have no `{` and `}` in it.
   */
  open?: boolean
}

export interface AppendOptions extends StreamOptions {
  /** How many entries are kept at least, if they are not older than their `ttl`. A few more may be. */
  limit: number
  /** For how long this entry is kept. */
  ttl: number
  /**
   * For how long it is remembered how far the stream is, when nothing is appended any more. Default: a day, or twice the `ttl`. Less,
   * though not less than the `ttl`, is for a stream of a name that is never used again. The longest that any append asked for holds.
   */
  memory?: number
  /** A number below 2 ** 32 that goes with the entry, and is no part of its bytes nor of the value. Default 0. */
  tag?: number
}

export interface ReadOptions extends StreamOptions {
  /** Reads what comes after that position, the oldest first. Without it: the newest, in their order. */
  after?: number
  /** How many at most. Default 100. */
  limit?: number
}

/** Something that was appended. */
export interface Entry {
  readonly position: number
  readonly bytes: Uint8Array
  /** By which node. */
  readonly from: string
  /** What was given along with it; absent where that is 0. */
  readonly tag?: number
}

/** What comes after `after` and up to `position` is not to be had. */
export interface Gap {
  readonly after: number
  readonly position: number
}

/** A part of a stream. */
export interface Slice {
  readonly entries: readonly Entry[]
  /** Up to where this slice tells everything; from there on it can be asked again. */
  readonly position: number
  /** The position given last; 0 where nothing is known of such a stream. */
  readonly last: number
  /** What is missing between `after` and the entries. */
  readonly gap: Gap | undefined
  /** Of an open stream: its value, as of the same moment. */
  readonly kept: Kept | undefined
}

/** The value of an open stream. */
export interface Kept {
  readonly bytes: Uint8Array
  /** That of the newest entry, where it is the value; undefined where another program has set it. */
  readonly position: number | undefined
}

export interface FollowOptions extends StreamOptions {
  /** Begins after that position, of which everything is delivered that is still there. Default: what comes from now on. */
  after?: number
}

/** Who follows a stream. */
export interface Follower {
  entry(entry: Entry): void
  /** Entries are lost to this follower; it goes on after the gap. */
  gap(gap: Gap): void
  /** Of an open stream: what was sent to its channel without being appended, by nodes and other programs. */
  message?(bytes: Uint8Array, from: string | undefined): void
}

/** That somebody follows. */
export interface Following {
  /** Where the follower is; undefined as long as that is not known. */
  readonly position: number | undefined
  /** Resolves when it is known where it begins, and everything after that will come. Never rejects. */
  readonly ready: Promise<void>
  /** Ends it; nothing is called afterwards. */
  close(): void
}
