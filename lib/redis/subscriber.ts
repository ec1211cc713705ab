import type { Buffer } from 'node:buffer'
import { type Client, isReply, type Listener } from './library.ts'
import { Line } from './line.ts'
import type { Terms } from './options.ts'
import type { Server } from './server.ts'

/** A channel that is to be listened to. */
export interface Wanted {
  /** As Redis has it. */
  readonly name: string
  /** Whether other programs may publish to it, who know only plain channels. */
  readonly isOpen: boolean
}

/** A subscription, as it is or will be. */
interface InForce {
  readonly channel: Wanted
  readonly isSharded: boolean
}

export interface SubscriberEvents {
  /** A channel is listened to from now on. */
  on(channel: Wanted): void
  /** It is not any more, though it is wanted. */
  off(channel: Wanted): void
  message(channel: string, bytes: Buffer): void
  /** It cannot be listened to, for now. */
  refused(channel: Wanted, error: Error): void
  /** The server says that a channel's slot is elsewhere. */
  moved(): void
}

/** How many channels are subscribed to by one command. */
const TOGETHER = 200

/** How long to wait after a channel was refused. */
const PAUSE = 1_000

/**
 * What one server is listened to for: brings the subscriptions that there are to those that are wanted, a step at a time, and
 * anew on each connection. While a step is on its way, what is wanted may change as often as it likes.
 */
export class Subscriber {
  readonly #server: Server
  readonly #line: Line
  readonly #terms: Terms
  readonly #events: SubscriberEvents & { listening(): void }
  readonly #wanted = new Map<string, Wanted>()
  /** Those in force, by name. */
  readonly #on = new Map<string, InForce>()
  /** The names of which it has to be looked what is wanted and what is in force: there may be very many others. */
  readonly #changed = new Set<string>()
  readonly #refused = new Set<Wanted>()
  #isWorking = false
  #isSettled = false
  #pause: unknown

  constructor(
    server: Server,
    connect: () => Client,
    terms: Terms,
    events: SubscriberEvents & { listening(): void; down(error: Error, wasUp: boolean): void },
  ) {
    this.#server = server
    this.#terms = terms
    this.#events = events
    this.#line = new Line(connect, terms, {
      prepare: async (client) => {
        client.on('sharded-channel-moved', (channel) => this.#moved(String(channel)))
      },
      up: () => {
        for (const name of this.#wanted.keys()) this.#changed.add(name)
        this.#work()
      },
      down: (error, wasUp) => {
        this.#isSettled = false
        const lost = [...this.#on.values()]
        this.#on.clear()
        for (const { channel } of lost) this.#events.off(channel)
        events.down(error, wasUp)
      },
    })
  }

  /** Whether there is a connection, on which everything that had been wanted was subscribed to. */
  get isSettled(): boolean {
    return this.#isSettled
  }

  start(): void {
    this.#line.start()
  }

  stop(): void {
    this.#line.stop()
    this.#terms.clock.clearTimeout(this.#pause)
    this.#wanted.clear()
    this.#changed.clear()
    this.#on.clear()
  }

  want(channel: Wanted): void {
    this.#wanted.set(channel.name, channel)
    this.#changed.add(channel.name)
    this.#work()
  }

  unwant(channel: Wanted): void {
    if (this.#wanted.get(channel.name) !== channel) return
    this.#wanted.delete(channel.name)
    this.#refused.delete(channel)
    this.#changed.add(channel.name)
    this.#work()
  }

  /** Begins at the end of the turn, when everything is known that this turn wants. */
  #work(): void {
    if (this.#isWorking || !this.#line.isUp) return
    this.#isWorking = true
    queueMicrotask(() => void this.#settle())
  }

  /** It does not throw. */
  async #settle(): Promise<void> {
    const client = this.#line.client
    try {
      while (this.#line.isUp && this.#line.client === client && (await this.#step()));
    } catch {
      // The connection is gone, and the next one begins anew.
    }
    this.#isWorking = false
    if (!this.#line.isUp) return
    if (this.#line.client !== client) {
      this.#work()
    } else if (!this.#isSettled) {
      this.#isSettled = true
      this.#events.listening()
    }
  }

  /** Does what there is to do now; returns whether there was anything. Rejects where the connection goes. */
  async #step(): Promise<boolean> {
    const missing: InForce[] = []
    const surplus: InForce[] = []
    const names = [...this.#changed]
    this.#changed.clear()
    for (const name of names) {
      const wanted = this.#wanted.get(name)
      const on = this.#on.get(name)
      if (on !== undefined && on.channel !== wanted) {
        surplus.push(on)
        // A name that is wanted anew, by another, is given up before it is taken again.
        this.#changed.add(name)
      } else if (on === undefined && wanted !== undefined && !this.#refused.has(wanted))
        missing.push({ channel: wanted, isSharded: this.#server.isSharded && !wanted.isOpen })
    }
    await Promise.all([
      ...this.#groups(missing).map((group) => this.#subscribe(group)),
      ...this.#groups(surplus).map((group) => this.#unsubscribe(group)),
    ])
    return names.length > 0
  }

  async #subscribe(group: readonly InForce[]): Promise<void> {
    const names = group.map(({ channel }) => channel.name)
    const isSharded = group[0]?.isSharded
    try {
      await this.#line.use((client) =>
        isSharded ? client.sSubscribe(names, this.#heard, true) : client.subscribe(names, this.#heard, true),
      )
    } catch (error) {
      if (!isReply(error)) throw error
      if (error.message.startsWith('MOVED')) this.#events.moved()
      for (const { channel } of group) {
        this.#refused.add(channel)
        this.#events.refused(channel, error)
      }
      this.#tryAgainLater()
      return
    }
    for (const one of group) {
      this.#on.set(one.channel.name, one)
      this.#events.on(one.channel)
    }
  }

  async #unsubscribe(group: readonly InForce[]): Promise<void> {
    const names = group.map(({ channel }) => channel.name)
    const isSharded = group[0]?.isSharded
    await this.#line.use((client) => (isSharded ? client.sUnsubscribe(names) : client.unsubscribe(names)))
    for (const name of names) this.#on.delete(name)
  }

  /** Those that one command may name together: of one kind, and in a cluster no two sharded ones. */
  #groups(channels: readonly InForce[]): InForce[][] {
    const groups: InForce[][] = []
    for (const kind of [false, true]) {
      const alike = channels.filter(({ isSharded }) => isSharded === kind)
      const size = kind && this.#server.isCluster ? 1 : TOGETHER
      for (let i = 0; i < alike.length; i += size) groups.push(alike.slice(i, i + size))
    }
    return groups
  }

  readonly #heard: Listener = (message, channel) => {
    this.#line.sign()
    this.#events.message(channel.toString(), message)
  }

  #moved(name: string): void {
    const on = this.#on.get(name)
    this.#on.delete(name)
    this.#changed.add(name)
    if (on !== undefined) this.#events.off(on.channel)
    this.#events.moved()
    this.#work()
  }

  #tryAgainLater(): void {
    const { clock } = this.#terms
    clock.clearTimeout(this.#pause)
    this.#pause = clock.setTimeout(() => {
      for (const { name } of this.#refused) this.#changed.add(name)
      this.#refused.clear()
      this.#work()
    }, PAUSE)
  }
}
