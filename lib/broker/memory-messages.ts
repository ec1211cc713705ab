import type { HubMessage } from './memory-hub.ts'
import type { MemoryLink } from './memory-link.ts'
import type { ChannelOptions, Messages, Subscriber, Subscription } from './messages.ts'
import { MessageSubscription } from './subscription.ts'

/** The channel of the hub for a name. */
export function channelOf(name: string, open: boolean | undefined): string {
  return `${open ? 'open' : 'channel'} ${name}`
}

/** Messages between nodes in memory. */
export class MemoryMessages implements Messages {
  readonly #link: MemoryLink
  readonly #subscriptions = new Set<Subscription>()

  constructor(link: MemoryLink) {
    this.#link = link
  }

  publish(channel: string, bytes: Uint8Array, { open }: ChannelOptions = {}): void {
    const { counters, hub, isOpen, node } = this.#link
    if (!isOpen) {
      counters.dropped++
      return
    }
    counters.published++
    hub.send(channelOf(channel, open), { kind: 'message', from: node, bytes: bytes.slice() })
  }

  subscribe(channel: string, subscriber: Subscriber, { open }: ChannelOptions = {}): Subscription {
    const { counters, host, node } = this.#link
    const subscription: MessageSubscription = new MessageSubscription(
      { node, counters, failed: host.failed },
      subscriber,
      () => {
        this.#subscriptions.delete(subscription)
        end()
      },
    )
    this.#subscriptions.add(subscription)
    const end = this.#link.listen(channelOf(channel, open), {
      listening: (isAgain) => subscription.listening(isAgain),
      heard: (message) => {
        const { bytes, from } = contentOf(message)
        if (bytes !== undefined) subscription.heard(bytes.slice(), from)
      },
    })
    return subscription
  }

  stop(): void {
    for (const subscription of [...this.#subscriptions]) subscription.close()
  }
}

/** What those who hear a channel hear, whether it has a position or not. */
function contentOf(message: HubMessage): { bytes?: Uint8Array; from?: string | undefined } {
  if (message.kind === 'message') return message
  return message.kind === 'entry' ? message.entry : {}
}
