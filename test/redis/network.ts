import type { Broker } from '../../lib/broker/broker.ts'
import { systemClock } from '../../lib/protocol/clock.ts'
import type { RedisOptions } from '../../lib/redis/options.ts'
import { RedisBroker } from '../../lib/redis/redis.ts'
import { until } from '../contract/broker/network.ts'
import type { OpenNetwork } from '../contract/broker.ts'
import { CollectingLogger } from '../support/logger.ts'
import type { RedisServer } from './server.ts'
import { Way } from './way.ts'

/** What all tests of Redis have in common: nothing takes long, and nothing is given up because the machine is busy. */
export const options = { timeout: 10_000, patience: 1_200, retry: { min: 5, max: 50 }, lease: 600 }

/** So seldom that no test passes because of it, but for those that ask for another. */
const AUDIT = 600_000

/** Brokers over Redis, each of which has a way of its own to every server. */
export class RedisNetwork implements OpenNetwork {
  readonly log = new CollectingLogger()
  readonly lease: number = options.lease
  readonly trims = 'roughly'
  readonly servers: readonly RedisServer[]
  readonly #options: RedisOptions
  readonly #ways = new Map<Broker, Map<number, Way>>()

  constructor(servers: readonly RedisServer[], changed: RedisOptions = {}) {
    this.servers = servers
    this.#options = { ...options, ...changed }
  }

  async join(changed: RedisOptions = {}): Promise<RedisBroker> {
    const { broker, start } = await this.prepare(changed)
    start()
    await until(() => broker.state === 'ready', 'a broker to be ready')
    return broker
  }

  make(): { broker: Broker; start(): void } {
    // Without a way of its own: that cannot be laid at once.
    return this.#make(this.#urls(), {})
  }

  /** A broker that has not been started, and starts it. */
  async prepare(changed: RedisOptions = {}, audit = AUDIT): Promise<{ broker: RedisBroker; start(): void }> {
    const ways = new Map<number, Way>()
    for (const { port } of this.servers) ways.set(port, await Way.start(port))
    const urls = [...ways.values()].map(({ port }) => `redis://127.0.0.1:${port}`)
    const nodeAddressMap = (address: string) => {
      const way = ways.get(Number(address.split(':').at(-1)))
      return way && { host: '127.0.0.1', port: way.port }
    }
    const made = this.#make(urls, { cluster: { nodeAddressMap }, ...changed }, audit)
    this.#ways.set(made.broker, ways)
    return made
  }

  /** The ways of a broker to the servers. */
  ways(broker: Broker): readonly Way[] {
    return [...(this.#ways.get(broker)?.values() ?? [])]
  }

  cut(broker: Broker): void {
    for (const way of this.ways(broker)) way.cut()
  }

  mend(broker: Broker): void {
    for (const way of this.ways(broker)) way.mend()
  }

  async publish(channel: string, bytes: Uint8Array): Promise<void> {
    await this.servers.at(-1)?.ask('PUBLISH', channel, Buffer.from(bytes))
  }

  async channels(): Promise<readonly string[]> {
    const found = await Promise.all(
      this.servers.flatMap((server) => [
        server.ask('PUBSUB', 'CHANNELS'),
        server.ask('PUBSUB', 'SHARDCHANNELS'),
      ]),
    )
    return (found as string[][]).flat().filter((channel) => !channel.endsWith('partyline:comings'))
  }

  /** All keys, with how many milliseconds each has to live. */
  async keys(): Promise<[key: string, ttl: number][]> {
    const found = await Promise.all(
      this.servers.map(async (server) => {
        const keys = (await server.ask('KEYS', '*')) as string[]
        return Promise.all(
          keys.map(async (key): Promise<[string, number]> => [key, Number(await server.ask('PTTL', key))]),
        )
      }),
    )
    return found.flat()
  }

  /** How many connections there are besides the tests' own. */
  async connections(): Promise<number> {
    const lists = await Promise.all(this.servers.map((server) => server.ask('CLIENT', 'LIST')))
    const lines = lists.flatMap((list) => String(list).trim().split('\n'))
    return lines.length - this.servers.length
  }

  async close(): Promise<void> {
    for (const ways of this.#ways.values()) for (const way of ways.values()) way.stop()
    await Promise.all(this.servers.map((server) => server.stop()))
  }

  #urls(): string[] {
    return this.servers.map(({ port }) => `redis://127.0.0.1:${port}`)
  }

  #make(url: string[], changed: RedisOptions, audit = AUDIT): { broker: RedisBroker; start(): void } {
    const broker = new RedisBroker({ url, ...this.#options, ...changed }, { audit })
    return { broker, start: () => broker.start({ clock: systemClock, log: this.log }) }
  }
}
