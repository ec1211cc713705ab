import type { HubMessage } from './memory-hub.ts'
import type { MemoryLink } from './memory-link.ts'
import type { ChannelOptions, Messages, Subscriber, Subscription } from './messages.ts'

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
    const { counters, node } = this.#link
    let isClosed = false
    let isReady!: () => void
    const ready = new Promise<void>((resolve) => {
      isReady = resolve
    })
    const tell = (call: () => void): void => {
      try {
        if (!isClosed) call()
      } catch (error) {
        this.#link.host.failed(error)
      }
    }
    const end = this.#link.listen(channelOf(channel, open), {
      listening: (isAgain) => {
        isReady()
        if (!isAgain) return
        counters.gaps++
        tell(() => subscriber.gap?.())
      },
      heard: (message) => {
        const { bytes, from } = contentOf(message)
        if (bytes === undefined || from === node) return
        counters.received++
        tell(() => subscriber.message(bytes.slice(), from))
      },
    })
    const subscription = {
      ready,
      close: () => {
        isClosed = true
        this.#subscriptions.delete(subscription)
        isReady()
        end()
      },
    }
    this.#subscriptions.add(subscription)
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
