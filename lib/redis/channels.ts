import type { Buffer } from 'node:buffer'
import type { BrokerCounters } from '../broker/broker.ts'
import { type Envelope, isFrom, openEnvelope } from './envelope.ts'
import type { Terms } from './options.ts'
import type { Server } from './server.ts'
import { slotOf } from './slot.ts'
import type { Wanted } from './subscriber.ts'
import type { Topology } from './topology.ts'
import type { Trouble } from './trouble.ts'

/** What listens to one channel. */
export interface Ear {
  /** It is listened from now on; `isAgain` where that was interrupted. */
  listening(isAgain: boolean): void
  /** What nodes or, on an open channel, other programs sent. Own messages are left out. */
  heard(envelope: Heard): void
}

/** What is left of an envelope when all that is garbage is out. */
export type Heard = Exclude<Envelope, { kind: 'garbage' }>

/** A channel, for as long as somebody here listens to it. */
interface Channel extends Wanted {
  readonly slot: number
  /** Never changed, but replaced, so that who is called may listen and cease as it likes. */
  ears: readonly Ear[]
  /** Those that have been told that they are listening, before it was interrupted. */
  readonly interrupted: Set<Ear>
  server: Server | undefined
  isOn: boolean
}

/** All that this node listens to. Each channel is subscribed to once, at the server that has its slot. */
export class Channels {
  readonly #node: Buffer
  readonly #terms: Terms
  readonly #topology: Topology
  readonly #counters: BrokerCounters
  readonly #trouble: Trouble
  readonly #channels = new Map<string, Channel>()

  constructor(node: Buffer, terms: Terms, topology: Topology, counters: BrokerCounters, trouble: Trouble) {
    this.#node = node
    this.#terms = terms
    this.#topology = topology
    this.#counters = counters
    this.#trouble = trouble
  }

  /** Listens to a channel; what it returns ends that. */
  listen(name: string, isOpen: boolean, ear: Ear): () => void {
    const channel = this.#channels.get(name) ?? this.#add(name, isOpen)
    channel.ears = [...channel.ears, ear]
    // The others have been told already.
    if (channel.isOn) queueMicrotask(() => channel.isOn && channel.ears.includes(ear) && ear.listening(false))
    return () => {
      channel.ears = channel.ears.filter((one) => one !== ear)
      channel.interrupted.delete(ear)
      if (channel.ears.length > 0 || this.#channels.get(name) !== channel) return
      this.#channels.delete(name)
      channel.server?.subscriber.unwant(channel)
    }
  }

  /** Slots may have moved: each channel is listened to where it is now. */
  rebalance(): void {
    for (const channel of this.#channels.values()) {
      const server = this.#topology.serverOf(channel.slot)
      if (server === undefined || server === channel.server) continue
      channel.server?.subscriber.unwant(channel)
      if (channel.isOn) this.off(channel)
      channel.server = server
      server.subscriber.want(channel)
    }
  }

  /** A subscription is in force. */
  on(wanted: Wanted): void {
    const channel = this.#channels.get(wanted.name)
    if (channel !== wanted || channel.isOn) return
    channel.isOn = true
    if (channel.interrupted.size > 0) this.#counters.resubscribed++
    for (const ear of channel.ears) ear.listening(channel.interrupted.delete(ear))
  }

  /** A subscription was lost. */
  off(wanted: Wanted): void {
    const channel = this.#channels.get(wanted.name)
    if (channel !== wanted) return
    if (channel.isOn) for (const ear of channel.ears) channel.interrupted.add(ear)
    channel.isOn = false
  }

  /** A message came on a channel. */
  message(name: string, bytes: Buffer): void {
    const channel = this.#channels.get(name)
    if (channel === undefined || isFrom(bytes, this.#node)) return
    if (bytes.length > this.#terms.maxPayload + OVERHEAD) {
      this.#counters.oversized++
      this.#trouble.once(
        'oversized',
        { channel: name, bytes: bytes.length },
        'a message was too large, and skipped',
      )
      return
    }
    const envelope = openEnvelope(bytes)
    if (envelope.kind === 'garbage' || (envelope.kind === 'foreign' && !channel.isOpen)) {
      this.#counters.garbage++
      const version = 'version' in envelope ? envelope.version : undefined
      this.#trouble.once(
        `garbage ${version}`,
        { channel: name, bytes: bytes.length, version },
        'a message was not understood, and skipped: is there a node of another version, or another program on this channel?',
      )
      return
    }
    for (const ear of channel.ears) ear.heard(envelope)
  }

  /** Forgets all of it. */
  stop(): void {
    this.#channels.clear()
  }

  #add(name: string, isOpen: boolean): Channel {
    const channel: Channel = {
      name,
      isOpen,
      slot: slotOf(name),
      ears: [],
      interrupted: new Set(),
      server: undefined,
      isOn: false,
    }
    this.#channels.set(name, channel)
    const server = this.#topology.serverOf(channel.slot)
    channel.server = server
    server?.subscriber.want(channel)
    return channel
  }
}

/** What an envelope takes at most, beside the bytes that are in it: a change has the name of a member too. */
const OVERHEAD = 70_000
