import { type Content, type ContentKind, textOf } from './content.ts'
import { type Channel, keyOf, wireNameOf } from './names.ts'

/**
 * A message of a channel. All who hear it are given the same object, so that what is made of it for one is there for all.
 *
 * @example
 * ```ts
 * import { createPublisher, memory } from 'partyline'
 *
 * const publisher = createPublisher({ broker: memory() })
 * await publisher.publish('news', { headline: 'Rain' }, { broadcast: true })
 * const message = await publisher.fetch('news', { broadcast: true })
 * console.assert(message?.text === '{"headline":"Rain"}' && message.channel === 'broadcast')
 * await publisher.close()
 * ```
 */
export class ChannelMessage {
  /** As clients call its channel: `broadcast`, `user`, `session` or `group:NAME`. */
  readonly channel: string
  /** The whole of its channel's name, without the broker's prefix: `broadcast:news`. */
  readonly key: string
  /** What was published, byte by byte. */
  readonly bytes: Uint8Array
  /** Where it is in its channel; undefined for what was not kept, and for what another program has published. */
  readonly position: number | undefined
  readonly #kind: ContentKind
  #text: { read: string | undefined } | undefined
  #data: { read: unknown } | undefined

  constructor(channel: Channel, { bytes, kind }: Content, position: number | undefined) {
    this.channel = wireNameOf(channel)
    this.key = keyOf(channel)
    this.bytes = bytes
    this.position = position
    this.#kind = kind
  }

  /** The bare message as text: undefined where it was published as bytes, or is no text in UTF-8. */
  get text(): string | undefined {
    this.#text ??= { read: this.#kind === 'bytes' ? undefined : textOf(this.bytes) }
    return this.#text.read
  }

  /**
   * What was published: a string, a `Uint8Array`, or any other value, read from its JSON. What another program has published
   * is a string where it is text in UTF-8, also where that is JSON, and bytes otherwise.
   */
  get data(): unknown {
    this.#data ??= { read: this.#read() }
    return this.#data.read
  }

  #read(): unknown {
    const { text } = this
    if (text === undefined) return this.bytes
    if (this.#kind !== 'json') return text
    try {
      return JSON.parse(text)
    } catch {
      return text
    }
  }
}
