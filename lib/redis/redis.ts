import { Buffer } from 'node:buffer'
import {
  type Broker,
  type BrokerCounters,
  type BrokerHost,
  type BrokerState,
  zeroed,
} from '../broker/broker.ts'
import { LateHost } from '../broker/host.ts'
import { PASSES, REMEMBERED } from '../broker/leases.ts'
import { Listeners } from '../broker/listeners.ts'
import { type Beat, Membership } from '../broker/membership.ts'
import { newNode } from '../broker/node.ts'
import { Channels } from './channels.ts'
import { Commands } from './commands.ts'
import { sealGreeting } from './envelope.ts'
import { theLibrary } from './library.ts'
import { RedisMessages } from './messages.ts'
import { Names } from './names.ts'
import { type RedisOptions, type Terms, termsOf } from './options.ts'
import { RedisRosters } from './rosters.ts'
import { RedisRecords, RedisValues } from './shelves.ts'
import { RedisStreams } from './streams.ts'
import { Topology } from './topology.ts'
import { Trouble } from './trouble.ts'

/**
 * A broker over Redis, for an app on several nodes: a single server or a cluster, which it finds out by itself. It is made for
 * Redis 7; where there are no sharded channels, as before that, it uses plain ones, and a cluster carries every message to all
 * of its servers. Needs node-redis, the package `redis`, and says so where it is missing.
 *
 * @example
 * ```ts
 * import { redis } from 'partyline/redis'
 *
 * const broker = redis({ url: 'redis://localhost:6379', prefix: 'chat' })
 * console.assert(broker.state === 'away') // until it is started
 * ```
 */
export function redis(options: RedisOptions = {}): Broker {
  theLibrary()
  return new RedisBroker(options)
}

/** How long stopping waits for Redis, in milliseconds. */
const FAREWELL = 1_000

export class RedisBroker implements Broker {
  readonly node: string = newNode()
  readonly counters: BrokerCounters = zeroed()
  readonly messages: RedisMessages
  readonly streams: RedisStreams
  readonly values: RedisValues
  readonly records: RedisRecords
  readonly nodes: Membership
  readonly rosters: RedisRosters
  readonly #id: Buffer = Buffer.from(this.node, 'hex')
  readonly #host = new LateHost()
  readonly #states = new Listeners<BrokerState>(this.#host.failed)
  readonly #trouble = new Trouble(this.#host.log)
  readonly #terms: Terms
  readonly #names: Names
  readonly #topology: Topology
  readonly #channels: Channels
  readonly #commands: Commands
  #isReady = false
  #isArriving = false
  #isStopped = false
  #audit: unknown

  /** @param changed of the terms, for tests */
  constructor(options: RedisOptions, changed: Partial<Terms> = {}) {
    const { counters, node } = this
    const host = this.#host
    const trouble = this.#trouble
    const terms: Terms = { ...termsOf(options), clock: host.clock, ...changed }
    const names = new Names(terms.prefix)
    const topology = new Topology(terms, {
      reached: () => this.rosters.restore(),
      changed: () => this.#changed(),
      down: ({ name }, error, wasUp) => {
        if (wasUp) counters.lost++
        trouble.away(name, error, terms.clock.now())
      },
      on: (channel) => channels.on(channel),
      off: (channel) => channels.off(channel),
      message: (channel, bytes) => channels.message(channel, bytes),
      refused: ({ name }, error) =>
        trouble.once('subscribe', { channel: name, error: error.message }, 'Redis refused a subscription'),
    })
    const commands = new Commands(terms, topology, counters, trouble)
    const channels = new Channels(this.#id, terms, topology, counters, trouble)
    const parts = { host, node: this.#id, own: node, terms, names, topology, channels, commands, counters }
    this.#terms = terms
    this.#names = names
    this.#topology = topology
    this.#channels = channels
    this.#commands = commands
    this.nodes = new Membership({
      node,
      lease: terms.lease,
      clock: terms.clock,
      beat: () => this.#beat(),
      failed: host.failed,
    })
    this.messages = new RedisMessages(parts)
    this.streams = new RedisStreams({ ...parts, trouble })
    this.values = new RedisValues(parts)
    this.records = new RedisRecords(parts)
    this.rosters = new RedisRosters({ ...parts, nodes: this.nodes })
    channels.listen(names.comings, false, {
      listening() {},
      heard: (envelope) => {
        if (envelope.kind === 'hello') this.nodes.seen(envelope.from)
        if (envelope.kind === 'bye') this.nodes.gone(envelope.from)
      },
    })
  }

  get state(): BrokerState {
    return this.#isReady ? 'ready' : 'away'
  }

  start(host: BrokerHost): void {
    this.#host.start(host)
    this.#topology.start()
    this.#auditSoon()
  }

  onState(listener: (state: BrokerState) => void): () => void {
    return this.#states.add(listener)
  }

  async stop(): Promise<void> {
    if (this.#isStopped) return
    this.#isStopped = true
    const { clock } = this.#terms
    clock.clearTimeout(this.#audit)
    this.nodes.stop()
    if (this.#isReady) {
      let timer: unknown
      const tooLong = new Promise<void>((resolve) => {
        timer = clock.setTimeout(resolve, FAREWELL)
      })
      await Promise.race([this.#sayGoodbye(), tooLong])
      clock.clearTimeout(timer)
    }
    this.#setReady(false)
    this.messages.stop()
    this.streams.stop()
    this.#commands.stop()
    this.#channels.stop()
    this.#topology.stop()
  }

  /** What lies where, or whether it can be reached, is different. */
  #changed(): void {
    if (this.#isStopped) return
    this.#channels.rebalance()
    this.#commands.wake()
    this.messages.flush()
    if (!this.#topology.isReady) this.#setReady(false)
    else if (!this.#isReady && !this.#isArriving) void this.#arrive()
  }

  /** Everything can be reached: the node shows itself before it says so. It does not throw. */
  async #arrive(): Promise<void> {
    this.#isArriving = true
    await this.nodes.refresh()
    this.#isArriving = false
    if (this.#isStopped || !this.#topology.isReady) return
    void this.#greet('hello')
    this.#trouble.back(this.#terms.clock.now())
    this.#setReady(true)
  }

  #setReady(isReady: boolean): void {
    if (this.#isReady === isReady) return
    this.#isReady = isReady
    this.#states.tell(this.state)
  }

  async #beat(): Promise<Beat> {
    const { nodes } = this.#names
    const { lease } = this.#terms
    const args = [this.node, String(lease), String(Math.ceil(lease * PASSES)), String(REMEMBERED)]
    const reply = await this.#commands.run({
      key: nodes,
      args: (server) => server.script('beat', [nodes], [...args, server.run]),
      bytes: 128,
    })
    const [since, isComplete, live] = reply as [Buffer, number, Buffer[]]
    return { since: Number(since), live: live.map(String), isComplete: isComplete === 1 }
  }

  #greet(kind: 'hello' | 'bye'): Promise<unknown> {
    const { comings } = this.#names
    const greeting = sealGreeting(kind, this.#id)
    return this.#commands.run({
      key: comings,
      args: ({ isSharded }) => [isSharded ? 'SPUBLISH' : 'PUBLISH', comings, greeting],
      bytes: greeting.length,
    })
  }

  async #sayGoodbye(): Promise<void> {
    const { nodes } = this.#names
    await Promise.allSettled([
      this.#greet('bye'),
      this.rosters.stop(),
      this.#commands.run(this.#commands.script('depart', [nodes], [this.node])),
    ])
  }

  /** What no event tells is looked for from time to time. */
  #auditSoon(): void {
    this.#audit = this.#terms.clock.setTimeout(() => {
      this.#topology.refresh()
      this.streams.audit()
      this.rosters.audit()
      this.#auditSoon()
    }, this.#terms.audit)
  }
}
