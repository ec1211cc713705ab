import type { Broker } from '../broker/broker.ts'
import type { Subscription } from '../broker/messages.ts'
import { packRoomMessage, unpackRoomMessage } from '../nodes/room-message.ts'
import type { Clock } from '../protocol/clock.ts'
import type { Codec, Payload } from '../protocol/codec.ts'
import { isDialects } from './dialect.ts'
import type { Outgoing, Relay } from './relay.ts'

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

  publish({ rooms, exceptIds, exceptRooms, payloads }: Outgoing): void {
    if (rooms?.length === 0) return
    const byName = new Map<string, Payload>()
    for (const [i, payload] of payloads.entries())
      if (payload !== undefined) byName.set(this.#names[i] as string, payload)
    const bytes = packRoomMessage({ rooms, exceptIds, exceptRooms, payloads: byName })
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
    let timer: unknown
    const late = new Promise<void>((resolve) => {
      timer = clock.setTimeout(resolve, PATIENCE)
    })
    await Promise.race([Promise.all([...this.#pending]), late])
    clock.clearTimeout(timer)
  }

  #receive(bytes: Uint8Array, from: string | undefined): void {
    const message = unpackRoomMessage(bytes)
    if (message === undefined) return this.#parts.garbage(from)
    const { rooms, exceptIds, exceptRooms, payloads } = message
    const own = this.#names.map((name) => payloads.get(name))
    this.#parts.deliver({ rooms, exceptIds, exceptRooms, payloads: own })
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
