import type { AnyEvent, EmitArgs } from '../protocol/event.ts'

/** What brings an event to the sockets of a gateway on all nodes. It is the nodes' own, and not of the channels. */
export interface RoomSender {
  /**
   * Sends an event to everybody in any of the rooms of the gateway at that path, once each; to all of its sockets where no rooms are
   * given. Whether anybody is there is not known.
   *
   * @throws TypeError for a path or a room that cannot be, and for data that cannot travel
   */
  emit(path: string, rooms: readonly string[] | undefined, event: AnyEvent, args: readonly unknown[]): void
  /** Resolves when what was sent is the broker's, or was given up. Never rejects. */
  settled?(): Promise<void>
}

/**
 * The sockets of a gateway, or those in some of its rooms, on all nodes, seen from a process that may have none of them.
 * Immutable: every step makes a new one.
 *
 * @example
 * ```ts no-run
 * import { createPublisher, memory } from 'partyline'
 *
 * const publisher = createPublisher({ broker: memory() })
 * publisher.to('/chat').room('lobby').emit('announcement', 'The lobby closes at ten.')
 * ```
 */
export class GatewayAudience {
  readonly #sender: RoomSender
  readonly #path: string
  readonly #rooms: readonly string[] | undefined

  constructor(sender: RoomSender, path: string, rooms?: readonly string[]) {
    this.#sender = sender
    this.#path = path
    this.#rooms = rooms
  }

  /** Those in any of these rooms, and of the rooms named before. */
  room(...names: string[]): GatewayAudience {
    return new GatewayAudience(this.#sender, this.#path, [...(this.#rooms ?? []), ...names])
  }

  /** Sends an event to all of them, once each. Returns at once, and never throws because of who is away. */
  emit<E extends AnyEvent>(event: E, ...args: EmitArgs<E>): void {
    this.#sender.emit(this.#path, this.#rooms, event, args as readonly unknown[])
  }
}
