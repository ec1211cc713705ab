import type { Payload } from '../protocol/codec.ts'

/** Something that can be sent to, and whose messages wait here. */
export interface Recipient {
  waiting: Payload[] | undefined
  /** Whether nothing can overtake what waits for it, since what is published goes this way, too. */
  readonly isLooped: boolean
  deliver(payloads: Payload[]): void
}

/** Something that has to be written down before what was sent in the same turn leaves. */
export interface Written {
  /** Never throws. */
  write(): void
}

/** How many messages may wait for a recipient that nothing overtakes. */
const MOST = 1_024

/**
 * What handlers send outside of a read: collected for each recipient, and sent at the end of the turn in one go. A send
 * by itself costs a system call each, three times the rest of a reply.
 */
export class Outbox {
  readonly #defer: (task: () => void) => void
  #recipients: Recipient[] = []
  /** Those of them that are looped, apart. */
  #looped: Recipient[] = []
  #unwritten: Written[] = []

  constructor(defer: (task: () => void) => void) {
    this.#defer = defer
  }

  push(recipient: Recipient, payload: Payload): void {
    if (recipient.waiting !== undefined) {
      // Who publishes without end in one turn has it leave in between, as it does by topics.
      if (recipient.waiting.push(payload) >= MOST && recipient.isLooped) this.flushOne(recipient)
      return
    }
    recipient.waiting = [payload]
    const isFirst = this.#isEmpty && this.#unwritten.length === 0
    if (recipient.isLooped) this.#looped.push(recipient)
    else this.#recipients.push(recipient)
    if (isFirst) this.#defer(this.#end)
  }

  /** Has something written before anything is sent. */
  before(one: Written): void {
    if (this.#unwritten.push(one) === 1 && this.#isEmpty) this.#defer(this.#end)
  }

  /** Sends now what a publish to a topic would overtake. */
  flush(): void {
    this.#write()
    if (this.#recipients.length === 0) return
    const recipients = this.#recipients
    this.#recipients = []
    for (const recipient of recipients) this.#sendTo(recipient)
  }

  /** Sends what waits for one recipient. */
  flushOne(recipient: Recipient): void {
    this.#write()
    this.#sendTo(recipient)
  }

  get #isEmpty(): boolean {
    return this.#recipients.length === 0 && this.#looped.length === 0
  }

  /** The end of the turn. */
  readonly #end = (): void => {
    if (this.#unwritten.length === 0) return this.#flushAll()
    this.#write()
    // Who writes by a connection does so at the end of a turn, too, for which it has asked by now: it comes first.
    if (!this.#isEmpty) this.#defer(this.#flushAll)
  }

  readonly #flushAll = (): void => {
    this.flush()
    const looped = this.#looped
    if (looped.length === 0) return
    this.#looped = []
    for (const recipient of looped) this.#sendTo(recipient)
  }

  #write(): void {
    if (this.#unwritten.length === 0) return
    const unwritten = this.#unwritten
    this.#unwritten = []
    for (const one of unwritten) one.write()
  }

  #sendTo(recipient: Recipient): void {
    const { waiting } = recipient
    if (waiting === undefined) return
    recipient.waiting = undefined
    recipient.deliver(waiting)
  }
}
