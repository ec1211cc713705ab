import type { BrokerCounters, BrokerState } from '../broker/broker.ts'

/** What has been counted since the app began, each by the limit or rule that was reached. */
export interface Counters {
  /** Messages longer than `limits.payload`; their connections were closed with 1009. */
  payloadTooBig: number
  /** Messages that are no frames, those nested deeper than `limits.depth` included. */
  malformedFrames: number
  /** Events with a name longer than `limits.eventName`. */
  eventNamesTooLong: number
  /** Events beyond `limits.rate`, answered RATE_LIMITED. */
  rateLimited: number
  /** Sockets closed with 4429, because they went on regardless. */
  rateClosed: number
  /** Events beyond `limits.waiting`, answered OVERLOADED. */
  overloaded: number
  /** Requests whose id was waiting for its answer already, or beyond `limits.pending`. */
  pendingRefused: number
  /** Handlers that took longer than `limits.handler`, answered TIMEOUT. */
  handlerTimeouts: number
  /** Joins beyond `limits.rooms`, or of names longer than `limits.roomName`; and watches of who is in yet another room. */
  joinsRefused: number
  /** Sockets closed because more than `limits.buffer` waited to be sent to them. */
  slowConsumers: number
  /** Sockets closed because nothing was heard of them, by `limits.heartbeat`. */
  heartbeatsLost: number
  /** Sockets whose line broke without a close frame, seen as 1006: the client vanished, or the runtime gave it up. */
  connectionsLost: number
  /** Sockets that ended with 1002 or 1007: what came was no WebSocket traffic, or text that is no UTF-8. */
  protocolErrors: number
  /** Connections refused: beyond `limits.connections`. */
  connectionsRefused: number
  /** Connections refused: beyond `limits.connectionsPerAddress`. */
  addressesRefused: number
  /** Connections refused: their page's origin. */
  originsRefused: number
  /** Connections refused: nobody known behind them. */
  unauthenticated: number
  /** Connections refused: authenticating took longer than `limits.authenticate`. */
  authenticateTimeouts: number
  /** Connections and events that a guard refused. */
  forbidden: number
  /** Requests to clients beyond `limits.pending`, which were not sent. */
  callsRefused: number
  /** Sessions that went on over another line. */
  sessionsResumed: number
  /** Who asked to resume a session and got a new one: the token, the position or the user was not right, or it was too late. */
  resumesRefused: number
  /** Suspended sessions that ended without their client: after the gateway's window, or since as many as `limits.connections` wait. */
  sessionsExpired: number
  /** Messages that were kept for who might come back, and given up because of a gateway's `limit` or `bytes`. */
  keptEvicted: number
  /** Questions that another node, which lives, did not answer in time: its sockets were left away. */
  nodesMissed: number
  /** What came from another node and is none of what nodes say, or could not be done. */
  nodeErrors: number
  /** Failures whose cause no client was told. */
  internalErrors: number
}

/** The broker between the app's nodes, in figures. */
export interface BrokerStats extends BrokerCounters {
  state: BrokerState
  /** How many nodes live, this one included, those that only publish too. */
  nodes: number
}

/** An app in figures. */
export interface AppStats extends Counters {
  /** Sockets now, over all gateways. */
  sockets: number
  /** Those of them whose line has broken, and whose client may come back. */
  suspended: number
  /** Rooms that somebody is in now, over all gateways. */
  rooms: number
  /** Bytes that are kept for clients that come back, over all gateways. */
  keptBytes: number
  /** The broker's own counters, and how it is; absent where the app has none. */
  broker?: BrokerStats
}

/** What the end of a connection counts as, by its code, where it was none in good order. */
const ends: Partial<Record<number, keyof Counters>> = {
  1002: 'protocolErrors',
  1006: 'connectionsLost',
  1007: 'protocolErrors',
  1009: 'payloadTooBig',
}

/** Counts what happens in an app. */
export class Stats {
  readonly counters: Counters = {
    payloadTooBig: 0,
    malformedFrames: 0,
    eventNamesTooLong: 0,
    rateLimited: 0,
    rateClosed: 0,
    overloaded: 0,
    pendingRefused: 0,
    handlerTimeouts: 0,
    joinsRefused: 0,
    slowConsumers: 0,
    heartbeatsLost: 0,
    connectionsLost: 0,
    protocolErrors: 0,
    connectionsRefused: 0,
    addressesRefused: 0,
    originsRefused: 0,
    unauthenticated: 0,
    authenticateTimeouts: 0,
    forbidden: 0,
    callsRefused: 0,
    sessionsResumed: 0,
    resumesRefused: 0,
    sessionsExpired: 0,
    keptEvicted: 0,
    nodesMissed: 0,
    nodeErrors: 0,
    internalErrors: 0,
  }

  count(what: keyof Counters): void {
    this.counters[what]++
  }

  /** Counts the end of a connection that nobody here had begun to close. */
  countEnd(code: number): void {
    const what = ends[code]
    if (what !== undefined) this.count(what)
  }
}
