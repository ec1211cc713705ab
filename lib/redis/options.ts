import type { RedisClientOptions } from 'redis'
import type { Clock } from '../protocol/clock.ts'
import { type Address, type Place, placeOf, readUrl } from './address.ts'

/** How to reach Redis, and how to behave towards it. Times are in milliseconds, sizes in bytes. */
export interface RedisOptions {
  /**
   * `redis[s]://[[user]:password@]host[:port][/database]` or `unix:///path`. Of a cluster, one or several nodes to begin
   * with: the others are found by them. Default `redis://localhost:6379`.
   */
  url?: string | readonly string[]
  /** What else node-redis is told, such as `socket.tls` and `credentialsProvider`. What the url says comes first. */
  client?: RedisClientSettings
  /**
   * Stands before all names in Redis, with a colon after it. Two apps that share a server need two of them. Default none.
   */
  prefix?: string
  /**
   * Where the nodes of a cluster are to be found, when these do not know it themselves: by the `host:port` that they tell,
   * the one to connect to. That there is a cluster is found out without it.
   */
  cluster?: { nodeAddressMap: NodeAddressMap }
  /** How long a server may leave anything unanswered before its connection is given up. Default 3,000. */
  timeout?: number
  /** How long a call waits for Redis to come back before it fails. Default 5,000. */
  patience?: number
  /**
   * Between which times the wait before each attempt to come back is, by chance; the upper one doubles from the lower with
   * every attempt that fails. Default 100 to 5,000, or to a third of a lease where that is less: who comes back later than that
   * may have been taken for dead.
   */
  retry?: { min?: number; max?: number }
  /** How long a node's lease is: one that was killed is known to be gone at most this and a third later. Default 15,000. */
  lease?: number
  /** How much may wait for each server. What would be more is dropped, or fails. Default 8 MiB. */
  queue?: number
  /** The largest message, entry or value. Larger ones are neither sent nor taken. Default 1 MiB. */
  maxPayload?: number
}

/** Options of node-redis's `createClient`. */
export type RedisClientSettings = Pick<
  RedisClientOptions,
  'username' | 'password' | 'credentialsProvider' | 'database' | 'name' | 'socket'
>

/** From what a cluster's node tells to where it is. What is not in it is where it says. */
export type NodeAddressMap =
  | Readonly<Record<string, { host: string; port: number }>>
  | ((address: string) => { host: string; port: number } | undefined)

/** The options, complete. */
export interface Terms {
  /** Where to begin. */
  seeds: readonly Place[]
  client: RedisClientSettings
  isTls: boolean
  /** With its colon, or empty. */
  prefix: string
  timeout: number
  patience: number
  retry: { min: number; max: number }
  lease: number
  queue: number
  maxPayload: number
  /** How often it is made sure that nothing was missed and nothing forgotten. */
  audit: number
  /** Where a node is, by what it says. */
  locate(address: string): Place
  /** Set at the start. */
  clock: Clock
}

/** Completes the options. Throws a TypeError for those that will not do. */
export function termsOf(options: RedisOptions): Omit<Terms, 'clock'> {
  const { url = 'redis://localhost:6379', client = {}, prefix, cluster, retry } = options
  const addresses = (typeof url === 'string' ? [url] : url).map(readUrl)
  const [first] = addresses
  if (first === undefined) throw new TypeError('redis() is given an empty list of urls: name at least one.')
  const { timeout = 3_000, patience = 5_000, lease = 15_000, queue = 8 << 20, maxPayload = 1 << 20 } = options
  const { min = 100, max = Math.max(min, Math.min(5_000, lease / 3)) } = retry ?? {}
  const numbers = { timeout, patience, lease, queue, maxPayload, 'retry.min': min, 'retry.max': max }
  for (const [name, value] of Object.entries(numbers))
    if (!(value > 0)) throw new TypeError(`${name} of redis() is ${value}: it has to be more than 0.`)
  return {
    seeds: addresses.map(({ place }) => place),
    client: { ...client, ...credentialsOf(first) },
    isTls: first.tls,
    prefix: prefix ? `${prefix}:` : '',
    timeout,
    patience,
    retry: { min, max },
    lease,
    queue,
    maxPayload,
    audit: 30_000,
    locate(address) {
      const map = cluster?.nodeAddressMap
      const mapped = typeof map === 'function' ? map(address) : map?.[address]
      return mapped ?? placeOf(address)
    },
  }
}

/** What a url says besides the place. */
function credentialsOf({ username, password, database }: Address): RedisClientSettings {
  return {
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(database !== undefined && { database }),
  }
}
