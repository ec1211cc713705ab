/** How long and how many messages are kept where nothing else is said, and how large they may be. */
export interface PublisherOptions {
  /** For how long a message is kept, in milliseconds; 0 for not at all. Default an hour. */
  expiry?: number
  /**
   * How many messages of a channel are kept, from 1 to 1,000. Whoever publishes with less shortens what is kept: give the same
   * as the gateways of these channels. Default 1, which is the last one.
   */
  history?: number
  /** How large a message may be, in bytes. Default 1 MiB, which is also the most that a broker over Redis takes (`maxPayload`). */
  limit?: number
}

/** The options, complete. */
export type Terms = Required<PublisherOptions>

const HOUR = 3_600_000
const DAY = 24 * HOUR

/** Longer than anything is kept by mistake, short enough for every clock and every Redis. */
const LONGEST = 10_000 * DAY

/** Who comes anew may be told all of it at once. */
const MOST_KEPT = 1_000

/** Completes the options. Throws what `wrong` makes of the words for those out of bounds. */
export function termsOf(options: PublisherOptions, wrong: (message: string) => Error): Terms {
  const { expiry = HOUR, history = 1, limit = 1 << 20 } = options
  if (!(Number.isSafeInteger(expiry) && expiry >= 0 && expiry <= LONGEST))
    throw wrong(
      `the expiry is ${show(expiry)}: give whole milliseconds, 0 for what is not kept, and at most ${LONGEST}`,
    )
  if (!(Number.isSafeInteger(history) && history >= 1 && history <= MOST_KEPT))
    throw wrong(`the history is ${show(history)}: give a whole number from 1 to ${MOST_KEPT}`)
  if (!(Number.isSafeInteger(limit) && limit >= 1))
    throw wrong(`the limit is ${show(limit)}: give a number of bytes from 1`)
  return { expiry, history, limit }
}

function show(value: unknown): string {
  return typeof value === 'number' ? String(value) : `a ${typeof value}`
}
