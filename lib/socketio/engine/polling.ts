import type { Clock } from '../../protocol/clock.ts'
import { PostedBody } from './body.ts'
import type { EngineRules } from './options.ts'
import { type Packet, PayloadReader, packets, SEPARATOR, sizeOf, textPacket } from './packet.ts'
import type { Reply } from './reply.ts'
import type { EngineEnd, Farewell, Transport } from './transport.ts'

/** A request of a session that polls, and how to answer it. */
export interface Asked {
  readonly request: Request
  readonly reply: Reply
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal
  /** Has the runtime keep the connection although nothing passes on it, until the request is answered. */
  readonly hold: (() => void) | undefined
}

/** What polling needs of its session. */
export interface Polled {
  /** How it ended; undefined while it lives. */
  readonly end: EngineEnd | undefined
  receive(packet: Packet): void
  fail(end: EngineEnd): void
}

/** How long a poll is held while a WebSocket is being tried, in milliseconds: the client has to end polling before it goes over. */
const PROBING = 100

/** HTTP long-polling: GET to receive, POST to send (section "HTTP long-polling"). */
export class Polling implements Transport {
  readonly name = 'polling'
  readonly connection = undefined
  readonly #session: Polled
  readonly #rules: EngineRules
  readonly #clock: Clock
  /** What is to be sent, oldest first. */
  #waiting: Packet[] = []
  #size = 0
  /** Answers the GET that waits for something to be sent. */
  #poll: ((payload: string) => void) | undefined
  #isFlushing = false
  /** The POST that is being read or handled. */
  #posted: PostedBody | undefined
  /** Set while nothing is to be read; called when reading goes on. */
  #paused: { until: Promise<void>; end: () => void } | undefined
  /** How many polls are answered at once although there is nothing to send; undefined while no WebSocket is being tried. */
  #spare: number | undefined

  constructor(session: Polled, rules: EngineRules, clock: Clock) {
    this.#session = session
    this.#rules = rules
    this.#clock = clock
  }

  get writable(): boolean {
    return this.#poll !== undefined
  }

  get bufferedAmount(): number {
    return this.#size
  }

  /** Whether the client has still to come for that packet. */
  holds(packet: Packet): boolean {
    return this.#waiting.includes(packet)
  }

  /** Whether a POST is on its way. */
  get isPosting(): boolean {
    return this.#posted !== undefined
  }

  send(packet: Packet): boolean {
    return this.sendAll([packet])
  }

  sendAll(all: readonly Packet[]): boolean {
    for (const packet of all) {
      this.#waiting.push(packet)
      this.#size += sizeOf(packet) + 1
    }
    if (this.#poll === undefined) return false
    // What is sent in one go shares one answer, since the next can only leave when the client has asked again.
    if (!this.#isFlushing) {
      this.#isFlushing = true
      queueMicrotask(() => this.#flush())
    }
    return true
  }

  /** Section "Receiving data". */
  poll({ reply, signal, hold }: Asked): Response | Promise<Response> {
    if (this.#poll !== undefined) return this.#overlap(reply, 'two GET requests at a time')
    if (signal.aborted) return this.#abandoned(reply)
    if (this.#waiting.length > 0) return reply.packets(this.#take())
    if (this.#spare !== undefined && this.#spare-- > 0) return reply.packets(packets.noop)
    hold?.()
    return new Promise((resolve) => {
      const timer = this.#spare === undefined ? undefined : this.#clock.setTimeout(this.#release, PROBING)
      const settle = (response: Response): void => {
        this.#poll = undefined
        this.#clock.clearTimeout(timer)
        signal.removeEventListener('abort', abandon)
        resolve(response)
      }
      const abandon = (): void => {
        this.#poll = undefined
        settle(this.#abandoned(reply))
      }
      signal.addEventListener('abort', abandon)
      this.#poll = (payload) => settle(reply.packets(payload))
    })
  }

  /** Section "Sending data". Resolves when all of it was handled, and never rejects. */
  async post({ request, reply, hold }: Asked): Promise<Response> {
    if (this.#posted !== undefined) return this.#overlap(reply, 'two POST requests at a time')
    // From protocol 3, where payloads could be binary.
    if (request.headers.get('content-type') === 'application/octet-stream')
      return this.#broken(reply, 'parse error', 1003, 'a payload is text')
    this.#posted = new PostedBody(request, this.#rules.maxPayload)
    try {
      const body = await this.#posted.read()
      if (this.#session.end !== undefined) return reply.refused('unknownSession')
      if (body === 'too large') {
        const reason = `a payload of more than ${this.#rules.maxPayload} bytes`
        this.#session.fail({ cause: 'transport error', code: 1009, reason })
        return reply.tooLarge()
      }
      if (body === 'no text') return this.#broken(reply, 'parse error', 1007, 'a payload that is no UTF-8')
      if (body === 'broken off')
        return this.#broken(reply, 'transport error', 1006, 'a POST request that broke off')
      return (await this.#handle(body.text, hold)) ? reply.ok() : reply.refused('badRequest')
    } finally {
      this.#posted = undefined
    }
  }

  pause(): void {
    if (this.#paused !== undefined) return
    let end = (): void => {}
    const until = new Promise<void>((resolve) => {
      end = resolve
    })
    this.#paused = { until, end }
  }

  resume(): void {
    this.#paused?.end()
    this.#paused = undefined
  }

  /** A WebSocket is being tried: what waits for something to be sent is let go, so that the client can go over. */
  probe(): void {
    // A poll that crosses the answer to the probe is let go as quickly; one that comes after that is of no hurry.
    this.#spare = 1
    this.#release()
  }

  /** That came to nothing. */
  stay(): void {
    this.#spare = undefined
  }

  /** The WebSocket takes over: what is to be sent is its. */
  leave(): Packet[] {
    const left = this.#waiting
    this.#empty()
    this.#poll?.(packets.noop)
    this.resume()
    return left
  }

  terminate(): void {
    this.#empty()
  }

  finish(_: EngineEnd, how: Farewell): boolean {
    this.#posted?.cancel()
    this.resume()
    if (how !== 'orderly') this.#empty()
    // What the test suite of the protocol expects: a client that closes is not told to close.
    this.#waiting.push(how === 'client' ? packets.noop : packets.close)
    const lingers = how === 'orderly' && this.#poll === undefined
    this.#poll?.(this.#take())
    return lingers
  }

  readonly #release = (): void => this.#poll?.(packets.noop)

  #flush(): void {
    this.#isFlushing = false
    if (this.#waiting.length > 0 && this.#poll !== undefined) this.#poll(this.#take())
  }

  #take(): string {
    const payload = this.#waiting.map(textPacket).join(SEPARATOR)
    this.#empty()
    return payload
  }

  #empty(): void {
    this.#waiting = []
    this.#size = 0
  }

  /** False where not all of it was handled, and the client does not expect that. */
  async #handle(payload: string, hold: Asked['hold']): Promise<boolean> {
    const reader = new PayloadReader(payload)
    let count = 0
    for (let packet = reader.next(); packet !== undefined; packet = reader.next()) {
      // The client is told that it arrived when all was handled, and sends nothing before: so it feels a pause.
      while (this.#paused !== undefined) {
        hold?.()
        await this.#paused.until
      }
      if (this.#session.end !== undefined) break
      if (++count > this.#rules.maxPackets) {
        const reason = `a payload of more than ${this.#rules.maxPackets} packets`
        this.#session.fail({ cause: 'transport error', code: 1008, reason })
      } else this.#session.receive(packet)
    }
    const cause = this.#session.end?.cause
    return cause === undefined || cause === 'transport close' || cause === 'forced close'
  }

  #overlap(reply: Reply, reason: string): Response {
    return this.#broken(reply, 'transport error', 1002, reason)
  }

  #abandoned(reply: Reply): Response {
    return this.#broken(reply, 'transport error', 1006, 'a GET request that broke off')
  }

  #broken(reply: Reply, cause: EngineEnd['cause'], code: number, reason: string): Response {
    this.#session.fail({ cause, code, reason })
    return reply.refused('badRequest')
  }
}
