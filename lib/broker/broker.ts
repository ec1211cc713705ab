import type { Clock } from '../protocol/clock.ts'
import type { Messages } from './messages.ts'
import type { Nodes } from './nodes.ts'
import type { Records } from './records.ts'
import type { Rosters } from './rosters.ts'
import type { Streams } from './streams.ts'
import type { Values } from './values.ts'

/**
 * What joins the nodes of an app: the processes that serve it together. It carries bytes and plain data, and knows nothing
 * of gateways, rooms and sessions.
 *
 * What every broker keeps to:
 *
 * - A broker belongs to one node. It is made, started once, and stopped.
 * - What is lost is told. `publish`, `enter` and `leave` never throw and return nothing: they are counted. What returns a
 *   promise rejects with a `BrokerError` within a bounded time, and may be left alone: no rejection goes unhandled.
 * - While it is away it tries for ever to come back, and nothing queues without a bound. Back again, it subscribes to
 *   everything before it says that it is ready; followers, rosters and leases are brought up to date at the same time.
 * - What is called in one turn of the event loop leaves together, in one round trip: a batch is a few calls in a row.
 * - Bytes are taken when a method is called, so the caller may use its array again. What is handed out is the
 *   receiver's, who copies what it keeps for long: it may be a part of something larger.
 * - Handlers are called one at a time and never from within a call to the broker, but for those of `onState`. They may
 *   throw: that is logged.
 * - All times are in milliseconds.
 */
export interface Broker {
  /** By what the other nodes know this one: 16 hexadecimal digits, new with every broker that is made. */
  readonly node: string
  /** `ready` while everything goes through, `away` at any other time, before it has started and after it was stopped. */
  readonly state: BrokerState
  readonly counters: Readonly<BrokerCounters>
  readonly messages: Messages
  readonly streams: Streams
  readonly values: Values
  readonly records: Records
  readonly nodes: Nodes
  readonly rosters: Rosters
  /** Begins, and returns at once: that the broker is away at boot holds nothing up. Throws when it is called twice. */
  start(host: BrokerHost): void
  /** Calls back at every change of `state`; what it returns ends that. */
  onState(listener: (state: BrokerState) => void): () => void
  /**
   * Says goodbye to the other nodes, takes back what is this node's, and ends every connection. Whatever still waits is
   * rejected. Resolves when all is gone, within a few seconds.
   */
  stop(): Promise<void>
}

export type BrokerState = 'ready' | 'away'

/** What a broker is given by whoever starts it. */
export interface BrokerHost {
  clock: Clock
  log: BrokerLog
}

/** Where a broker says what happened; an app's logger fits. */
export interface BrokerLog {
  error(fields: object, message: string): void
  warn(fields: object, message: string): void
  info(fields: object, message: string): void
}

/** How often something happened, since the broker was made. */
export interface BrokerCounters {
  /** Messages and entries that were handed over to be sent. */
  published: number
  /** Messages and entries that arrived from other nodes and other programs. */
  received: number
  /** What was sent and then refused, or never answered, so that nobody knows. */
  failed: number
  /** What was given up unsent: too large, or there was nobody to send it to for too long, or too much waited already. */
  dropped: number
  /** What arrived and is none of ours, or of a version that we do not know. It was skipped. */
  garbage: number
  /** What arrived and is larger than allowed. It was skipped. */
  oversized: number
  /** Connections that were lost. */
  lost: number
  /** Subscriptions that were restored after that. */
  resubscribed: number
  /** Holes that subscribers and followers were told of. */
  gaps: number
}

/** Counters at zero. */
export function zeroed(): BrokerCounters {
  return {
    published: 0,
    received: 0,
    failed: 0,
    dropped: 0,
    garbage: 0,
    oversized: 0,
    lost: 0,
    resubscribed: 0,
    gaps: 0,
  }
}
