import type { BrokerCounters } from './broker.ts'
import { BrokerError, unattended } from './error.ts'
import type { LateHost } from './host.ts'
import type { HubMessage, HubNode, MemoryHub } from './memory-hub.ts'

/** What listens to one channel of a hub. */
export interface Ear {
  /** It is listened from now on; called again whenever that was interrupted. */
  listening(isAgain: boolean): void
  heard(message: HubMessage): void
}

/** Between one broker in memory and the hub; what can be cut. */
export class MemoryLink implements HubNode {
  readonly node: string
  readonly hub: MemoryHub
  readonly host: LateHost
  readonly counters: BrokerCounters
  /** By channel; of each whether it was told that it is listened. */
  readonly #ears = new Map<string, Map<Ear, boolean>>()
  #isOpen = false
  #isStopped = false

  constructor(node: string, hub: MemoryHub, host: LateHost, counters: BrokerCounters) {
    this.node = node
    this.hub = hub
    this.host = host
    this.counters = counters
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  get channels(): readonly string[] {
    return [...this.#ears.keys()]
  }

  get now(): number {
    return this.host.clock.now()
  }

  open(): void {
    this.#isOpen = true
    this.hub.connect(this)
    for (const ears of this.#ears.values()) for (const ear of ears.keys()) this.#tell(ears, ear)
  }

  cut(): void {
    this.#isOpen = false
    this.hub.disconnect(this)
  }

  stop(): void {
    this.cut()
    this.#isStopped = true
    this.#ears.clear()
  }

  /** Does something with the hub, in a later turn, in the order of the calls. */
  ask<T>(what: (hub: MemoryHub, now: number) => T): Promise<T> {
    return unattended(
      Promise.resolve().then(() => {
        if (this.#isStopped) throw new BrokerError('STOPPED', 'the broker was stopped')
        if (!this.#isOpen) throw new BrokerError('AWAY', 'the broker is out of reach')
        return what(this.hub, this.now)
      }),
    )
  }

  /** Listens to a channel; what it returns ends that. */
  listen(channel: string, ear: Ear): () => void {
    const ears = this.#ears.get(channel) ?? new Map<Ear, boolean>()
    this.#ears.set(channel, ears.set(ear, false))
    if (this.#isOpen) this.#tell(ears, ear)
    return () => {
      ears.delete(ear)
      if (ears.size === 0 && this.#ears.get(channel) === ears) this.#ears.delete(channel)
    }
  }

  hear(channel: string, message: HubMessage): void {
    if (!this.#ears.has(channel)) return
    this.#soon(() => {
      if (!this.#isOpen) return
      for (const ear of [...(this.#ears.get(channel)?.keys() ?? [])]) ear.heard(message)
    })
  }

  #tell(ears: Map<Ear, boolean>, ear: Ear): void {
    this.#soon(() => {
      const isAgain = ears.get(ear)
      if (isAgain === undefined || !this.#isOpen) return
      ears.set(ear, true)
      if (isAgain) this.counters.resubscribed++
      ear.listening(isAgain)
    })
  }

  /** Never within the call that is the cause, and in order. */
  #soon(task: () => void): void {
    queueMicrotask(task)
  }
}
