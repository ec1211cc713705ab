import type { Broker } from '../../lib/broker/broker.ts'
import type { Gap } from '../../lib/broker/streams.ts'
import { ChannelHub, type ChannelSubscription, type SubscribeOptions } from '../../lib/channels/hub.ts'
import type { ChannelSubscriber } from '../../lib/channels/listener.ts'
import type { ChannelMessage } from '../../lib/channels/message.ts'
import { type Channel, channel } from '../../lib/channels/names.ts'
import { Publisher } from '../../lib/channels/publisher.ts'
import { systemClock } from '../../lib/protocol/clock.ts'

/** Brokers that reach each other, and what other programs can do to what is between them. */
export interface World {
  /** A new node, whose broker is started and ready. */
  join(): Promise<Broker>
  cut(broker: Broker): void
  mend(broker: Broker): void
  /** What other programs do. */
  publish(name: string, bytes: Uint8Array): Promise<void>
  get(name: string): Promise<Uint8Array | undefined>
  set(name: string, bytes: Uint8Array): Promise<void>
  delete(name: string): Promise<void>
  /** What is listened to. */
  channels(): Promise<readonly string[]>
  /** Ends everything. */
  close(): Promise<void>
}

/** Notes what a subscriber is told, in words: a message's text, `lost` for a gap. */
export class Notes implements ChannelSubscriber {
  readonly told: string[] = []
  readonly messages: ChannelMessage[] = []
  readonly gaps: Gap[] = []

  message(message: ChannelMessage): void {
    this.messages.push(message)
    this.told.push(message.text ?? `${message.bytes.length} bytes`)
  }

  lost(gap: Gap): void {
    this.gaps.push(gap)
    this.told.push('lost')
  }

  get positions(): (number | undefined)[] {
    return this.messages.map(({ position }) => position)
  }
}

/** One node: a broker, a hub on it, and a publisher. */
export class Node {
  readonly broker: Broker
  readonly hub: ChannelHub
  readonly publisher: Publisher
  readonly failures: unknown[] = []
  /** How often what is kept was read. */
  reads = 0

  constructor(broker: Broker, clock = systemClock) {
    this.broker = broker
    const { streams } = broker
    const read = streams.read.bind(streams)
    streams.read = (...args) => {
      this.reads++
      return read(...args)
    }
    this.hub = new ChannelHub({ broker, clock, failed: (error) => this.failures.push(error) })
    this.publisher = new Publisher({ hub: this.hub })
  }

  subscribe(to: Channel, options?: SubscribeOptions): Notes & { subscription: ChannelSubscription } {
    const notes = new Notes()
    return Object.assign(notes, { subscription: this.hub.subscribe(to, notes, options) })
  }

  async stop(): Promise<void> {
    this.hub.stop()
    await this.broker.stop()
  }
}

let facilities = 0

/** The broadcast channel of a facility that no other test uses. */
export function newChannel(): Channel & { key: string } {
  const facility = `fac${++facilities}`
  return { ...channel(facility, 'broadcast'), key: `broadcast:${facility}` }
}
