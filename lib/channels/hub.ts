import type { Broker } from '../broker/broker.ts'
import type { Clock } from '../protocol/clock.ts'
import { type Content, kinds, tagOf } from './content.ts'
import { Feed } from './feed.ts'
import { retainedOf } from './kept.ts'
import { type ChannelSubscriber, Listener } from './listener.ts'
import { ChannelMessage } from './message.ts'
import { type Channel, keyOf } from './names.ts'

export interface ChannelHubParts {
  readonly broker: Broker
  readonly clock: Clock
  /** A subscriber threw. */
  failed(error: unknown): void
}

/** How to begin with a channel. */
export interface SubscribeOptions {
  /** The last position that the subscriber knows: it gets all that is still kept after it. */
  after?: number
  /** Without `after`: how many of what is kept it gets, the newest; 0 for none. Default 1. */
  history?: number
}

/** That somebody listens to a channel. */
export interface ChannelSubscription {
  readonly channel: Channel
  /** Resolves when what is kept was told, and all that comes will be. Never rejects; while the broker is away, it waits. */
  readonly ready: Promise<void>
  /** Up to where everything was told; from there on it can be asked again. Once it is ready. */
  readonly position: number
  /** Ends it; nothing is told afterwards. */
  close(): void
}

/** How something is published. */
export interface SendOptions {
  /** How many messages of the channel are kept at least, this one included. */
  readonly history: number
  /** For how long this one is kept, in milliseconds; 0 for not at all. */
  readonly expiry: number
  /** Who is not to hear it, if it is a subscription to the same channel. */
  readonly except?: ChannelSubscription | undefined
}

/** Below this are the numbers in tags. */
const NUMBERS = 2 ** 30

/**
 * The channels that this node listens to, each followed once for all who listen. Who comes is told what is kept, each message
 * once, and then what is new: all of it, or of what is missing that it is.
 */
export class ChannelHub {
  readonly #parts: ChannelHubParts
  readonly #feeds = new Map<string, Feed>()
  readonly #subscriptions = new WeakMap<ChannelSubscription, { key: string; listener: Listener }>()
  #last = 0

  constructor(parts: ChannelHubParts) {
    this.#parts = parts
  }

  /** How many channels are followed, and how many subscriptions there are to them. */
  get stats(): { channels: number; subscribers: number } {
    let subscribers = 0
    for (const { size } of this.#feeds.values()) subscribers += size
    return { channels: this.#feeds.size, subscribers }
  }

  /** Listens to a channel. The subscriber is never called from within this. */
  subscribe(
    channel: Channel,
    subscriber: ChannelSubscriber,
    { after, history = 1 }: SubscribeOptions = {},
  ): ChannelSubscription {
    const key = keyOf(channel)
    const feed = this.#feeds.get(key) ?? new Feed(channel, this.#parts)
    this.#feeds.set(key, feed)
    const listener = new Listener(subscriber, this.#parts.failed)
    feed.add(listener, after, history)
    const subscription = {
      channel,
      ready: listener.ready,
      get position() {
        return listener.position
      },
      close: () => this.#close(key, feed, listener),
    }
    this.#subscriptions.set(subscription, { key, listener })
    return subscription
  }

  /**
   * Publishes to a channel. What is kept is heard in one order by all; resolves with its position, and rejects with a
   * `BrokerError` where it is not in, or nobody knows. What is not kept is heard at most once, and resolves with nothing. What is
   * sent in one turn leaves together.
   */
  send(
    channel: Channel,
    content: Content,
    { history, expiry, except }: SendOptions,
  ): Promise<number | undefined> {
    const { broker } = this.#parts
    const key = keyOf(channel)
    const found = except && this.#subscriptions.get(except)
    const silent = found?.key === key && !found.listener.isClosed ? found.listener : undefined
    if (expiry === 0) {
      this.#sendUnkept(channel, content, silent)
      return Promise.resolve(undefined)
    }
    const number = silent === undefined ? 0 : this.#next()
    silent?.ignore(number)
    const tag = tagOf(content.kind, number)
    const sent = broker.streams.append(key, content.bytes, { open: true, limit: history, ttl: expiry, tag })
    sent.catch(({ code }) => {
      // Where nobody knows, it may still turn up.
      if (code !== 'UNKNOWN') silent?.forget(number)
    })
    return sent
  }

  /** The retained message of a channel: its newest, as long as it is kept. Rejects with a `BrokerError`. */
  async retained(channel: Channel): Promise<ChannelMessage | undefined> {
    const slice = await this.#parts.broker.streams.read(keyOf(channel), { open: true, limit: 1 })
    return retainedOf(channel, slice)
  }

  /** Takes out all that is kept of a channel; resolves with whether there was anything. Rejects with a `BrokerError`. */
  clear(channel: Channel): Promise<boolean> {
    return this.#parts.broker.streams.clear(keyOf(channel), { open: true })
  }

  /** Ends all subscriptions. */
  stop(): void {
    for (const feed of this.#feeds.values()) feed.close()
    this.#feeds.clear()
  }

  #close(key: string, feed: Feed, listener: Listener): void {
    feed.remove(listener)
    listener.close()
    if (feed.size > 0 || this.#feeds.get(key) !== feed) return
    this.#feeds.delete(key)
    feed.close()
  }

  #sendUnkept(channel: Channel, { bytes, kind }: Content, except: Listener | undefined): void {
    const key = keyOf(channel)
    const marked = new Uint8Array(1 + bytes.length)
    marked[0] = kinds.indexOf(kind)
    marked.set(bytes, 1)
    this.#parts.broker.messages.publish(key, marked, { open: true })
    const message = new ChannelMessage(channel, { bytes: marked.subarray(1), kind }, undefined)
    queueMicrotask(() => this.#feeds.get(key)?.own(message, except))
  }

  #next(): number {
    this.#last = (this.#last % (NUMBERS - 1)) + 1
    return this.#last
  }
}
