import type { Connection } from '../../core/connection.ts'
import type { Payload } from '../../protocol/codec.ts'
import type { TransportName } from './options.ts'
import type { Packet } from './packet.ts'
import type { EngineEnd } from './transport.ts'

/** What an Engine.IO session is to whoever speaks over it: the same on both transports, and from one to the other. */
export interface EngineSocket {
  /** The session ID. Who knows it can speak for the client: it is never to be told to others. */
  readonly id: string
  /** What carries it now. */
  readonly transport: TransportName
  /** Its WebSocket, for audiences of the runtime's own; undefined while it polls, and when it has ended. */
  readonly connection: Connection | undefined
  readonly isOpen: boolean
  /** Whether what is sent now leaves now: there is a poll to answer, or the WebSocket has nothing queued. */
  readonly writable: boolean
  /** About how many bytes wait to be sent; 0 on a closed socket. */
  readonly bufferedAmount: number
  /**
   * Sends a message. Never throws. Returns false where it did not leave at once: it waits, or was dropped since the socket is
   * closed. Text for who polls MUST NOT have the character U+001E, which separates packets there; JSON never has.
   */
  send(payload: Payload): boolean
  /** Sends what `messagePacket` made: one packet for all sockets that get the same. */
  sendPacket(packet: Packet): boolean
  /** Sends several, with nothing between them. */
  sendPackets(packets: readonly Packet[]): boolean
  /**
   * Stops reading, so that the client feels it; what was read already may still arrive where it is a WebSocket. No heartbeat is
   * missed meanwhile.
   */
  pause(): void
  resume(): void
  /** Closes it, after what was sent before: who polls has half a minute to come for that. Code and reason are for WebSockets. */
  close(code?: number, reason?: string): void
  /** Ends it, with nothing more sent. */
  terminate(): void
}

/** What hears of a session. What it throws is reported, and ends the session. */
export interface EngineHandler {
  /** Text or bytes, which it may keep. */
  message(payload: Payload): void
  /** In place of `message`, for text as it came, after its type: a text that is read from its second character need not be cut. */
  textPacket?(packet: string): void
  /** It goes on over WebSocket: `connection` is there, and all that was sent before has been handed to it. */
  upgraded?(): void
  /** Once, after everything else; at once where the server closes. */
  closed(end: EngineEnd): void
}
