import { PartylineError } from '../protocol/error.ts'
import type { Answer, AnyEvent, EmitArgs } from '../protocol/event.ts'
import { MESSAGE } from '../protocol/raw.ts'
import { outgoing } from './outgoing.ts'
import type { CallArgs } from './requests.ts'
import { checkRoomNames, type Rooms } from './rooms.ts'
import { Socket, sessionOf } from './socket.ts'

/** What one client answered to a request, or why there is no answer. */
export type ClientAnswer<T> =
  | { socket: Socket; data: T; error?: undefined }
  | { socket: Socket; error: PartylineError; data?: undefined }

/**
 * Whom an emit reaches: the gateway's sockets, or those in some rooms, less some. Immutable: every step makes a new one,
 * so an audience can be kept and used again.
 *
 * @example
 * ```ts
 * import { Gateway, GatewayContext, On, type Socket } from 'partyline'
 *
 * @Gateway('/game')
 * class Game {
 *   constructor(private readonly game: GatewayContext) {}
 *
 *   @On() move(socket: Socket, square: string) {
 *     this.game.to('players', 'watchers').except(socket, 'muted').emit('moved', { square })
 *   }
 * }
 * ```
 */
export class Audience {
  readonly #rooms: Rooms
  /** Absent until a room is named: an empty list of rooms is nobody, not everybody. */
  readonly #names: readonly string[] | undefined
  readonly #excluded: readonly (Socket<object, unknown> | string)[]

  constructor(
    rooms: Rooms,
    names?: readonly string[],
    excluded: readonly (Socket<object, unknown> | string)[] = [],
  ) {
    this.#rooms = rooms
    this.#names = names
    this.#excluded = excluded
  }

  /**
   * Those in any of these rooms, and of the rooms named before; nobody where no room is named at all.
   *
   * @throws TypeError for a name that is no string.
   */
  to(...rooms: string[]): Audience {
    checkRoomNames(rooms)
    return new Audience(this.#rooms, [...(this.#names ?? []), ...rooms], this.#excluded)
  }

  /**
   * Not these sockets, and nobody in these rooms.
   *
   * @throws TypeError for what is neither a socket nor a string.
   */
  except(...excluded: (Socket<object, unknown> | string)[]): Audience {
    checkRoomNames(excluded.filter((one) => !(one instanceof Socket)))
    return new Audience(this.#rooms, this.#names, [...this.#excluded, ...excluded])
  }

  /**
   * Sends an event to everybody in the audience, once each.
   *
   * @throws what the codecs threw, where nobody in the audience uses one that can carry the data.
   * @throws PartylineError INVALID_DATA where the app holds what is sent against its schema, and it does not fit.
   */
  emit<E extends AnyEvent>(event: E, ...args: EmitArgs<E>): void {
    const { sockets, rooms } = split(this.#excluded)
    this.#rooms.publish(
      outgoing(event, args, this.#rooms.checkOutgoing),
      this.#names,
      sockets.map(sessionOf),
      rooms,
    )
  }

  /** Sends a message to everybody in the audience; see `socket.send`. */
  send(message: unknown): void {
    this.emit(MESSAGE, message)
  }

  /**
   * Sends a request to everybody in the audience, and resolves when each has answered or failed to: one answer or failure
   * for each, in order of arrival where no room was named. Never rejects for what a client does; see `socket.call`.
   *
   * @throws TypeError where the data does not fit the event's schema, or no codec can carry it.
   */
  async call<E extends AnyEvent>(
    event: E,
    ...[data, options]: CallArgs<E>
  ): Promise<ClientAnswer<Answer<E>>[]> {
    return Promise.all(
      this.sockets.map(async (socket) => {
        try {
          return { socket, data: (await sessionOf(socket).requests.call(event, data, options)) as Answer<E> }
        } catch (error) {
          if (error instanceof PartylineError) return { socket, error }
          throw error
        }
      }),
    )
  }

  /** Who is in the audience now, in order of arrival where no room was named. */
  get sockets(): Socket[] {
    const { sockets, rooms } = split(this.#excluded)
    return [...this.#rooms.select(this.#names, sockets.map(sessionOf), rooms)].map(
      (session) => session.socket,
    )
  }
}

function split(excluded: readonly (Socket<object, unknown> | string)[]): {
  sockets: Socket<object, unknown>[]
  rooms: string[]
} {
  return {
    sockets: excluded.filter((one) => typeof one !== 'string'),
    rooms: excluded.filter((one) => typeof one === 'string'),
  }
}
