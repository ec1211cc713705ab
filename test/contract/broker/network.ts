import type { Broker } from '../../../lib/broker/broker.ts'
import type { Entry, Gap } from '../../../lib/broker/streams.ts'
import type { CollectingLogger } from '../../support/logger.ts'

/** Brokers that reach each other, in one process, and what a test can do to them. */
export interface Network {
  /** A new node, whose broker is started and ready; with a lease of its own, or the one below. */
  join(options?: { lease?: number }): Promise<Broker>
  /** A broker that has not been started, and starts it. */
  make(): { broker: Broker; start(): void }
  /** What the brokers logged. */
  readonly log: CollectingLogger
  /** How long the leases are, in milliseconds. */
  readonly lease: number
  /** Whether what is over its limit is gone at once, or only when more has come together. */
  readonly trims: 'exactly' | 'roughly'
  /** Takes everything out of a broker's reach. */
  cut(broker: Broker): void
  /** Ends that. */
  mend(broker: Broker): void
  /** Publishes to an open channel, as another program does. */
  publish(channel: string, bytes: Uint8Array): Promise<void>
  /** What nodes listen to besides what each of them does always. */
  channels(): Promise<readonly string[]>
}

/** How a suite gets its network. */
export type Join = () => Network

/** Notes what a subscriber hears. */
export class Notes {
  readonly texts: string[] = []
  readonly from: (string | undefined)[] = []
  gaps = 0

  message(bytes: Uint8Array, from: string | undefined): void {
    this.texts.push(textOf(bytes))
    this.from.push(from)
  }

  gap(): void {
    this.gaps++
  }
}

/** Notes what a follower hears. */
export class Log {
  readonly entries: Entry[] = []
  readonly gaps: Gap[] = []
  readonly messages: [text: string, from: string | undefined][] = []

  entry(entry: Entry): void {
    this.entries.push(entry)
  }

  gap(gap: Gap): void {
    this.gaps.push(gap)
  }

  message(bytes: Uint8Array, from: string | undefined): void {
    this.messages.push([textOf(bytes), from])
  }

  get texts(): string[] {
    return textsOf(this.entries)
  }
}

export function textsOf(entries: readonly Entry[]): string[] {
  return entries.map(({ bytes }) => textOf(bytes))
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

export function bytesOf(text: string): Uint8Array {
  return encoder.encode(text)
}

export function textOf(bytes: Uint8Array): string {
  return decoder.decode(bytes)
}

/** Numbers as texts, from 0 on. */
export function numbers(count: number, prefix = ''): string[] {
  return Array.from({ length: count }, (_, i) => `${prefix}${i}`)
}

let names = 0

/** A name that no other test uses. */
export function newName(what = 'name'): string {
  return `${what}${++names}`
}

/** What a promise of a broker rejects with. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    (value) => `resolved with ${JSON.stringify(value)}`,
    (error) => String(error.code ?? error),
  )
}

/** For entries that are kept for longer than any test runs. */
export const kept = { limit: 10_000, ttl: 600_000 }

/** Far above what anything takes, on a machine that has other things to do. */
const PATIENCE = 15_000

/** Waits for a condition; throws where it does not come true, and says what was waited for. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string | (() => string),
): Promise<void> {
  const begin = performance.now()
  while (!(await condition())) {
    if (performance.now() - begin > PATIENCE)
      throw new Error(`waited in vain for ${typeof what === 'string' ? what : what()}`)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}
