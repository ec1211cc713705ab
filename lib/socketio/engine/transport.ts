import type { Connection } from '../../core/connection.ts'
import type { TransportName } from './options.ts'
import type { Packet } from './packet.ts'

/** How a session ended. */
export interface EngineEnd {
  /** In the words of Socket.IO, which its users know from `disconnect`. */
  readonly cause: EngineCause
  /** As of WebSocket (RFC 6455, section 7.4), also where it was polling; 1006 where nothing was said. */
  readonly code: number
  /** What happened, for people; possibly empty. */
  readonly reason: string
}

/**
 * `transport close`: the client went. `transport error`: it broke a rule of its transport, or its line broke. `ping timeout`:
 * nothing was heard of it. `parse error`: it sent what is no packet. `forced close`: the server closed it.
 */
export type EngineCause =
  | 'transport close'
  | 'transport error'
  | 'ping timeout'
  | 'parse error'
  | 'forced close'

/** What carries the packets of a session. Nothing of it throws. */
export interface Transport {
  readonly name: TransportName
  /** The WebSocket, where it is one. */
  readonly connection: Connection | undefined
  /** Whether what is sent now leaves now. */
  readonly writable: boolean
  readonly bufferedAmount: number
  /** False where a packet did not leave at once: it waits, or was dropped. */
  send(packet: Packet): boolean
  sendAll(packets: readonly Packet[]): boolean
  /** Stops reading, as far as that can be done. */
  pause(): void
  resume(): void
  /** Ends it at once, whatever waits. */
  terminate(): void
  /** The session has ended. True where the client is still to be told, by its next request, or to answer. */
  finish(end: EngineEnd, how: Farewell): boolean
}

/** `client`: it was the client that closed. `orderly`: what was sent before still arrives. `now`: nothing more does. */
export type Farewell = 'client' | 'orderly' | 'now'

/** Who takes what comes in on a transport. */
export interface Receiver {
  receive(packet: Packet): void
  /** The WebSocket has ended. */
  lost(code: number, reason: string): void
}
