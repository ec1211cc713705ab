import {
  type CreatePublisherOptions,
  type StandalonePublisher,
  createPublisher as standalone,
} from '../channels/create-publisher.ts'
import { FarRooms } from './far-rooms.ts'

/**
 * A publisher for a process that serves no app itself: a job, a script, another server. The broker tries for ever to be there,
 * and what is published before it is waits for as long as it has patience. What it sends to the rooms of gateways is published by one
 * of the app's nodes, at most once.
 *
 * @throws RangeError for options out of bounds
 * @throws Error for a broker that was started before
 * @example
 * ```ts no-run
 * import { createPublisher } from 'partyline'
 * import { redis } from 'partyline/redis'
 *
 * const publisher = createPublisher({ broker: redis({ url: 'redis://localhost:6379' }) })
 * await publisher.publish('news', 'Hello', { broadcast: true })
 * publisher.to('/chat').room('lobby').emit('announcement', 'The lobby closes at ten.')
 * await publisher.close()
 * ```
 */
export function createPublisher(options: CreatePublisherOptions): StandalonePublisher {
  return standalone(options, (broker, log, clock) => new FarRooms(broker, log, clock))
}
