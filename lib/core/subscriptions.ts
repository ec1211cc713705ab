import { contentOf } from '../channels/content.ts'
import type { ChannelSubscription } from '../channels/hub.ts'
import type { ChannelSubscriber } from '../channels/listener.ts'
import { type Channel, keyOf, parseWireName, wireNameOf } from '../channels/names.ts'
import type { Payload } from '../protocol/codec.ts'
import { PartylineError } from '../protocol/error.ts'
import type { ChannelFrame } from '../protocol/frame.ts'
import type { NamedFrame } from '../protocol/named.ts'
import { brokerFailure, type ChannelFlags, type GatewayChannels } from './channels.ts'
import { Chore, type Deed, nothing } from './chore.ts'
import { inTime } from './deadline.ts'
import type { Session } from './session.ts'

/** How long who subscribes waits until everything from then on is heard, in milliseconds. */
const PATIENCE = 5_000

/** The channels that one session hears, and what it publishes to any. */
export class Subscriptions {
  readonly #session: Session
  readonly #channels: GatewayChannels
  readonly #greets: boolean
  /** By the channels' keys. */
  readonly #open = new Map<string, ChannelSubscription>()
  #flags: ChannelFlags | undefined
  /** How many lines have ended: what was asked for on one is not for the next. */
  #ends = 0

  constructor(session: Session, channels: GatewayChannels, greets: boolean) {
    this.#session = session
    this.#channels = channels
    this.#greets = greets
  }

  /** What the url asks for begins, which the rules have allowed. */
  begin(): void {
    this.#flags = this.#channels.flags(this.#session.handshake)
    for (const request of this.#flags.subscribe)
      for (const channel of this.#channels.named(request, this.#session)) this.#subscribe(channel)
  }

  end(): void {
    this.#ends++
    for (const subscription of this.#open.values()) subscription.close()
    this.#open.clear()
  }

  get takesBare(): boolean {
    return !this.#greets && (this.#flags?.publish.length ?? 0) > 0
  }

  /** A message without a frame, for all channels that the url names. */
  bare(message: Payload): Chore {
    return new Chore('publish', undefined, () => {
      const named = this.#flags?.publish.flatMap((request) => this.#channels.named(request, this.#session))
      return () => this.#publish(named ?? [], message)
    })
  }

  choreFor(frame: NamedFrame): Chore | undefined {
    const ends = this.#ends
    if ('subscribe' in frame) {
      const { subscribe: name, after } = frame
      return this.#chore('subscribe', name, frame.id, (channels) =>
        ends === this.#ends ? this.#listen(channels, after) : async () => nothing,
      )
    }
    if ('publish' in frame)
      return this.#chore('publish', frame.publish, frame.id, (channels) => () => {
        return this.#publish(channels, frame.data)
      })
    if ('unsubscribe' in frame)
      return new Chore('unsubscribe', frame.id, () => this.#leave(frame.unsubscribe))
    return undefined
  }

  /** Something that is done with the channels of a name, where the rules allow it. */
  #chore(
    verb: 'subscribe' | 'publish',
    name: string,
    id: number | undefined,
    decide: (channels: Channel[]) => Deed,
  ): Chore {
    return new Chore(verb, id, () => {
      const granted = this.#channels.granted(verb, name, this.#session)
      return granted instanceof Promise ? granted.then(decide) : decide(granted)
    })
  }

  #listen(channels: readonly Channel[], after: number | undefined): Deed {
    const before = new Set(this.#open.values())
    const begun = channels.map((channel) => this.#subscribe(channel, after))
    return async () => {
      const { clock } = this.#session.shared
      if (!(await inTime(Promise.all(begun.map(({ ready }) => ready)), clock, PATIENCE))) {
        // What was asked for before, by the url for instance, goes on waiting for the broker.
        for (const [i, subscription] of begun.entries())
          if (!before.has(subscription)) this.#close(channels[i] as Channel, subscription)
        throw new PartylineError('UNAVAILABLE', 'not subscribed: the broker is away')
      }
      return () => ({ channels: channels.map(wireNameOf), at: begun.map(({ position }) => position) })
    }
  }

  #subscribe(channel: Channel, after?: number): ChannelSubscription {
    const key = keyOf(channel)
    const open = this.#open.get(key)
    if (open !== undefined && after === undefined) return open
    // Who says where it is begins there anew.
    open?.close()
    const { hub, terms } = this.#channels
    const from = after === undefined ? { history: terms.history } : { after }
    const subscription = hub.subscribe(channel, this.#greets ? this.#framed(channel) : this.#plain(), from)
    this.#open.set(key, subscription)
    return subscription
  }

  #framed(channel: Channel): ChannelSubscriber {
    const session = this.#session
    return {
      message: (message) => {
        const payload = this.#channels.frame(message, session.codecIndex)
        if (payload !== undefined) session.transmit(payload)
      },
      lost: ({ position }) => {
        const frame: ChannelFrame = { channel: wireNameOf(channel), lost: true, at: position }
        const payload = session.route.codecs[session.codecIndex]?.encode(frame)
        if (payload !== undefined) session.transmit(payload)
      },
    }
  }

  #plain(): ChannelSubscriber {
    return {
      message: (message) => this.#session.transmit(this.#channels.bare(message)),
      // There is nothing that it could be told in.
      lost: () => {},
    }
  }

  #leave(name: string): Deed {
    const given = this.#channels
      .named(parseWireName(name), this.#session)
      .filter((channel) => this.#close(channel, this.#open.get(keyOf(channel))))
    return async () => () => ({ channels: given.map(wireNameOf) })
  }

  /** Whether it was open. */
  #close(channel: Channel, subscription: ChannelSubscription | undefined): boolean {
    subscription?.close()
    const key = keyOf(channel)
    return this.#open.get(key) === subscription && this.#open.delete(key)
  }

  async #publish(to: readonly Channel[], data: unknown): Promise<typeof nothing> {
    const { hub, terms } = this.#channels
    const content = contentOf(data)
    const own = (channel: Channel): ChannelSubscription | undefined =>
      this.#flags?.echo ? undefined : this.#open.get(keyOf(channel))
    try {
      await Promise.all(to.map((channel) => hub.send(channel, content, { ...terms, except: own(channel) })))
      return nothing
    } catch (error) {
      throw brokerFailure(error)
    }
  }
}
