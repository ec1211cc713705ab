import type { Origins } from '../../core/origin.ts'
import { LONGEST } from '../../protocol/clock.ts'

/** How messages get to and fro (section "Transports"). */
export type TransportName = 'polling' | 'websocket'

/** Which pages of other origins may poll, and what of their requests. Requests that upgrade know no such rules. */
export interface CorsOptions {
  /** Default `'*'`: all. */
  origins?: Origins
  /** Whether cookies may come along. Default `false`. */
  credentials?: boolean
  /** Headers that such a page may send. Default: whatever it asks for. */
  headers?: readonly string[]
  /** For how many seconds a browser may remember the answer. Default: as long as it likes. */
  maxAge?: number
}

/** How an Engine.IO server behaves. Sizes are in bytes, times in milliseconds; the defaults are those of Socket.IO 4. */
export interface EngineOptions {
  /** Where its requests go to. Default `/socket.io/`. */
  path?: string
  /** How much time is between a pong, or the beginning, and the next ping. Default 25,000. */
  pingInterval?: number
  /** How long a client may take to answer a ping. Default 20,000. */
  pingTimeout?: number
  /** How long a WebSocket may take from its opening until it takes over from polling. Default 10,000. */
  upgradeTimeout?: number
  /** The longest payload that a client may post, and the longest WebSocket message. Default 1,000,000. */
  maxPayload?: number
  /** How many packets one payload may have. Default 100,000. */
  maxPackets?: number
  /** How much may wait for one client. Who has more is closed. Default 8 MiB. */
  maxBuffered?: number
  /** How many sessions there may be; further ones are refused with 503. Default 100,000. */
  maxSessions?: number
  /** Default: both. */
  transports?: readonly TransportName[]
  /** Whether who polls may go over to WebSocket. Default `true`. */
  allowUpgrades?: boolean
  /** Who may poll from pages of other origins; `true` is everybody. Default: nobody. */
  cors?: true | CorsOptions
}

/** The same, complete. */
export type EngineRules = Required<Omit<EngineOptions, 'cors'>> & Pick<EngineOptions, 'cors'>

export const defaultEngineOptions: EngineRules = {
  path: '/socket.io/',
  pingInterval: 25_000,
  pingTimeout: 20_000,
  upgradeTimeout: 10_000,
  maxPayload: 1_000_000,
  maxPackets: 100_000,
  maxBuffered: 8 * 1024 * 1024,
  maxSessions: 100_000,
  transports: ['polling', 'websocket'],
  allowUpgrades: true,
  cors: undefined,
}

/** The options of a server: those given, else the defaults. */
export function engineRules(given: EngineOptions = {}): EngineRules {
  const said = Object.entries(given).filter(([, value]) => value !== undefined)
  return { ...defaultEngineOptions, ...Object.fromEntries(said) }
}

/** What is wrong with such options, in words. */
export function engineProblems(rules: EngineRules): string[] {
  const problems = NUMBERS.flatMap((name) => {
    const value = rules[name]
    const isCount = Number.isInteger(value) && value > 0 && value <= LONGEST
    return isCount || (value === Number.POSITIVE_INFINITY && UNBOUNDED.includes(name))
      ? []
      : [`${name} is ${value}: it is a whole number from 1 to ${LONGEST}.`]
  })
  if (!rules.path.startsWith('/')) problems.push(`path is ${JSON.stringify(rules.path)}: it begins with "/".`)
  if (rules.transports.length === 0)
    problems.push('transports is empty: name "polling", "websocket" or both.')
  const unknown = rules.transports.filter((name) => name !== 'polling' && name !== 'websocket')
  return [
    ...problems,
    ...unknown.map((name) => `transports names ${name}: there are "polling" and "websocket".`),
  ]
}

const NUMBERS = [
  ...(['pingInterval', 'pingTimeout', 'upgradeTimeout'] as const),
  ...(['maxPayload', 'maxPackets', 'maxBuffered', 'maxSessions'] as const),
]

const UNBOUNDED: readonly string[] = ['maxPackets', 'maxSessions']
