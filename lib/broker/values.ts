/** Values under names that other programs know too: whoever has a Redis client can read and write the very same. */
export interface Values {
  get(name: string): Promise<Uint8Array | undefined>
  /** Sets a value that is gone after `ttl`; who sets last wins. */
  set(name: string, bytes: Uint8Array, options: { ttl: number }): Promise<void>
  /** Resolves with whether there was one. */
  delete(name: string): Promise<boolean>
}
