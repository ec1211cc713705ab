import type { Payload } from '../protocol/codec.ts'
import { misplaced, type NamedFrame } from '../protocol/named.ts'
import type { Session } from './session.ts'
import { Subscriptions } from './subscriptions.ts'
import { Watches } from './watches.ts'

/**
 * What one session asks of channels and of presence: each in its turn among the events. All of it ends with the session's line; a
 * client that is back asks again.
 */
export class Subscriber {
  readonly #session: Session
  readonly #subscriptions: Subscriptions | undefined
  readonly #watches: Watches | undefined

  /** `greets` is whether the client chose a subprotocol, and so gets frames. */
  constructor(session: Session, greets: boolean) {
    const { channels, presence } = session.route
    this.#session = session
    this.#subscriptions = channels && new Subscriptions(session, channels, greets)
    this.#watches = presence && new Watches(session, presence)
  }

  /** There is a line: what the url asks for begins. */
  begin(): void {
    // It may be closed again, by what was called or sent as it began.
    if (this.#session.isOpen) this.#subscriptions?.begin()
  }

  /** There is no line any more. */
  end(): void {
    this.#subscriptions?.end()
    this.#watches?.end()
  }

  /** The session has left a room on purpose. */
  left(room: string): void {
    this.#watches?.left(room)
  }

  /** Whether what a client without a subprotocol sends is to be published as it is, as its url says. */
  get takesBare(): boolean {
    return this.#subscriptions?.takesBare === true
  }

  /** Publishes a bare message to all channels that the url names. It never throws. */
  publishBare(message: Payload): void {
    const chore = this.#subscriptions?.bare(message)
    if (chore !== undefined) this.#session.dispatch.arrive(chore, message.length)
  }

  /** Takes a frame of the client's. Throws MALFORMED_FRAME for one that this gateway has nothing to do with. */
  receive(frame: NamedFrame, size: number): void {
    const chore = this.#subscriptions?.choreFor(frame) ?? this.#watches?.choreFor(frame)
    if (chore === undefined) throw misplaced(frame)
    this.#session.dispatch.arrive(chore, size)
  }
}
