/** Positions and versions are counted from here, in milliseconds since 1970, so that they have fewer digits. */
export const EPOCH: number = Date.UTC(2024, 0, 1)

/**
 * What a counter begins after that was lost or never was: so is it higher than it can have been before, unless it rose by
 * more than one a millisecond, on average over its whole life.
 */
export function startOf(now: number): number {
  return Math.max(0, now - EPOCH)
}

/** For how long is remembered how far a stream was, at least, when nothing is appended any more. */
const MEMORY = 24 * 60 * 60_000

/** For how long that is remembered after an entry that is kept for `ttl`. */
export function memoryOf(ttl: number): number {
  return Math.max(MEMORY, 2 * ttl)
}
