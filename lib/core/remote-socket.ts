import type { CloseReason } from '../protocol/close.ts'
import type { AnyEvent, EmitArgs } from '../protocol/event.ts'
import type { Identity } from '../protocol/identity.ts'
import type { AnyData } from './socket.ts'

/**
 * A client of a gateway on whatever node it is: what `fetchSockets` finds. A `Socket` is one too; of those on other nodes, what
 * is told is how it was when they were asked, and what is done to them is on its way when the method returns: it arrives once at
 * most, and in order. It travels as JSON, in which bytes may stand.
 *
 * @example
 * ```ts
 * import { Gateway, GatewayContext, On, type Socket } from 'partyline'
 *
 * @Gateway('/desk')
 * class Desk {
 *   constructor(private readonly desk: GatewayContext) {}
 *
 *   @On() async dismiss(_: Socket, user: string) {
 *     for (const socket of await this.desk.fetchSockets())
 *       if (socket.identity?.user === user) socket.close(4_000, 'dismissed')
 *   }
 * }
 * ```
 */
export interface RemoteSocket {
  readonly id: string
  /** As JSON carries it, where the socket is on another node: to change it there has no effect. */
  readonly data: AnyData
  readonly params: Readonly<Record<string, string>>
  readonly identity: Identity<unknown> | undefined
  /** The path of the gateway that serves it. */
  readonly path: string
  readonly rooms: ReadonlySet<string>
  /** Whether its line has broken, and its client may come back. */
  readonly suspended: boolean
  /**
   * Sends an event to this client.
   *
   * @throws TypeError for data that cannot be sent there: for another node, what JSON cannot carry.
   */
  emit<E extends AnyEvent>(event: E, ...args: EmitArgs<E>): void
  /** Sends a message; see `socket.send`. */
  send(message: unknown): void
  /** Enters rooms. On another node, one too many is counted there, and nobody is told. */
  join(...rooms: string[]): void
  leave(...rooms: string[]): void
  close(code?: CloseReason['code'], reason?: string): void
}

/** What is told of a socket to other nodes. */
export interface SocketView {
  readonly id: string
  readonly data: AnyData
  readonly params: Readonly<Record<string, string>>
  readonly identity: Identity<unknown> | undefined
  readonly rooms: readonly string[]
  readonly suspended: boolean
}

/** A socket as others are told of it. Data that JSON cannot carry is left away. */
export function viewOf({ id, data, params, identity, rooms, suspended }: RemoteSocket): SocketView {
  return { id, data: plain(data), params, identity: plainIdentity(identity), rooms: [...rooms], suspended }
}

function plain(data: AnyData): AnyData {
  try {
    return JSON.parse(JSON.stringify(data))
  } catch {
    return {}
  }
}

function plainIdentity(identity: Identity<unknown> | undefined): Identity<unknown> | undefined {
  if (identity === undefined) return undefined
  try {
    return JSON.parse(JSON.stringify(identity))
  } catch {
    const { user, groups, session } = identity
    return { user, ...(groups && { groups }), ...(session && { session }) }
  }
}
