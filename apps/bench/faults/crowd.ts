import { type Client, connect } from 'partyline/client'
import type { Ledger, Listener } from './ledger.ts'

/** How many are in a room: what one says is heard by as many. */
const ROOM = 10

/** How long a call waits for its answer, in milliseconds. */
const TIMEOUT = 30_000

/** How long the last of it may take from node to node, in milliseconds. */
const SETTLING = 3_000

/** How a crowd behaves. */
export interface CrowdOptions {
  size: number
  /** How many events a second each of them says. */
  rate: number
  /** Where a new line leads to: to any of the nodes, as behind a load balancer that knows nothing of sessions. */
  url(): string
}

/** Clients that talk and listen, and keep account of it. */
export class Crowd {
  readonly #members: Member[]

  constructor(ledger: Ledger, { size, rate, url }: CrowdOptions) {
    this.#members = Array.from(
      { length: size },
      (_, i) => new Member(ledger, i, rate, () => `${url()}/load?room=${Math.floor(i / ROOM)}`),
    )
  }

  async untilOpen(): Promise<void> {
    while (this.#members.some(({ client }) => client.state !== 'open')) await Bun.sleep(50)
  }

  begin(): void {
    for (const member of this.#members) member.begin()
  }

  /** Says no more, waits until everything has come that will, and closes the account. */
  async finish(): Promise<void> {
    for (const member of this.#members) member.hush()
    await this.untilOpen()
    // What was said before a call has come when that is answered; then the others have to hear of it.
    await Promise.allSettled(this.#members.map(({ client }) => client.call('ask', 0, { timeout: TIMEOUT })))
    await Bun.sleep(SETTLING)
    for (const member of this.#members) member.finish()
  }
}

class Member {
  readonly client: Client
  readonly #ledger: Ledger
  readonly #listener: Listener
  readonly #name: string
  readonly #rate: number
  /** Another after each session that was lost. */
  #life = 0
  #n = 0
  #timers: ReturnType<typeof setInterval>[] = []

  constructor(ledger: Ledger, i: number, rate: number, url: () => string) {
    this.#ledger = ledger
    this.#listener = ledger.listener()
    this.#name = `client ${i}`
    this.#rate = rate
    this.client = connect(url, { backoff: { min: 100, max: 2_000 }, onError() {} })
    this.client.on('heard', (speaker: string, n: number) => {
      // What nodes say is heard until they are stopped, so there is no last of it that must have come.
      this.#listener.heard(speaker, n)
    })
    let isFirst = true
    this.client.when('open', ({ recovered }) => {
      if (recovered) ledger.tally.recovered++
      else if (!isFirst) {
        ledger.tally.told++
        ledger.excuse(this.#speaker)
        this.#life++
        this.#n = 0
        this.#listener.told()
      }
      isFirst = false
    })
  }

  get #speaker(): string {
    return `${this.#name}, ${this.#life}`
  }

  begin(): void {
    const say = (): void => {
      const n = ++this.#n
      const speaker = this.#speaker
      this.client.emit('say', speaker, n)
      this.#ledger.said(speaker, n)
    }
    this.#timers = [setInterval(say, 1_000 / this.#rate), setInterval(() => void this.#ask(), 1_000)]
  }

  hush(): void {
    for (const timer of this.#timers) clearInterval(timer)
  }

  finish(): void {
    this.#listener.finish()
    this.client.close()
  }

  async #ask(): Promise<void> {
    const { tally } = this.#ledger
    tally.calls++
    try {
      await this.client.call('ask', tally.calls, { timeout: TIMEOUT })
    } catch (error) {
      // A session that was lost says so of its calls too.
      if ((error as { code?: string }).code !== 'DISCONNECTED') tally.unanswered++
    }
  }
}
