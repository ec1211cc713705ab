/** What bounds an app's use of memory. Sizes are in bytes unless said otherwise. */
export interface Limits {
  /** The longest message that a client may send; a longer one closes its connection with 1009. Default 1 MiB. */
  payload: number
  /** How deep a message's objects and arrays may be nested. Default 64. */
  depth: number
  /** How many events of one socket may wait for their turn; further ones are answered OVERLOADED. Default 256. */
  waiting: number
  /** How much may wait to be sent to one socket; beyond, it is closed as a slow consumer, with 1008. Default 1 MiB. */
  buffer: number
  /** How many milliseconds of silence make the server ask whether a client is still there. Default 25,000. */
  heartbeat: number
  /** For how many milliseconds a closed socket's waiting events may hold back its `@OnClose`. Default 5,000. */
  farewell: number
}

export const defaultLimits: Readonly<Limits> = {
  payload: 1024 * 1024,
  depth: 64,
  waiting: 256,
  buffer: 1024 * 1024,
  heartbeat: 25_000,
  farewell: 5_000,
}

/** The limits of an app: those given, else the defaults. */
export function limitsOf(given: Partial<Limits> = {}): Limits {
  const said = Object.entries(given).filter(([, value]) => value !== undefined)
  return { ...defaultLimits, ...Object.fromEntries(said) }
}

/** What is wrong with an app's limits, in words. */
export function limitProblems(limits: Limits): string[] {
  return Object.entries(limits)
    .filter(([, value]) => !(Number.isInteger(value) && value > 0))
    .map(([name, value]) => `limits.${name} is ${value}: a limit is a whole number from 1 on.`)
}
