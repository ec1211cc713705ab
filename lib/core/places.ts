/**
 * How many positions there are for each entry of a gateway's stream: the entry's own, and those that a node gives to what it
 * sends to single sessions until the next entry comes.
 */
export const PLACES: number = 2 ** 18

/** How many entries a base is good for, so that positions stay below 2 ** 53 and are exact. */
export const ENTRIES: number = 2 ** 34

/** Where an entry of the stream stands in what the gateway sends, the same on all nodes. */
export function placeOf(entry: number, base: number): number {
  return (entry - base) * PLACES
}

/** The entry after which a position was given. */
export function entryAt(pos: number, base: number): number {
  return base + Math.floor(pos / PLACES)
}

/** Whether a position is an entry's own, so that whoever has it has what is for many, and nothing that was for one alone. */
export function isEntrys(pos: number): boolean {
  return pos % PLACES === 0
}
