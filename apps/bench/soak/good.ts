import { SoakClient } from './client.ts'

/** Milliseconds between two requests of one client. */
const EVERY = 2_000

/** A client that behaves: it counts what it is told, and what it is answered. */
export class GoodClient {
  /** Broadcasts heard. */
  heard = 0
  asked = 0
  answered = 0
  readonly #client: SoakClient
  #first = 0
  #last = 0
  #timer: ReturnType<typeof setTimeout> | undefined
  #isInOrder = true

  private constructor(client: SoakClient) {
    this.#client = client
    client.heard = (text) => this.#hear(text)
  }

  static async open(port: number, greeted: boolean): Promise<GoodClient> {
    return new GoodClient(await SoakClient.open(port, 'good', greeted))
  }

  begin(): void {
    this.#timer = setTimeout(() => this.#ask(), Math.random() * EVERY)
  }

  /** Asks nothing any more. */
  rest(): void {
    clearTimeout(this.#timer)
  }

  /** Whether it has all that it can have by now. */
  hasAll(lastTick: number): boolean {
    return this.answered === this.asked && this.#last === lastTick
  }

  /** How much it did not get, of broadcasts and of answers. */
  lost(lastTick: number): number {
    // All of them were there before the first broadcast.
    const ticks = lastTick - this.heard
    const gap = this.#isInOrder && this.#first <= 1 ? 0 : 1
    return ticks + gap + (this.asked - this.answered) + (this.#client.hasEnded ? 1 : 0)
  }

  leave(): void {
    this.rest()
    this.#client.vanish()
  }

  #ask(): void {
    this.#client.send(JSON.stringify({ event: 'ask', data: this.asked, id: this.asked }))
    this.asked++
    this.#timer = setTimeout(() => this.#ask(), EVERY)
  }

  #hear(text: string): void {
    const frame = JSON.parse(text) as { event?: string; data?: number; ack?: number; ping?: number }
    if (frame.event === 'tick') {
      const tick = frame.data as number
      if (this.heard === 0) this.#first = tick
      else if (tick !== this.#last + 1) this.#isInOrder = false
      this.#last = tick
      this.heard++
    } else if (frame.ack !== undefined) {
      // In order, each once: an error or another's answer is a loss.
      if (frame.ack === this.answered && frame.data === frame.ack) this.answered++
    } else if (frame.ping !== undefined) this.#client.send(JSON.stringify({ pong: frame.ping }))
  }
}
