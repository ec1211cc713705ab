import type { ChannelFrame, Frame } from '../protocol/frame.ts'
import type { CallOptions } from './calls.ts'
import type { Client } from './client.ts'
import { isPassing, Standing, type Wish } from './standing.ts'

/** Where a message of a channel comes from. */
export interface ChannelPlace {
  /** `broadcast`, `user`, `session`, or `group:` with the name of the group. */
  channel: string
  /** Its position in its channel; undefined for what another program sent without its being kept. */
  at: number | undefined
}

/** How a channel is subscribed to. */
export interface SubscribeOptions {
  /**
   * The position of the last message that you have: what came after it comes first. Without it, what is kept of the
   * channel does. Not for `group`, which may be several channels.
   */
  after?: number
  /** Hears that messages up to a position are lost: the server does not have them any more. It goes on after them. */
  lost?: (place: ChannelPlace) => unknown
}

/** That somebody has subscribed. */
export interface Subscription {
  /**
   * Resolves with the channels when the server says that everything of theirs will come. Rejects where it refuses, which
   * `onError` hears as well, or where it was ended before.
   */
  readonly ready: Promise<readonly string[]>
  /** Ends it: its callbacks are not called any more. */
  unsubscribe(): void
}

/** Who hears of one subscription. */
interface Taker {
  readonly callback: (data: never, place: ChannelPlace) => unknown
  readonly lost: SubscribeOptions['lost']
  isOver: boolean
}

/** A name that is subscribed to. */
interface Entry {
  readonly takers: Set<Taker>
  wish: Wish<readonly string[]>
}

/** What the server answers who subscribes. */
interface Answer {
  channels?: readonly string[]
  /** The positions after which everything of those will come. */
  at?: readonly number[]
}

/** All groups of one's own. */
const GROUP = 'group'

const all = /* @__PURE__ */ new WeakMap<Client, Channels>()

/**
 * The channels of a client's gateway, for as long as the client lives; always the same for a client.
 *
 * @example
 * ```ts no-run
 * import { channels, connect } from 'partyline/client'
 *
 * const news = channels(connect('ws://localhost:3000/ws/newsroom'))
 * news.subscribe('broadcast', (text: string) => console.log(text))
 * news.publish('broadcast', 'hello')
 * ```
 */
export function channels(client: Client): Channels {
  const made = all.get(client) ?? new Channels(client)
  all.set(client, made)
  return made
}

/**
 * The channels of a gateway, as one client has them; made by `channels`. What was subscribed to is so again on each line,
 * from the last message on that came: each comes once and in order, or is said to be `lost`.
 */
export class Channels {
  readonly #standing: Standing
  readonly #entries = new Map<string, Entry>()
  /** The position of the last message, by channel. */
  readonly #last = new Map<string, number>()
  /** What has come of channels that were asked for from a position on, before the answer. */
  readonly #held = new Map<string, ChannelFrame[]>()

  /** Not for apps: see `channels`. */
  constructor(client: Client) {
    this.#standing = new Standing(client, (frame) => this.#hear(frame))
  }

  /**
   * Calls back with each message of a channel: first with what is kept of it. Of several callbacks of one name, those get
   * what is kept that are there when it comes. One that throws holds up no other, and `onError` hears of it.
   *
   * @param name `broadcast`, `user`, `session`, `group` for all groups of one's own, or `group:` with the name of one.
   */
  subscribe<D = unknown>(
    name: string,
    callback: (data: D, place: ChannelPlace) => unknown,
    { after, lost }: SubscribeOptions = {},
  ): Subscription {
    let entry = this.#entries.get(name)
    if (entry === undefined) {
      if (after !== undefined) this.#last.set(name, after)
      entry = this.#begin(name)
    }
    const { takers, wish } = entry
    const taker = { callback, lost, isOver: false }
    takers.add(taker)
    const unsubscribe = () => {
      taker.isOver = true
      if (takers.delete(taker) && takers.size === 0) this.#end(name, wish)
    }
    return { ready: wish.ready, unsubscribe }
  }

  /**
   * Sends a message to all who have subscribed to a channel, as `emit` sends an event. Where the server refuses it,
   * `onError` hears of it.
   *
   * @throws what `emit` throws.
   */
  publish(name: string, data?: unknown): this {
    this.#standing.push({ publish: name, data })
    return this
  }

  /** The same, and resolves when the server has taken it. Rejects as `call` does. */
  async publishWithAck(name: string, data?: unknown, options?: CallOptions): Promise<void> {
    await this.#standing.call(`publish ${name}`, { publish: name, data }, options)
  }

  #begin(name: string): Entry {
    const takers = new Set<Taker>()
    const wish = this.#standing.add<readonly string[]>({
      ask: (grant, isCurrent) => this.#ask(name, grant, isCurrent),
      granted: (answer) => this.#granted(answer as Answer, name),
      refused: () => this.#forget(name),
    })
    const entry = { takers, wish }
    this.#entries.set(name, entry)
    return entry
  }

  async #ask(name: string, grant: (answer: unknown) => void, isCurrent: () => boolean): Promise<void> {
    // Each group from its own position on, before whichever groups there are besides.
    const groups = name === GROUP ? [...this.#last.keys()].filter(isGroup) : []
    if (groups.length > 0) await Promise.all(groups.map((one) => this.#request(one)))
    if (isCurrent()) await this.#request(name, grant)
  }

  #granted(answer: Answer | undefined, name: string): readonly string[] {
    const { channels = [name], at = [] } = answer ?? {}
    // From here on, also where the line breaks before anything has come.
    for (const [i, one] of channels.entries()) this.#last.set(one, this.#last.get(one) ?? at[i] ?? 0)
    return channels
  }

  async #request(name: string, grant?: (answer: unknown) => void): Promise<void> {
    const after = this.#last.get(name)
    const frame = after === undefined ? { subscribe: name } : { subscribe: name, after }
    const held = [...(this.#held.get(name) ?? [])]
    if (after !== undefined) this.#held.set(name, held)
    const release = (): void => {
      // Else it was asked for once more, or given up.
      if (this.#held.get(name) !== held) return
      this.#held.delete(name)
      for (const one of held) this.#hear(one)
    }
    try {
      await this.#standing.ask(`subscribe ${name}`, frame, (answer) => {
        release()
        grant?.(answer)
      })
    } catch (error) {
      if (isPassing(error)) throw error
      release()
      this.#last.delete(name)
      // One of all groups is not one's own any more: that holds up none of the others.
      if (grant) throw error
    }
  }

  #hear(frame: Frame): void {
    if (!('channel' in frame)) return
    const { channel, at, lost, base64 } = frame
    const held = this.#held.get(channel)
    if (held && at !== undefined) {
      // The url may have asked for the channel, too: what comes by that may have come before what is older. All of it comes
      // again, after the position that was asked for, or is said to be lost.
      while ((held.at(-1)?.at ?? -1) >= (lost ? 0 : at)) held.pop()
      held.push(frame)
      return
    }
    const takers = this.#takersOf(channel)
    if (takers.length === 0) return
    // What is lost may be all there was: then positions may begin anew, wherever the server says.
    if (!lost && at !== undefined && at <= (this.#last.get(channel) ?? -1)) return
    if (at !== undefined) this.#last.set(channel, at)
    const data = (base64 === undefined ? frame.data : bytesOf(base64)) as never
    const place = { channel, at }
    for (const taker of takers) {
      const { callback, lost: hearLost } = taker
      void this.#standing.tell(channel, () => {
        // One of those before may have ended it.
        if (!taker.isOver) return lost ? hearLost?.(place) : callback(data, place)
      })
    }
  }

  #takersOf(channel: string): Taker[] {
    const names = isGroup(channel) ? [channel, GROUP] : [channel]
    return names.flatMap((name) => [...(this.#entries.get(name)?.takers ?? [])])
  }

  /** Nobody wants it any more. */
  #end(name: string, wish: Wish): void {
    // The server may have refused it, and others begun anew.
    if (this.#entries.get(name)?.wish !== wish) return
    this.#standing.drop(wish)
    // One's own groups go on, all of them, where they are subscribed to.
    if (isGroup(name) && this.#entries.has(GROUP)) return
    this.#standing.send({ unsubscribe: name })
    // And single ones do, where all were given up.
    if (name === GROUP)
      for (const [one, entry] of this.#entries) if (isGroup(one)) void this.#standing.renew(entry.wish)
  }

  #forget(name: string): void {
    this.#entries.delete(name)
    for (const one of this.#last.keys()) {
      if (this.#takersOf(one).length > 0) continue
      this.#last.delete(one)
      this.#held.delete(one)
    }
  }
}

function isGroup(channel: string): boolean {
  return channel.startsWith(`${GROUP}:`)
}

function bytesOf(base64: string): Uint8Array {
  return Uint8Array.from(atob(base64), (one) => one.charCodeAt(0))
}
