import type { Buffer } from 'node:buffer'
import type { BrokerCounters } from '../broker/broker.ts'
import type { LateHost } from '../broker/host.ts'
import type { ChannelOptions, Messages, Subscriber, Subscription } from '../broker/messages.ts'
import { MessageSubscription } from '../broker/subscription.ts'
import type { Channels } from './channels.ts'
import { openingOf, sealMessage } from './envelope.ts'
import type { Names } from './names.ts'
import type { Terms } from './options.ts'
import type { Topology } from './topology.ts'

/** A message that waits for a connection. */
interface Unsent {
  channel: string
  isOpen: boolean
  sealed: Buffer
  since: number
}

/** How much may wait for a connection, in bytes: what is said while there is none is soon no news any more. */
const BACKLOG = 1 << 20

/** What tells of what kind a channel's message is comes before it, in one byte: it is no part of what may be so large. */
const MARK = 1

/** What is needed to send and hear messages. */
export interface MessagesParts {
  host: LateHost
  node: Buffer
  /** The same, as others write it. */
  own: string
  terms: Terms
  names: Names
  topology: Topology
  channels: Channels
  counters: BrokerCounters
}

/** Messages by Redis's publish and subscribe. */
export class RedisMessages implements Messages {
  readonly #parts: MessagesParts
  readonly #opening: Buffer
  readonly #subscriptions = new Set<Subscription>()
  #unsent: Unsent[] = []
  #unsentBytes = 0
  #isStopped = false

  constructor(parts: MessagesParts) {
    this.#parts = parts
    this.#opening = openingOf(parts.node)
  }

  publish(name: string, bytes: Uint8Array, { open: isOpen = false }: ChannelOptions = {}): void {
    const { counters, names, terms } = this.#parts
    if (bytes.length > terms.maxPayload + (isOpen ? MARK : 0) || this.#isStopped) {
      counters.dropped++
      return
    }
    const channel = isOpen ? names.open(name) : names.channel(name)
    const sealed = sealMessage(this.#opening, bytes)
    if (this.#unsent.length > 0 || !this.#sendNow(channel, isOpen, sealed))
      this.#keep(channel, isOpen, sealed)
  }

  subscribe(name: string, subscriber: Subscriber, { open = false }: ChannelOptions = {}): Subscription {
    const { channels, counters, host, names, own } = this.#parts
    const subscription: MessageSubscription = new MessageSubscription(
      { node: own, counters, failed: host.failed },
      subscriber,
      () => {
        this.#subscriptions.delete(subscription)
        end()
      },
    )
    this.#subscriptions.add(subscription)
    const end = channels.listen(open ? names.open(name) : names.channel(name), open, {
      listening: (isAgain) => subscription.listening(isAgain),
      heard: (envelope) => {
        const { kind } = envelope
        if (kind === 'foreign') subscription.heard(envelope.bytes, undefined)
        else if (kind === 'message' || kind === 'entry') subscription.heard(envelope.bytes, envelope.from)
      },
    })
    return subscription
  }

  /** Something has changed: what waits is sent as far as it can be, in its order. */
  flush(): void {
    if (this.#unsent.length === 0) return
    this.#forgetStale()
    const waiting = this.#unsent
    this.#unsent = []
    this.#unsentBytes = 0
    for (const one of waiting)
      if (!this.#sendNow(one.channel, one.isOpen, one.sealed)) {
        this.#unsent.push(one)
        this.#unsentBytes += one.sealed.length
      }
  }

  stop(): void {
    this.#isStopped = true
    this.#parts.counters.dropped += this.#unsent.length
    this.#unsent = []
    for (const subscription of [...this.#subscriptions]) subscription.close()
  }

  /** Returns false where there is no connection. */
  #sendNow(channel: string, isOpen: boolean, sealed: Buffer): boolean {
    const { counters, topology } = this.#parts
    const server = topology.serverFor(channel)
    if (!server?.commands.isUp) return false
    const command = server.isSharded && !isOpen ? 'SPUBLISH' : 'PUBLISH'
    // What is too much for a connection is too much without one.
    if (server.commands.post([command, channel, sealed], sealed.length, this.#failed)) counters.published++
    else counters.dropped++
    return true
  }

  readonly #failed = (error: Error): void => {
    const { counters, topology } = this.#parts
    counters.failed++
    // It is not sent again: later ones may have arrived before it by then.
    if (error.message.startsWith('MOVED')) topology.moved(error.message)
  }

  #keep(channel: string, isOpen: boolean, sealed: Buffer): void {
    const { counters, terms } = this.#parts
    this.#forgetStale()
    if (this.#isStopped || this.#unsentBytes + sealed.length > BACKLOG) {
      counters.dropped++
      return
    }
    this.#unsent.push({ channel, isOpen, sealed, since: terms.clock.now() })
    this.#unsentBytes += sealed.length
  }

  /** Gives up what has waited for longer than there is patience. */
  #forgetStale(): void {
    const { counters, terms } = this.#parts
    const before = terms.clock.now() - terms.patience
    const index = this.#unsent.findIndex(({ since }) => since > before)
    const stale = this.#unsent.splice(0, index < 0 ? this.#unsent.length : index)
    for (const { sealed } of stale) this.#unsentBytes -= sealed.length
    counters.dropped += stale.length
  }
}
