/**
 * What bounds an app's use of memory and time. Sizes are in bytes, times in milliseconds. Whatever is reached is counted;
 * see `app.stats()` and docs/limits.md.
 */
export interface Limits {
  /** The longest message that a client may send; a longer one closes its connection with 1009. Default 64 KiB. */
  payload: number
  /** How deep a message's objects and arrays may be nested. Default 64. */
  depth: number
  /** The longest name of an event, in characters. Default 128. */
  eventName: number
  /** The longest name of a room, in characters. Default 256. */
  roomName: number
  /** How many rooms a socket may be in. Default 1,000. */
  rooms: number
  /** How many events a second a socket may send on average; further ones are answered RATE_LIMITED. Default 200. */
  rate: number
  /** How many it may send at once. One that goes on at the same pace while it is refused is not read any more, and closed with 4429 a second later. Default 1,000. */
  burst: number
  /** How many events of one socket may wait for their turn; further ones are answered OVERLOADED. Default 256. */
  waiting: number
  /** How long the messages may be together in which those that wait came. Default 1 MiB. */
  waitingSize: number
  /** How many requests of one socket may be unanswered; further ones are answered OVERLOADED. Default 512. */
  pending: number
  /** How long a handler may take until its request is answered TIMEOUT and the next event begins. Default: no limit. */
  handler: number
  /**
   * How much may wait to be sent to one socket. One for whom more waits for 5 seconds, or 8 times as much at any moment, is
   * closed as a slow consumer, with 1008; a single message may have 4 times as much. Default 1 MiB.
   */
  buffer: number
  /** How many connections the app takes; further ones are refused with 503. Default 100,000. */
  connections: number
  /** How many connections one address may have; further ones are refused with 429. Default 10,000. */
  connectionsPerAddress: number
  /** How long authenticating may take until the connection is refused with 503. Default 5,000. */
  authenticate: number
  /** How much silence makes the server ask whether a client is still there. Default 25,000. */
  heartbeat: number
  /** For how long a closed socket's waiting events may hold back its `@OnClose`. Default 5,000. */
  farewell: number
}

export const defaultLimits: Readonly<Limits> = {
  payload: 64 * 1024,
  depth: 64,
  eventName: 128,
  roomName: 256,
  rooms: 1_000,
  rate: 200,
  burst: 1_000,
  waiting: 256,
  waitingSize: 1024 * 1024,
  pending: 512,
  handler: Number.POSITIVE_INFINITY,
  buffer: 1024 * 1024,
  connections: 100_000,
  connectionsPerAddress: 10_000,
  authenticate: 5_000,
  heartbeat: 25_000,
  farewell: 5_000,
}

/** Limits that have to be finite: the runtime is given the sizes, and timers the times. */
const FINITE: readonly (keyof Limits)[] = ['payload', 'buffer', 'authenticate', 'heartbeat', 'farewell']

/** The limits of an app: those given, else the defaults. */
export function limitsOf(given: Partial<Limits> = {}): Limits {
  const said = Object.entries(given).filter(([, value]) => value !== undefined)
  return { ...defaultLimits, ...Object.fromEntries(said) }
}

/** What is wrong with an app's limits, in words. */
export function limitProblems(limits: Limits): string[] {
  return Object.entries(limits).flatMap(([name, value]) => {
    if (Number.isInteger(value) && value > 0) return []
    if (value === Number.POSITIVE_INFINITY && !FINITE.includes(name as keyof Limits)) return []
    return [`limits.${name} is ${value}: a limit is a whole number from 1 on.`]
  })
}
