import type { Clock } from '../protocol/clock.ts'
import type { Payload } from '../protocol/codec.ts'
import { restore } from './binary.ts'
import { pack } from './pack.ts'
import {
  awaitsMore,
  InvalidPacket,
  type ListPacket,
  type Packet,
  type PacketBounds,
  parsePacket,
} from './packet.ts'

/** A packet, with its attachments in their places, and as one message. */
export interface Assembled {
  readonly packet: Packet
  readonly payload: Payload
}

/** What assembling is bounded by. */
export interface AssemblyRules extends PacketBounds {
  /** How long each attachment may take, in milliseconds. */
  readonly timeout: number
}

/** A packet whose attachments are on their way. */
interface Incomplete {
  readonly packet: ListPacket
  readonly text: string
  readonly attachments: Uint8Array[]
  timer: unknown
}

/** Who waits for attachments. */
export interface Waiting {
  /** One does not come. */
  late(): void
}

/** Puts packets together of the messages of one connection: a text, and as many binary messages as it says. */
export class Assembler {
  readonly #rules: AssemblyRules
  readonly #clock: Clock
  readonly #waiting: Waiting
  #incomplete: Incomplete | undefined

  constructor(rules: AssemblyRules, clock: Clock, waiting: Waiting) {
    this.#rules = rules
    this.#clock = clock
    this.#waiting = waiting
  }

  /**
   * Takes a message; returns the packet that is complete with it, if one is.
   *
   * @param start where the packet begins, where it is text
   * @throws InvalidPacket, and nothing else
   */
  take(message: Payload, start = 0): Assembled | undefined {
    const incomplete = this.#incomplete
    if (typeof message !== 'string') {
      if (incomplete === undefined) throw new InvalidPacket('binary data that belongs to no packet')
      return this.#attach(message, incomplete)
    }
    if (incomplete !== undefined) throw new InvalidPacket('text in the middle of a packet with attachments')
    const packet = parsePacket(message, this.#rules, start)
    if (!awaitsMore(packet)) return { packet, payload: message }
    this.begin(packet, message)
    return undefined
  }

  /** Waits for the attachments of a packet; `text` is what it was read from. */
  begin(packet: ListPacket, text: string): void {
    this.#incomplete = { packet, text, attachments: [], timer: this.#wait() }
  }

  /** Gives back what was begun. */
  end(): void {
    if (this.#incomplete !== undefined) this.#clock.clearTimeout(this.#incomplete.timer)
    this.#incomplete = undefined
  }

  #attach(bytes: Uint8Array, incomplete: Incomplete): Assembled | undefined {
    const { packet, text, attachments } = incomplete
    this.#clock.clearTimeout(incomplete.timer)
    attachments.push(bytes)
    if (attachments.length < packet.attachments) {
      incomplete.timer = this.#wait()
      return undefined
    }
    this.#incomplete = undefined
    if (packet.fault === undefined) restore(packet.list, attachments)
    return { packet, payload: pack({ text, attachments }) }
  }

  #wait(): unknown {
    return this.#clock.setTimeout(() => this.#waiting.late(), this.#rules.timeout)
  }
}
