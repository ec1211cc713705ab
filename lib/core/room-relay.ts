import type { Broker } from '../broker/broker.ts'
import type { Subscription } from '../broker/messages.ts'
import type { Clock } from '../protocol/clock.ts'
import type { Codec } from '../protocol/codec.ts'
import { inTime } from './deadline.ts'
import { isDialects } from './dialect.ts'
import { type Outgoing, packed, type Relay, unpacked } from './relay.ts'

/** Half a character. */
const LONE = /\p{Surrogate}/u

/** How long a subscription is waited for, in milliseconds: one that the broker refuses never comes. */
const PATIENCE = 5_000

/** What a relay needs of its gateway. */
export interface RoomRelayParts {
  readonly broker: Broker
  readonly clock: Clock
  /** The gateway's path. */
  readonly path: string
  readonly codecs: readonly Codec[]
  /** Delivers to those who are here. */
  deliver(outgoing: Outgoing): void
  /** The broker is there and did not take a broadcast of so many bytes. */
  dropped(bytes: number): void
  /** Something that was no broadcast came. */
  garbage(from: string | undefined): void
}

/**
 * Takes the broadcasts of a gateway without recovery to the other nodes, at once and at most once. Each room has a channel,
 * which a node listens to as long as somebody in it is there; what is for everybody, or for several rooms, has the gateway's.
 */
export class RoomRelay implements Relay {
  readonly isOrdered = false
  readonly #parts: RoomRelayParts
  /** What each codec is called between nodes. */
  readonly #names: readonly string[]
  readonly #subscriptions = new Map<string | undefined, Subscription>()
  /** Of those that are not in force yet. */
  readonly #pending = new Set<Promise<void>>()

  constructor(parts: RoomRelayParts) {
    this.#parts = parts
    this.#names = parts.codecs.map(nameOf)
  }

  publish(outgoing: Outgoing): void {
    const { rooms } = outgoing
    if (rooms?.length === 0) return
    const bytes = packed(outgoing, this.#names)
    const { counters, messages, state } = this.#parts.broker
    const before = counters.dropped
    messages.publish(this.#channel(rooms?.length === 1 ? rooms[0] : undefined), bytes)
    // While it is away that is known already.
    if (counters.dropped > before && state === 'ready') this.#parts.dropped(bytes.length)
  }

  occupied(room: string | undefined): void {
    const subscription = this.#parts.broker.messages.subscribe(this.#channel(room), {
      message: (bytes, from) => this.#receive(bytes, from),
    })
    this.#subscriptions.set(room, subscription)
    const { ready } = subscription
    this.#pending.add(ready)
    void ready.then(() => this.#pending.delete(ready))
  }

  vacated(room: string | undefined): void {
    this.#subscriptions.get(room)?.close()
    this.#subscriptions.delete(room)
  }

  async settled(): Promise<void> {
    const { broker, clock } = this.#parts
    if (this.#pending.size === 0 || broker.state === 'away') return
    await inTime(Promise.all([...this.#pending]), clock, PATIENCE)
  }

  #receive(bytes: Uint8Array, from: string | undefined): void {
    const outgoing = unpacked(bytes, this.#names)
    if (outgoing === undefined) this.#parts.garbage(from)
    else this.#parts.deliver(outgoing)
  }

  #channel(room: string | undefined): string {
    const { path } = this.#parts
    if (room === undefined) return `gateway:${path}`
    // What is no well-formed text would be one with all others that are not. No path has a # in it.
    return LONE.test(room) ? `odd-room:${path}#${JSON.stringify(room)}` : `room:${path}#${room}`
  }
}

/** Frames of JSON and MessagePack are told apart by their subprotocols; a raw gateway has one codec, without any. */
export function nameOf(codec: Codec): string {
  return isDialects(codec) ? codec.name : (codec.subprotocol ?? 'raw')
}
