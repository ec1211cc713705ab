import { type AnyClass, type NamedToken, type Token, token } from '../container/mod.ts'
import type { Answer, AnyEvent, EmitArgs } from '../protocol/event.ts'
import { Audience, type ClientAnswer } from './audience.ts'
import { RoomPresence } from './presence.ts'
import type { RemoteSocket } from './remote-socket.ts'
import type { CallArgs } from './requests.ts'
import { checkRoomNames, type Rooms } from './rooms.ts'
import type { Socket } from './socket.ts'
import { SocketList } from './sockets.ts'

/** The rooms of a gateway that somebody is in, with their sizes: iterates over `[name, size]`. */
export class RoomList implements Iterable<[name: string, size: number]> {
  readonly #rooms: Rooms

  constructor(rooms: Rooms) {
    this.#rooms = rooms
  }

  /** How many rooms there are. */
  get size(): number {
    return this.#rooms.count
  }

  /** How many sockets are in a room; 0 where there is no such room. */
  get(name: string): number {
    return this.#rooms.size(name)
  }

  has(name: string): boolean {
    return this.#rooms.size(name) > 0
  }

  *[Symbol.iterator](): Generator<[name: string, size: number]> {
    for (const name of this.#rooms.names) yield [name, this.#rooms.size(name)]
  }
}

/**
 * A gateway seen from outside of its handlers: who is there, and sending to them, from anywhere and at any time. Each
 * gateway's constructor gets its own; other providers ask for `contextOf(ThatGateway)`.
 *
 * @example
 * ```ts
 * import { Gateway, GatewayContext, OnOpen } from 'partyline'
 *
 * @Gateway('/clock')
 * class Clock {
 *   constructor(private readonly clock: GatewayContext) {}
 *
 *   @OnOpen() opened() {
 *     this.clock.emit('watchers', this.clock.sockets.size)
 *   }
 * }
 * ```
 */
export class GatewayContext {
  readonly #everybody: Audience
  readonly #rooms: Rooms
  /** The gateway's path, with the app's prefix. */
  readonly path: string
  /** Everybody who is connected to this node, in order of arrival. */
  readonly sockets: SocketList
  /** The rooms that somebody of this node is in. */
  readonly rooms: RoomList

  constructor(path: string, rooms: Rooms) {
    this.path = path
    this.#rooms = rooms
    this.#everybody = new Audience(rooms)
    this.sockets = new SocketList(rooms)
    this.rooms = new RoomList(rooms)
  }

  /** Sends an event to everybody. */
  emit<E extends AnyEvent>(event: E, ...args: EmitArgs<E>): void {
    this.#everybody.emit(event, ...args)
  }

  /** Sends a message to everybody; see `socket.send`. */
  send(message: unknown): void {
    this.#everybody.send(message)
  }

  /** Sends a request to everybody, and resolves to an answer or failure for each; see `Audience`. */
  call<E extends AnyEvent>(event: E, ...args: CallArgs<E>): Promise<ClientAnswer<Answer<E>>[]> {
    return this.#everybody.call(event, ...args)
  }

  /** How many are connected, or in one of the rooms where any is named, on all nodes; see `Audience`. */
  count(...rooms: string[]): Promise<number> {
    return this.#among(rooms).count()
  }

  /** Who is connected, or in one of the rooms where any is named, on all nodes; see `Audience`. */
  fetchSockets(...rooms: string[]): Promise<RemoteSocket[]> {
    return this.#among(rooms).fetchSockets()
  }

  /**
   * Who is in a room, on all nodes.
   *
   * @throws Error where the gateway has no `presence`
   */
  presence(room: string): RoomPresence {
    const { presence } = this.#rooms
    if (presence === undefined)
      throw new Error(
        `the gateway at ${this.path} keeps no presence: add presence: {} to its @Gateway options.`,
      )
    checkRoomNames([room])
    return new RoomPresence(presence, room)
  }

  /** Everybody in any of the rooms. */
  to(...rooms: string[]): Audience {
    return this.#everybody.to(...rooms)
  }

  /** Everybody but these sockets, and but the members of these rooms. */
  except(...excluded: (Socket<object, unknown> | string)[]): Audience {
    return this.#everybody.except(...excluded)
  }

  #among(rooms: string[]): Audience {
    return rooms.length === 0 ? this.#everybody : this.#everybody.to(...rooms)
  }
}

const tokens = new WeakMap<AnyClass, NamedToken<GatewayContext>>()
const gateways = new WeakMap<symbol, AnyClass>()

/**
 * The token of a gateway's context, for providers that want to emit on it.
 *
 * @example
 * ```ts
 * import { contextOf, Gateway, inject, Injectable } from 'partyline'
 *
 * @Gateway('/news')
 * class News {}
 *
 * @Injectable()
 * class Desk {
 *   readonly #news = inject(contextOf(News))
 *
 *   publish(headline: string) {
 *     this.#news.emit('headline', { headline })
 *   }
 * }
 * ```
 */
export function contextOf(gateway: AnyClass): NamedToken<GatewayContext> {
  let found = tokens.get(gateway)
  if (found === undefined) {
    found = token<GatewayContext>(`contextOf(${gateway.name})`)
    tokens.set(gateway, found)
    gateways.set(found, gateway)
  }
  return found
}

/** The gateway whose context a token stands for; undefined for any other token. */
export function gatewayOf(token: Token): AnyClass | undefined {
  return typeof token === 'symbol' ? gateways.get(token) : undefined
}
