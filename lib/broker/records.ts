/**
 * Small records of the nodes' own, each of which is replaced only by who knows what is in it: of several that try at the
 * same time, one succeeds. So something is claimed exactly once: read it, see that nobody has claimed it, and write one's own
 * claim with the version that was read. A conflict means that somebody else was first.
 */
export interface Records {
  read(key: string): Promise<BrokerRecord | undefined>
  /** Writes one that is gone after `ttl`, if it is as the writer believes. Tried again, it is still written once. */
  write(key: string, bytes: Uint8Array, options: WriteOptions): Promise<Written>
  /** Deletes one, where a version is given only if it is still that; resolves with whether it did. */
  delete(key: string, version?: string): Promise<boolean>
  /** Lets one live for `ttl` from now on; resolves with whether it is there. */
  touch(key: string, ttl: number): Promise<boolean>
}

export interface BrokerRecord {
  readonly bytes: Uint8Array
  /** Another one after every write, and never the same again. */
  readonly version: string
}

export interface WriteOptions {
  ttl: number
  /** What it has to be now: that version, or `null` for no record at all. Without it, whatever it is is replaced. */
  version?: string | null
}

/** What became of a write. */
export type Written =
  | { readonly conflict: false; readonly version: string }
  /** Nothing was written; this is what is there instead. */
  | { readonly conflict: true; readonly current: BrokerRecord | undefined }
