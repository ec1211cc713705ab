import type { Broker, BrokerLog } from '../broker/broker.ts'
import { type Clock, systemClock } from '../protocol/clock.ts'
import { ChannelHub } from './hub.ts'
import { Publisher, type PublisherParts } from './publisher.ts'
import type { RoomSender } from './room-sender.ts'
import type { PublisherOptions } from './terms.ts'

/** Options of `createPublisher`. */
export interface CreatePublisherOptions extends PublisherOptions {
  /** What brings messages to the nodes of the app. It is the publisher's own: started here, and stopped by `close()`. */
  broker: Broker
  /** Where the broker says what happened. Default: the console. */
  log?: BrokerLog
  /** Default: the machine's time. */
  clock?: Clock
}

/** A publisher with a broker of its own; made by `createPublisher`. */
export class StandalonePublisher extends Publisher {
  readonly #broker: Broker
  readonly #rooms: RoomSender | undefined

  constructor(broker: Broker, parts: PublisherParts, options: PublisherOptions) {
    super(parts, options)
    this.#broker = broker
    this.#rooms = parts.rooms
  }

  /**
   * Ends all connections; what was published and not answered by then is rejected, while what was sent to rooms still leaves, if the
   * broker is there within two seconds. Resolves when all is gone.
   */
  async close(): Promise<void> {
    await this.#rooms?.settled?.()
    await this.#broker.stop()
  }
}

/**
 * A publisher for a process that serves no app itself: a job, a script, another server. The broker tries for ever to be there,
 * and what is published before it is waits for as long as it has patience.
 *
 * @param rooms makes what reaches the sockets of gateways, from the broker
 * @throws RangeError for options out of bounds
 * @throws Error for a broker that was started before
 * @example
 * ```ts no-run
 * import { createPublisher } from 'partyline'
 * import { redis } from 'partyline/redis'
 *
 * const publisher = createPublisher({ broker: redis({ url: 'redis://localhost:6379' }) })
 * await publisher.publish('news', 'Hello', { broadcast: true })
 * await publisher.close()
 * ```
 */
export function createPublisher(
  { broker, log = consoleLog, clock = systemClock, ...options }: CreatePublisherOptions,
  rooms?: (broker: Broker, log: BrokerLog, clock: Clock) => RoomSender,
): StandalonePublisher {
  const failed = (error: unknown): void => log.error({ error }, 'a subscriber of a channel threw')
  const hub = new ChannelHub({ broker, clock, failed })
  const publisher = new StandalonePublisher(broker, { hub, rooms: rooms?.(broker, log, clock) }, options)
  broker.start({ clock, log })
  return publisher
}

const consoleLog: BrokerLog = {
  error: (fields, message) => console.error(`partyline: ${message}`, fields),
  warn: (fields, message) => console.warn(`partyline: ${message}`, fields),
  info: (fields, message) => console.info(`partyline: ${message}`, fields),
}
