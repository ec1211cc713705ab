import type { CloseReason } from '../protocol/close.ts'
import { closeCodes } from '../protocol/close.ts'
import type { Answer, AnyEvent, EmitArgs } from '../protocol/event.ts'
import type { Handshake } from '../protocol/handshake.ts'
import type { AppClaims, Identity } from '../protocol/identity.ts'
import { MESSAGE } from '../protocol/raw.ts'
import type { Audience } from './audience.ts'
import { outgoing } from './outgoing.ts'
import type { CallArgs } from './requests.ts'
import { checkRoomNames } from './rooms.ts'
import type { Session } from './session.ts'

/** The session behind a socket; for Partyline's own files. */
export let sessionOf: (socket: Socket<object, unknown>) => Session

/** What a socket keeps where nothing is said about it: anything. */
// biome-ignore lint/suspicious/noExplicitAny: nothing else takes every interface, so that a plain `Socket` is any `Socket<…>`.
export type AnyData = Record<string, any>

/**
 * One client of a gateway, as handlers see it. `Data` is the type of `data`, what the app keeps about this client;
 * `Claims` that of `identity.claims`, which an app can say once for all of its sockets (`Register`).
 *
 * @example
 * ```ts
 * import { Gateway, On, type Socket } from 'partyline'
 *
 * @Gateway('/chat')
 * class Chat {
 *   @On() name(socket: Socket<{ name?: string }>, name: string) {
 *     socket.data.name = name
 *     socket.join('named')
 *     socket.to('named').emit('arrived', { name })
 *   }
 * }
 * ```
 */
export class Socket<Data extends object = AnyData, Claims = AppClaims> {
  readonly #session: Session
  #data: Data | undefined

  static {
    sessionOf = (socket) => socket.#session
  }

  constructor(session: Session) {
    this.#session = session
  }

  /** Unique among all connections of all time, as far as chance goes. */
  get id(): string {
    return this.#session.id
  }

  /** What the app keeps about this client, empty at first; gone with the connection. */
  get data(): Data {
    this.#data ??= {} as Data
    return this.#data
  }

  set data(data: Data) {
    this.#data = data
  }

  /** The path's `:name` segments. */
  get params(): Readonly<Record<string, string>> {
    return this.#session.handshake.params
  }

  /** What follows the url's question mark. */
  get query(): URLSearchParams {
    return this.handshake.url.searchParams
  }

  /** The request with which the connection began. */
  get handshake(): Handshake {
    return this.#session.handshake
  }

  /** Who is behind it, as the authenticator found out; undefined where there is none. */
  get identity(): Identity<Claims> | undefined {
    // Its type is what the app says of its authenticators, as that of `data` is.
    return this.#session.identity as Identity<Claims> | undefined
  }

  /** The path of the gateway that serves this socket. */
  get path(): string {
    return this.#session.route.path
  }

  /** The rooms that it is in; in `@OnClose`, those that it was in. */
  get rooms(): ReadonlySet<string> {
    return this.#session.roomNames
  }

  /** Whether its line has broken, and its client may come back; on gateways with `recovery`. */
  get suspended(): boolean {
    return this.#session.isSuspended
  }

  /** Bytes that wait to be sent to this client. */
  get bufferedAmount(): number {
    return this.#session.bufferedAmount
  }

  /** Whether it has a line now. A suspended one has not, and still gets what is sent to it if it comes back. */
  get connected(): boolean {
    return this.#session.isOpen
  }

  /**
   * Enters rooms of the gateway; a room exists while somebody is in it.
   *
   * @throws TypeError for a name that is no string; then it has entered none.
   */
  join(...rooms: string[]): void {
    checkRoomNames(rooms)
    for (const room of rooms) this.#session.route.rooms.join(this.#session, room)
  }

  /**
   * Leaves rooms; those that it is not in are ignored.
   *
   * @throws TypeError for a name that is no string; then it has left none.
   */
  leave(...rooms: string[]): void {
    checkRoomNames(rooms)
    for (const room of rooms) this.#session.route.rooms.leave(this.#session, room)
  }

  /** Sends an event to this client. Does nothing once it has gone. */
  emit<E extends AnyEvent>(event: E, ...args: EmitArgs<E>): void {
    const session = this.#session
    if (typeof event !== 'string') session.send(outgoing(event, args, session.route.around.checkOutgoing))
    // What `eventFrame` makes, made here: a plain name with one argument is most of what is ever sent, and so needs no
    // list of its arguments beyond the call's own.
    else session.send(args.length === 1 ? { event, data: args[0] } : { event, args: [...args] })
  }

  /** Sends a message: the event `message` with this argument, or on raw gateways the text or bytes themselves. */
  send(message: unknown): void {
    this.#session.send({ event: MESSAGE, data: message })
  }

  /**
   * Sends an event to this client and waits for its answer, as the event's `reply` schema makes of it. For an event that is
   * described by `args`, the data is the list of them. May be awaited in a handler: answers wait for no handler.
   *
   * Always settles. Rejects with the `PartylineError` that the client answered; with `TIMEOUT`; with `DISCONNECTED` where the
   * client has gone for good (one that is suspended may still answer); with `OVERLOADED` where `limits.pending` wait
   * already; with `INVALID_DATA` where the answer does not fit.
   *
   * @example
   * ```ts
   * import { event, Gateway, On, type Socket } from 'partyline'
   * import { z } from 'zod'
   *
   * const confirm = event('confirm', { data: z.string(), reply: z.boolean() })
   *
   * @Gateway('/shop')
   * class Shop {
   *   @On() async buy(socket: Socket, item: string) {
   *     return (await socket.call(confirm, `Buy ${item}?`, { timeout: 30_000 })) ? 'bought' : 'kept'
   *   }
   * }
   * ```
   */
  call<E extends AnyEvent>(event: E, ...[data, options]: CallArgs<E>): Promise<Answer<E>> {
    return this.#session.requests.call(event, data, options) as Promise<Answer<E>>
  }

  /** Everybody in any of the rooms, but this one. */
  to(...rooms: string[]): Audience {
    return this.broadcast.to(...rooms)
  }

  /** Everybody of the gateway but this one, and but these sockets and the members of these rooms. */
  except(...excluded: (Socket<object, unknown> | string)[]): Audience {
    return this.broadcast.except(...excluded)
  }

  /** Everybody of the gateway, but this one. */
  get broadcast(): Audience {
    return this.#session.route.everybody.except(this)
  }

  /**
   * Closes the connection, after what was sent. Codes have the meanings of RFC 6455, section 7.4, and of IANA's registry
   * up to 3999; those of `closeCodes` tell a client whether to come back; 4000 to 4999 are the application's.
   *
   * @throws TypeError for any code but 1000 to 1003, 1007 to 1014, and 3000 to 4999.
   */
  close(code: CloseReason['code'] = closeCodes.normal.code, reason = ''): void {
    checkSendable(code)
    this.#session.close(code, reason)
  }
}

const SENDABLE = 'use 1000 to 1003, 1007 to 1014, or 3000 to 4999'

/** Throws a TypeError for a close code that cannot be sent. */
export function checkSendable(code: number): void {
  if (!isSendable(code)) throw new TypeError(`${code} is no close code that can be sent: ${SENDABLE}`)
}

/** RFC 6455, section 7.4: the others are reserved, or stand for what has no close frame. */
function isSendable(code: number): boolean {
  if (!Number.isInteger(code)) return false
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999)
}
