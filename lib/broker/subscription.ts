import type { BrokerCounters } from './broker.ts'
import type { Subscriber, Subscription } from './messages.ts'

/** What a subscription needs of its broker. */
export interface SubscriptionSource {
  node: string
  counters: BrokerCounters
  /** A subscriber threw. */
  failed(error: unknown): void
}

/**
 * One subscription to a channel. Brokers share it: they say when the channel is listened to (`listening`), and what arrives on it
 * (`heard`).
 */
export class MessageSubscription implements Subscription {
  readonly ready: Promise<void>
  readonly #source: SubscriptionSource
  readonly #subscriber: Subscriber
  readonly #end: () => void
  #isReady!: () => void
  #isClosed = false

  constructor(source: SubscriptionSource, subscriber: Subscriber, end: () => void) {
    this.#source = source
    this.#subscriber = subscriber
    this.#end = end
    this.ready = new Promise((resolve) => {
      this.#isReady = resolve
    })
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#isReady()
    this.#end()
  }

  /** The channel is listened to from now on; `isAgain` where that was interrupted. */
  listening(isAgain: boolean): void {
    if (this.#isClosed) return
    this.#isReady()
    if (!isAgain) return
    this.#source.counters.gaps++
    this.#tell(() => this.#subscriber.gap?.())
  }

  /** A message arrived; this node's own are left out. */
  heard(bytes: Uint8Array, from: string | undefined): void {
    if (this.#isClosed || from === this.#source.node) return
    this.#source.counters.received++
    this.#tell(() => this.#subscriber.message(bytes, from))
  }

  #tell(call: () => void): void {
    try {
      call()
    } catch (error) {
      this.#source.failed(error)
    }
  }
}
