import { type CloseReason, closeCodes } from '../protocol/close.ts'
import { PartylineError } from '../protocol/error.ts'
import type { Answer, AnyEvent, EmitArgs } from '../protocol/event.ts'
import { MESSAGE } from '../protocol/raw.ts'
import type { Selection } from './errand.ts'
import { outgoing } from './outgoing.ts'
import type { RemoteSocket } from './remote-socket.ts'
import { type CallArgs, fitting, requestFrame, TIMEOUT } from './requests.ts'
import { checkRoomNames, type Rooms } from './rooms.ts'
import { Socket, sessionOf } from './socket.ts'

/** What one client answered to a request, or why there is no answer. */
export type ClientAnswer<T> =
  | { socket: RemoteSocket; data: T; error?: undefined }
  | { socket: RemoteSocket; error: PartylineError; data?: undefined }

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
   * Sends a request to everybody in the audience, on all nodes, and resolves when each has answered or failed to: one answer or
   * failure for each, those of this node first, in order of arrival where no room was named. Never rejects for what a client
   * does; see `socket.call`. A node that dies meanwhile is not waited for, and its clients are left away; between nodes,
   * requests and answers travel as JSON.
   *
   * @throws TypeError where the data does not fit the event's schema, or no codec can carry it.
   */
  async call<E extends AnyEvent>(
    event: E,
    ...[data, { timeout = TIMEOUT } = {}]: CallArgs<E>
  ): Promise<ClientAnswer<Answer<E>>[]> {
    const frame = requestFrame(event, data, this.#rooms.checkOutgoing)
    const settled = async (
      socket: RemoteSocket,
      answer: Promise<unknown>,
    ): Promise<ClientAnswer<Answer<E>>> => {
      try {
        return { socket, data: (await fitting(event, await answer)) as Answer<E> }
      } catch (error) {
        if (error instanceof PartylineError) return { socket, error }
        throw error
      }
    }
    const { everywhere } = this.#rooms
    const far = everywhere.callOthers(this.#selection, frame, timeout)
    const here = this.sockets.map((socket) => settled(socket, sessionOf(socket).requests.ask(frame, timeout)))
    // Both are waited for from the beginning, so that no rejection is left alone.
    const [answers, others] = await Promise.all([Promise.all(here), far])
    const rest = others.map(({ socket, node, data, error }) =>
      settled(
        everywhere.far(socket, node),
        error === undefined
          ? Promise.resolve(data)
          : Promise.reject(new PartylineError(error.code, error.message, error.details)),
      ),
    )
    return [...answers, ...(await Promise.all(rest))]
  }

  /** Who of this node is in the audience now, in order of arrival where no room was named; see `fetchSockets`. */
  get sockets(): Socket[] {
    const { sockets, rooms } = split(this.#excluded)
    return [...this.#rooms.select(this.#names, sockets.map(sessionOf), rooms)].map(
      (session) => session.socket,
    )
  }

  /**
   * Who is in the audience, on all nodes; those of this node first. A node that lives and does not answer within five seconds is
   * left away, and counted (`nodesMissed`).
   */
  fetchSockets(): Promise<RemoteSocket[]> {
    return this.#rooms.everywhere.fetch(this.#selection)
  }

  /** How many are in the audience, on all nodes; as `fetchSockets`. */
  count(): Promise<number> {
    return this.#rooms.everywhere.count(this.#selection)
  }

  /**
   * Has everybody in the audience enter rooms, on all nodes: those of this node at once. Resolves when the others have, as
   * `fetchSockets`. Who may be in no more rooms is left out, and counted.
   *
   * @throws TypeError for a name that is no string.
   */
  join(...rooms: string[]): Promise<void> {
    return this.#rooms.everywhere.join(this.#selection, rooms)
  }

  /** As `join`, the other way round. */
  leave(...rooms: string[]): Promise<void> {
    return this.#rooms.everywhere.leave(this.#selection, rooms)
  }

  /**
   * Closes everybody in the audience, on all nodes, as `socket.close` does.
   *
   * @throws TypeError for a code that cannot be sent.
   */
  close(code: CloseReason['code'] = closeCodes.normal.code, reason = ''): Promise<void> {
    return this.#rooms.everywhere.close(this.#selection, code, reason)
  }

  get #selection(): Selection {
    const { sockets, rooms } = split(this.#excluded)
    return { rooms: this.#names, exceptIds: sockets.map(({ id }) => id), exceptRooms: rooms }
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
