import type { CloseReason } from 'partyline'
import { until } from '../support/until.ts'

export type Message = string | Uint8Array

/** A connection as a runtime's own client has it. */
export interface Line {
  /** What has arrived, oldest first. */
  readonly received: readonly Message[]
  /** How it ended; undefined while it lives. */
  readonly closed: CloseReason | undefined
  /** What the server chose; undefined where it chose none. */
  readonly subprotocol: string | undefined
  send(message: Message): void
  close(code: number, reason: string): void
  /** Ends without a close frame. */
  vanish(): void
}

/** A client that waits for what it expects, and takes each message once. */
export class Client {
  readonly #line: Line
  #taken = 0

  constructor(line: Line) {
    this.#line = line
  }

  get subprotocol(): string | undefined {
    return this.#line.subprotocol
  }

  /** Everything that has arrived so far, taken or not. */
  get received(): readonly Message[] {
    return this.#line.received
  }

  get isClosed(): boolean {
    return this.#line.closed !== undefined
  }

  send(...messages: Message[]): void {
    for (const message of messages) this.#line.send(message)
  }

  /** The oldest message that was not taken yet. */
  async next(): Promise<Message> {
    const { received } = this.#line
    await until(() => received.length > this.#taken || this.isClosed, 'a message')
    const message = received[this.#taken]
    if (message === undefined) throw new Error('the connection closed, and a message was expected')
    this.#taken++
    return message
  }

  /** As many messages. */
  async take(count: number): Promise<Message[]> {
    const messages: Message[] = []
    while (messages.length < count) messages.push(await this.next())
    return messages
  }

  /** All that arrived before the pong of a ping sent now; what the server did before it read the ping is among it. */
  async flushed(): Promise<Message[]> {
    const value = ++pings
    this.send(`{"ping":${value}}`)
    const messages: Message[] = []
    for (;;) {
      const message = await this.next()
      if (message === `{"pong":${value}}`) return messages
      messages.push(message)
    }
  }

  /** Sends, and returns the first message that then arrives. */
  ask(message: Message): Promise<Message> {
    this.send(message)
    return this.next()
  }

  close(code = 1_000, reason = ''): void {
    this.#line.close(code, reason)
  }

  vanish(): void {
    this.#line.vanish()
  }

  /** How it ended, once it has. */
  async closed(): Promise<CloseReason> {
    await until(() => this.isClosed, 'the end of the connection')
    return this.#line.closed as CloseReason
  }
}

/** The numbers of pings, so that none is mistaken for another. */
let pings = 1_000
