import type { Entry, Following, Gap } from '../broker/streams.ts'
import { Arrival, type Happening } from './arrival.ts'
import { kinds, readTag } from './content.ts'
import type { ChannelHubParts } from './hub.ts'
import { messageOf } from './kept.ts'
import type { Listener } from './listener.ts'
import { ChannelMessage } from './message.ts'
import { type Channel, keyOf } from './names.ts'

/** How long to wait before what is kept is read again, after it could not be, in milliseconds. */
const PAUSE = 500

/** How many of what is kept are read at a time. */
const PAGE = 100

/** One channel that is followed, and all who listen to it here. */
export class Feed {
  readonly #channel: Channel
  readonly #parts: ChannelHubParts
  readonly #following: Following
  /** Those who hear what comes. */
  readonly #live = new Set<Listener>()
  /** Those who are being told what is kept. */
  readonly #arriving = new Set<Arrival>()
  /** Those who will be, by their terms. */
  #waiting = new Map<string, Arrival>()
  readonly #arrivals = new Map<Listener, Arrival>()
  #isReceiving = false
  #pausing: { promise: Promise<void>; end(): void } | undefined

  constructor(channel: Channel, parts: ChannelHubParts) {
    this.#channel = channel
    this.#parts = parts
    this.#following = parts.broker.streams.follow(
      keyOf(channel),
      {
        entry: (entry) => this.#entry(entry),
        gap: (gap) => this.#gap(gap),
        message: (bytes, from) => this.#message(bytes, from),
      },
      { open: true },
    )
  }

  get size(): number {
    return this.#live.size + this.#arrivals.size
  }

  add(listener: Listener, after: number | undefined, history: number): void {
    listener.position = after ?? 0
    const terms = after === undefined ? `last ${history}` : `after ${after}`
    const arrival = this.#waiting.get(terms) ?? this.#arrival(after, history)
    this.#waiting.set(terms, arrival)
    arrival.listeners.add(listener)
    this.#arrivals.set(listener, arrival)
    if (!this.#isReceiving) void this.#receive()
  }

  remove(listener: Listener): void {
    this.#live.delete(listener)
    this.#arrivals.get(listener)?.listeners.delete(listener)
    this.#arrivals.delete(listener)
  }

  close(): void {
    this.#following.close()
    this.#pausing?.end()
    for (const one of [...this.#live, ...this.#arrivals.keys()]) {
      this.remove(one)
      one.close()
    }
  }

  /** A message of this node's that is not kept: the broker brings it to the others only. */
  own(message: ChannelMessage, except: Listener | undefined): void {
    this.#happened({
      size: message.bytes.length,
      tell: (one) => one !== except && one.tell(message),
    })
  }

  /**
   * Tells those who came what is kept: all who have the same terms at once, and those who come meanwhile after them. So it is
   * read seldom, however many come. It does not throw.
   */
  async #receive(): Promise<void> {
    this.#isReceiving = true
    // Only when everything from now on is heard can it be read without missing anything.
    await this.#following.ready
    while (this.#waiting.size > 0) {
      const arrivals = [...this.#waiting.values()]
      this.#waiting = new Map()
      for (const one of arrivals) this.#arriving.add(one)
      await Promise.all(arrivals.map((one) => one.run(() => this.#settle(one))))
    }
    this.#isReceiving = false
  }

  #settle(arrival: Arrival): void {
    this.#arriving.delete(arrival)
    for (const one of arrival.listeners) {
      this.#arrivals.delete(one)
      this.#live.add(one)
      one.arrived()
    }
  }

  #arrival(after: number | undefined, history: number): Arrival {
    const { broker, clock } = this.#parts
    const key = keyOf(this.#channel)
    return new Arrival(
      {
        channel: this.#channel,
        node: broker.node,
        now: () => clock.now(),
        read: (options) => broker.streams.read(key, { limit: PAGE, ...options, open: true }),
        pause: () => this.#pause(),
      },
      after,
      history,
    )
  }

  /** One for all who wait. */
  #pause(): Promise<void> {
    this.#pausing ??= this.#newPause()
    return this.#pausing.promise
  }

  #newPause(): { promise: Promise<void>; end(): void } {
    const { clock } = this.#parts
    let end = (): void => {}
    const promise = new Promise<void>((resolve) => {
      const timer = clock.setTimeout(() => end(), PAUSE)
      end = () => {
        clock.clearTimeout(timer)
        this.#pausing = undefined
        resolve()
      }
    })
    return { promise, end }
  }

  #entry(entry: Entry): void {
    const message = messageOf(this.#channel, entry)
    const { position } = entry
    const number = entry.from === this.#parts.broker.node ? readTag(entry.tag).number : 0
    this.#happened({
      size: message.bytes.length,
      tell: (one) => one.entry(message, position, number),
    })
  }

  #gap(gap: Gap): void {
    this.#happened({ size: 0, tell: (one) => one.lost(gap) })
  }

  #message(bytes: Uint8Array, from: string | undefined): void {
    if (from === undefined) {
      const message = new ChannelMessage(this.#channel, { bytes, kind: 'unknown' }, undefined)
      const tell = (one: Listener): void => one.overheard(message, this.#parts.clock.now())
      return this.#happened({ size: bytes.length, foreign: bytes, tell })
    }
    const kind = kinds[bytes[0] ?? kinds.length]
    // Of a version to come.
    if (kind === undefined) return
    const message = new ChannelMessage(this.#channel, { bytes: bytes.subarray(1), kind }, undefined)
    this.#happened({ size: bytes.length, tell: (one) => one.tell(message) })
  }

  #happened(happening: Happening): void {
    // Also for those who are not being told yet: what was not kept is not to be had later.
    for (const one of this.#waiting.values()) one.hold(happening)
    for (const one of this.#arriving) one.hold(happening)
    for (const one of this.#live) happening.tell(one)
  }
}
