import { type Broker, type BrokerCounters, type BrokerHost, type BrokerState, zeroed } from './broker.ts'
import { LateHost } from './host.ts'
import { Listeners } from './listeners.ts'
import { Membership } from './membership.ts'
import { MemoryHub } from './memory-hub.ts'
import { MemoryLink } from './memory-link.ts'
import { MemoryMessages } from './memory-messages.ts'
import { MemoryRosters } from './memory-rosters.ts'
import { MemoryRecords, MemoryValues } from './memory-shelves.ts'
import { MemoryStreams } from './memory-streams.ts'
import { newNode } from './node.ts'

export interface MemoryOptions {
  /** What it shares with other brokers in the same process. Default: one of its own, so that there is one node. */
  hub?: MemoryHub
  /** How long the lease of a node is, in milliseconds. Default 15,000. */
  lease?: number
}

/**
 * A broker in the memory of this process: the default, for an app on one node. With a hub in common, several apps of one process are
 * the nodes of one: for tests.
 *
 * @example
 * ```ts
 * import { createApp, Gateway, MemoryHub, memory } from 'partyline'
 *
 * @Gateway('/game')
 * class Game {}
 *
 * const hub = new MemoryHub()
 * const nodes = [1, 2].map(() => createApp(Game, { broker: memory({ hub }) }))
 * console.assert(nodes.length === 2)
 * ```
 */
export function memory(options: MemoryOptions = {}): MemoryBroker {
  return new MemoryBroker(options)
}

export class MemoryBroker implements Broker {
  readonly node: string = newNode()
  readonly counters: BrokerCounters = zeroed()
  readonly messages: MemoryMessages
  readonly streams: MemoryStreams
  readonly values: MemoryValues
  readonly records: MemoryRecords
  readonly nodes: Membership
  readonly rosters: MemoryRosters
  readonly #host = new LateHost()
  readonly #hub: MemoryHub
  readonly #link: MemoryLink
  readonly #states = new Listeners<BrokerState>(this.#host.failed)
  #isStopped = false

  constructor({ hub = new MemoryHub(), lease = 15_000 }: MemoryOptions) {
    const link = new MemoryLink(this.node, hub, this.#host, this.counters)
    this.#hub = hub
    this.#link = link
    this.nodes = new Membership({
      node: this.node,
      lease,
      clock: this.#host.clock,
      beat: () => link.ask((hub, now) => hub.beat(this.node, now, lease)),
      failed: this.#host.failed,
    })
    this.messages = new MemoryMessages(link)
    this.streams = new MemoryStreams(link)
    this.values = new MemoryValues(link)
    this.records = new MemoryRecords(link)
    this.rosters = new MemoryRosters(link, this.nodes)
    link.listen('nodes', {
      listening() {},
      heard: (message) => {
        if (message.kind === 'hello') this.nodes.seen(message.from)
        if (message.kind === 'bye') this.nodes.gone(message.from)
      },
    })
  }

  get state(): BrokerState {
    return this.#link.isOpen ? 'ready' : 'away'
  }

  start(host: BrokerHost): void {
    this.#host.start(host)
    this.mend()
  }

  onState(listener: (state: BrokerState) => void): () => void {
    return this.#states.add(listener)
  }

  /** For tests: takes the hub out of its reach, as a broken network would. */
  cut(): void {
    if (!this.#link.isOpen) return
    this.#link.cut()
    this.counters.lost++
    this.#states.tell('away')
  }

  /** Ends that. */
  mend(): void {
    if (this.#link.isOpen || this.#isStopped) return
    this.#link.open()
    this.rosters.restore()
    void this.nodes.refresh()
    this.#hub.send('nodes', { kind: 'hello', from: this.node })
    this.#states.tell('ready')
  }

  async stop(): Promise<void> {
    if (this.#isStopped) return
    this.#isStopped = true
    this.nodes.stop()
    if (this.#link.isOpen) {
      this.#hub.forget(this.node)
      this.#hub.send('nodes', { kind: 'bye', from: this.node })
      this.#states.tell('away')
    }
    this.rosters.stop()
    this.streams.stop()
    this.messages.stop()
    this.#link.stop()
  }
}
