import { unattended } from '../broker/error.ts'
import { PartylineError } from '../protocol/error.ts'
import { type Audiences, channelsFor } from './audiences.ts'
import { type Content, contentOf } from './content.ts'
import type { ChannelHub } from './hub.ts'
import type { ChannelMessage } from './message.ts'
import { type Channel, keyOf, wireNameOf } from './names.ts'
import { GatewayAudience, type RoomSender } from './room-sender.ts'
import { type PublisherOptions, type Terms, termsOf } from './terms.ts'

/** To whom a message goes, and for how long it is kept. */
export interface PublishOptions extends Audiences {
  /** For how long it is kept, in milliseconds; 0 for not at all. */
  expiry?: number
  /** How many messages are kept of each channel, this one included. */
  history?: number
  /** `false`: not at all, as with an expiry of 0. Then it reaches who listens now, at most once. */
  keep?: boolean
}

/** One of several messages. */
export interface Publication extends PublishOptions {
  facility: string
  data: unknown
}

/** That a message is in a channel. */
export interface Published {
  /** As clients call it: `broadcast`, `user`, `session` or `group:NAME`. */
  readonly channel: string
  /** The whole of its name, without the broker's prefix: `user:ann:news`. */
  readonly key: string
  /** Where the message is in it; undefined where it is not kept. */
  readonly position: number | undefined
}

/** What a publisher is made of. */
export interface PublisherParts {
  readonly hub: ChannelHub
  /** Who brings events to rooms; absent where nobody can. */
  readonly rooms?: RoomSender | undefined
}

/**
 * Publishes to the channels of facilities, from anywhere: handlers, HTTP routes, jobs, processes without a server. What it
 * publishes is kept for a while, for those who come later.
 *
 * Its promises reject with a `PartylineError` for what was asked wrongly (nothing was published then) and with a `BrokerError`
 * where the broker is away or did not answer; the latter may be left alone, and is counted by the broker.
 *
 * @example
 * ```ts
 * import { createPublisher, memory } from 'partyline'
 *
 * const publisher = createPublisher({ broker: memory() })
 * await publisher.publish('news', { headline: 'Rain' }, { broadcast: true, groups: ['staff'], expiry: 60_000 })
 * const message = await publisher.fetch('news', { groups: ['staff'], broadcast: true })
 * console.assert(message?.channel === 'group:staff')
 * await publisher.close()
 * ```
 */
export class Publisher {
  readonly #parts: PublisherParts
  readonly #terms: Terms

  /** Applications inject one, or call `createPublisher`. Throws a RangeError for options out of bounds. */
  constructor(parts: PublisherParts, options: PublisherOptions = {}) {
    this.#parts = parts
    this.#terms = termsOf(options, (message) => new RangeError(message))
  }

  /**
   * Publishes a message to all of the given audiences of a facility: a string as text, a `Uint8Array` as bytes, anything else as
   * JSON. Resolves when it is in all of their channels. Where one of them fails, it may still be in others.
   */
  publish(facility: string, data: unknown, options: PublishOptions): Promise<readonly Published[]> {
    return attempt(
      () => this.#prepare({ ...options, facility, data }),
      (prepared) => this.#send(prepared),
    )
  }

  /**
   * Publishes several messages in one go, in their order. All are looked at first: where one is wrong, none is published, and
   * the error says which in its details, as `index`.
   */
  batch(publications: readonly Publication[]): Promise<readonly (readonly Published[])[]> {
    return attempt(
      () => {
        const { length } = publications
        if (length > MOST) throw invalid(`this batch has ${length} messages: ${MOST} are the most`)
        return publications.map((one, index) => numbered(index, () => this.#prepare(one)))
      },
      (prepared) => allOf(prepared.map((one) => this.#send(one))),
    )
  }

  /**
   * The kept message of these audiences: the first that there is, of sessions, then users, groups and broadcast. Undefined
   * where there is none.
   */
  fetch(facility: string, audiences: Audiences): Promise<ChannelMessage | undefined> {
    return attempt(
      () => channelsFor(facility, audiences),
      async (channels) => {
        const found = await allOf(channels.map((one) => this.#parts.hub.retained(one)))
        return found.find((message) => message !== undefined)
      },
    )
  }

  /**
   * Takes out all that is kept for these audiences, the history too. Resolves with whether there was anything. Who has it
   * already keeps it.
   */
  delete(facility: string, audiences: Audiences): Promise<boolean> {
    return attempt(
      () => channelsFor(facility, audiences),
      async (channels) => (await allOf(channels.map((one) => this.#parts.hub.clear(one)))).includes(true),
    )
  }

  /**
   * The gateway at a path, on all nodes: with the app's prefix, and as it is written in `@Gateway`. Of those, whose path has
   * parameters, all who are connected by it, whatever these are.
   *
   * @throws Error where this publisher does not reach the gateways
   */
  to(path: string): GatewayAudience {
    const { rooms } = this.#parts
    if (rooms === undefined)
      throw new Error('this publisher does not reach the sockets of gateways: make it by createPublisher.')
    return new GatewayAudience(rooms, path)
  }

  #prepare({ facility, data, expiry, history, keep = true, ...audiences }: Publication): Prepared {
    const { limit, ...defaults } = this.#terms
    const terms = termsOf(
      { expiry: expiry ?? defaults.expiry, history: history ?? defaults.history },
      invalid,
    )
    const channels = channelsFor(facility, audiences)
    const content = contentOf(data)
    const { length } = content.bytes
    if (length > limit) throw invalid(`this message has ${length} bytes: ${limit} are the most`, { limit })
    return { channels, content, expiry: keep ? terms.expiry : 0, history: terms.history }
  }

  #send({ channels, content, expiry, history }: Prepared): Promise<readonly Published[]> {
    return allOf(
      channels.map(async (one): Promise<Published> => {
        const position = await this.#parts.hub.send(one, content, { expiry, history })
        return { channel: wireNameOf(one), key: keyOf(one), position }
      }),
    )
  }
}

/** A message that can be published. */
interface Prepared {
  readonly channels: readonly Channel[]
  readonly content: Content
  readonly expiry: number
  readonly history: number
}

/** How many messages one batch may have. */
const MOST = 1_000

/**
 * Does it in this turn. What was asked wrongly is a mistake that has to be seen; that the broker is away is not, and the promise
 * may be left alone.
 */
function attempt<T, R>(prepare: () => T, run: (prepared: T) => Promise<R>): Promise<R> {
  let prepared: T
  try {
    prepared = prepare()
  } catch (error) {
    return Promise.reject(error)
  }
  return unattended(run(prepared))
}

/** The values of all, once all have ended; rejects with the first failure. */
async function allOf<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(promises)
  return Promise.all(promises)
}

function numbered<T>(index: number, make: () => T): T {
  try {
    return make()
  } catch (error) {
    if (!(error instanceof PartylineError)) throw error
    const { code, message, details } = error
    const found = typeof details === 'object' ? details : {}
    throw new PartylineError(code, `message ${index}: ${message}`, { ...found, index })
  }
}

function invalid(message: string, details?: object): PartylineError {
  return new PartylineError('INVALID_DATA', message, details)
}
