import type { Payload } from '../protocol/codec.ts'

/** Something that can be sent to, and whose messages wait here. */
export interface Recipient {
  waiting: Payload[] | undefined
  deliver(payloads: Payload[]): void
}

/**
 * What handlers send outside of a read: collected for each recipient, and sent at the end of the turn in one go. A send
 * by itself costs a system call each, three times the rest of a reply.
 */
export class Outbox {
  readonly #defer: (task: () => void) => void
  #recipients: Recipient[] = []

  constructor(defer: (task: () => void) => void) {
    this.#defer = defer
  }

  push(recipient: Recipient, payload: Payload): void {
    if (recipient.waiting !== undefined) {
      recipient.waiting.push(payload)
      return
    }
    recipient.waiting = [payload]
    if (this.#recipients.push(recipient) === 1) this.#defer(this.flush)
  }

  /** Sends everything now; needed before anything that would overtake it. */
  readonly flush = (): void => {
    if (this.#recipients.length === 0) return
    const recipients = this.#recipients
    this.#recipients = []
    for (const recipient of recipients) this.flushOne(recipient)
  }

  /** Sends what waits for one recipient. */
  flushOne(recipient: Recipient): void {
    const { waiting } = recipient
    if (waiting === undefined) return
    recipient.waiting = undefined
    recipient.deliver(waiting)
  }
}
