/**
 * Numbers from 0 to 1, 1 excluded, that are always the same for a seed (mulberry32).
 *
 * @example
 * ```ts
 * import { seeded } from 'partyline/testing'
 *
 * const random = seeded(7)
 * const dice = Math.ceil(random() * 6)
 * ```
 */
export function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
