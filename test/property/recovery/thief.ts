import type { TestLine } from 'partyline/testing'

/** Somebody who goes on with another's session, by a copy of its token; speaks the wire by hand. */
export class Thief {
  readonly heard: number[] = []
  readonly sid: string
  readonly recovered: boolean
  /** How many of its words it has sent. */
  sent = 0
  #pos: number
  #last: number
  #read = 0

  constructor(
    readonly number: number,
    readonly line: TestLine,
    /** The last position of the session that it knows. */
    pos: number,
    /** How much of what was sent to the session it takes for heard. */
    readonly offset: number,
    /** Whether it is another user, who has to get nothing. */
    readonly isOther: boolean,
  ) {
    const { hello } = JSON.parse(line.received[0] as string)
    this.sid = hello.sid
    this.recovered = hello.recovered
    this.#pos = hello.received ?? 0
    this.#last = this.recovered ? pos : hello.recovery.pos
  }

  say(): void {
    const word = { from: this.number, n: ++this.sent }
    this.line.send(JSON.stringify({ event: 'say', data: word, pos: ++this.#pos }))
  }

  /** Reads what has come, nothing twice; answers what it is asked, and says what it has. */
  read(): void {
    const { received } = this.line
    for (; this.#read < received.length; this.#read++) {
      const frame = JSON.parse(received[this.#read] as string)
      if (frame.ping !== undefined) this.line.send(JSON.stringify({ pong: frame.ping }))
      if (frame.pos === undefined || frame.pos <= this.#last) continue
      this.#last = frame.pos
      if (frame.event === 'n') this.heard.push(frame.data)
      if (frame.event === 'key')
        this.line.send(JSON.stringify({ ack: frame.id, data: frame.data, pos: ++this.#pos }))
    }
    if (this.sent > 0) this.line.send(JSON.stringify({ received: this.#last }))
  }
}
