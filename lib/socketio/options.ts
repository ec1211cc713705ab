import { LONGEST } from '../protocol/clock.ts'
import type { ConnectionRules } from './connection.ts'
import { type EngineOptions, engineProblems, engineRules } from './engine/options.ts'

/**
 * How clients of Socket.IO are served. Options of the same names as Socket.IO's mean the same, with the same defaults. Sizes are in
 * bytes, times in milliseconds.
 */
export interface SocketioOptions
  extends Pick<
    EngineOptions,
    'path' | 'pingInterval' | 'pingTimeout' | 'upgradeTimeout' | 'transports' | 'allowUpgrades' | 'cors'
  > {
  /** The longest message that a client may send, and the longest body of a POST request. Default 1,000,000. */
  maxHttpBufferSize?: number
  /** How long a connection may be in no namespace. Default 45,000. */
  connectTimeout?: number
  /**
   * Whether sessions go on after a cut, on gateways with `recovery`, whose options say how much is kept for how long. Each event
   * then has one argument more, as in Socket.IO: a string by which the client knows how far it has come. Default `false`.
   */
  connectionStateRecovery?: boolean
  /** How many binary attachments an event or an answer may have. Default 10. */
  maxAttachments?: number
  /** How long each of them may take to come after the one before. Default 45,000. */
  attachmentTimeout?: number
  /** In how many namespaces one connection may be. Default 100. */
  maxNamespaces?: number
}

/** The options, complete, sorted by whom they concern. */
export interface SocketioRules extends ConnectionRules {
  readonly engine: EngineOptions
  readonly recovery: boolean
  readonly maxAttachments: number
  readonly attachmentTimeout: number
}

const defaults = {
  connectTimeout: 45_000,
  maxAttachments: 10,
  attachmentTimeout: 45_000,
  maxNamespaces: 100,
}

export function socketioRules(given: SocketioOptions): SocketioRules {
  const { path, pingInterval, pingTimeout, upgradeTimeout, transports, allowUpgrades, cors } = given
  const own = { path, pingInterval, pingTimeout, upgradeTimeout, transports, allowUpgrades, cors }
  return {
    engine: { ...own, maxPayload: given.maxHttpBufferSize },
    recovery: given.connectionStateRecovery ?? false,
    connectTimeout: given.connectTimeout ?? defaults.connectTimeout,
    maxAttachments: given.maxAttachments ?? defaults.maxAttachments,
    attachmentTimeout: given.attachmentTimeout ?? defaults.attachmentTimeout,
    maxNamespaces: given.maxNamespaces ?? defaults.maxNamespaces,
  }
}

/** What is wrong with options, in words. */
export function socketioProblems(rules: SocketioRules): string[] {
  const wrong = (Object.keys(defaults) as (keyof typeof defaults)[]).filter(
    (name) => !(Number.isInteger(rules[name]) && rules[name] > 0 && rules[name] <= LONGEST),
  )
  const own = wrong.map((name) => `${name} is ${rules[name]}: it is a whole number from 1 to ${LONGEST}.`)
  const engine = engineProblems(engineRules(rules.engine))
  return [...own, ...engine.map((one) => one.replace('maxPayload', 'maxHttpBufferSize'))].map(
    (one) => `socketio()'s ${one}`,
  )
}
