import type { Clock } from '../protocol/clock.ts'
import type { CloseReason } from '../protocol/close.ts'
import type { Payload } from '../protocol/codec.ts'
import type { MemoryClient } from '../runtime/memory.ts'
import type { Conditions } from './conditions.ts'
import { Pipe } from './pipe.ts'
import { Reader } from './reader.ts'
import type { Transcript } from './transcript.ts'

/** A client's end of a line. */
export interface ClientEnd {
  opened(subprotocol: string | undefined): void
  /** Nobody was let in; the response is absent where there is no server. */
  refused(response: Response | undefined): void
  message(payload: Payload): void
  /** Once and last. */
  closed(reason: CloseReason): void
}

/** Whoever has a line made. */
export interface Caller {
  /** Asks the server for a connection: its other end, the response that refused, or undefined where nobody is there. */
  knock(): Promise<MemoryClient | Response | undefined>
  readonly transcript: Transcript
}

/** What a line asks of the network that it is on. */
export interface LineRules {
  readonly clock: Clock
  readonly random: () => number
  readonly conditions: Conditions
  /** Neither side can hear of it any more. */
  over(line: NetworkLine): void
}

/** Who notices at once that a line was cut; the other side has to find out. */
export type SeenBy = 'both' | 'client' | 'server'

/** Of a line that broke. */
const BROKEN: CloseReason = { code: 1006, reason: '' }

/** After how many others at most a message comes again. */
const LATE = 3

/** A line between a client and the server in memory, with all that can go wrong with it. */
export class NetworkLine {
  readonly #rules: LineRules
  readonly #caller: Caller
  readonly #end: ClientEnd
  readonly #up: Pipe
  readonly #down: Pipe
  #server: MemoryClient | undefined
  #reader: Reader | undefined
  /** Whether each side still takes it for a line. */
  #hasClient = true
  #hasServer = true
  /** Whether nothing arrives any more. */
  #isDead = false
  /** After how many messages it is cut, and who sees it. */
  #last: { count: number; seenBy: SeenBy } | undefined
  /** What comes again, and after how many others. */
  #again: { pipe: Pipe; count: number; arrive: () => void }[] = []

  constructor(rules: LineRules, caller: Caller, end: ClientEnd) {
    this.#rules = rules
    this.#caller = caller
    this.#end = end
    this.#up = new Pipe(rules.clock)
    this.#down = new Pipe(rules.clock)
    this.#put(this.#up, () => void this.#knock())
  }

  /** When something arrives next, on either side; undefined where nothing is on its way. */
  get next(): number | undefined {
    const times = [this.#up.next, this.#down.next].filter((time) => time !== undefined)
    return times.length === 0 ? undefined : Math.min(...times)
  }

  /** A message of the client's. */
  send(payload: Payload): void {
    this.#caller.transcript.note('>', payload)
    this.#message(this.#up, () => this.#server?.send(payload))
  }

  /** The client closes, and hears of the end when the server has answered; on a dead line, soon. */
  close(code: number, reason: string): void {
    this.#caller.transcript.note('|', `closes with ${code} ${reason}`.trim())
    if (this.#isDead) queueMicrotask(() => this.#endClient(BROKEN))
    else this.#put(this.#up, () => this.#leave(code, reason))
  }

  /** Breaks, now or after so many further messages of either side. What is on its way is lost. */
  cut(seenBy: SeenBy, after = 0): void {
    if (after > 0) {
      this.#last = { count: after, seenBy }
      return
    }
    if (!this.#isDead)
      this.#caller.transcript.note('|', seenBy === 'both' ? 'cut' : `cut, which the ${seenBy} alone sees`)
    this.#lose()
    if (seenBy !== 'client') this.#endServer()
    if (seenBy !== 'server') this.#endClient(BROKEN)
  }

  /** Nothing arrives any more, and nobody is told. */
  halfOpen(): void {
    if (this.#isDead) return
    this.#caller.transcript.note('|', 'half-open')
    this.#lose()
  }

  /** Lets nothing through until it is released. */
  hold(): void {
    this.#up.hold()
    this.#down.hold()
  }

  release(): void {
    this.#up.release()
    this.#down.release()
  }

  /** Reads at the pace that the conditions say now. */
  pace(): void {
    if (this.#hasServer) this.#reader?.pace(this.#rules.conditions.reading)
  }

  async #knock(): Promise<void> {
    const answer = await this.#caller.knock()
    if (answer === undefined || answer instanceof Response) {
      this.#hasServer = false
      return this.#put(this.#down, () => this.#refused(answer))
    }
    this.#server = answer
    // It was cut meanwhile.
    if (!this.#hasServer) return answer.vanish()
    this.#put(this.#down, () => {
      this.#caller.transcript.note('|', 'open')
      this.#end.opened(answer.subprotocol)
    })
    for (const payload of answer.received.splice(0)) this.#arrive(payload)
    if (answer.closed !== undefined) return this.#serverEnded(answer.closed)
    answer.listener = {
      message: (payload) => this.#arrive(payload),
      closed: (reason) => this.#serverEnded(reason),
    }
    this.#reader = new Reader(this.#rules.clock, answer)
    this.pace()
  }

  #refused(response: Response | undefined): void {
    this.#hasClient = false
    this.#caller.transcript.note(
      '|',
      response === undefined ? 'no server' : `refused with ${response.status}`,
    )
    this.#rules.over(this)
    this.#end.refused(response)
  }

  /** A message of the server's. */
  #arrive(payload: Payload): void {
    this.#message(this.#down, () => {
      this.#caller.transcript.note('<', payload)
      this.#end.message(payload)
    })
  }

  /** Sends a message, and again if chance says so. */
  #message(pipe: Pipe, arrive: () => void): void {
    if (this.#isDead) return
    const deliver = (): void => this.#deliver(arrive)
    this.#put(pipe, deliver)
    for (const one of this.#again) if (one.pipe === pipe && one.count-- === 0) this.#put(pipe, one.arrive)
    this.#again = this.#again.filter(({ count }) => count >= 0)
    if (!this.#chance(this.#rules.conditions.duplicate)) return
    const count = Math.floor(this.#rules.random() * (LATE + 1))
    if (count === 0) this.#put(pipe, deliver)
    else this.#again.push({ pipe, count: count - 1, arrive: deliver })
  }

  #deliver(arrive: () => void): void {
    const { cut, halfOpen } = this.#rules.conditions
    if (this.#chance(cut)) return this.cut('both')
    if (this.#chance(halfOpen)) return this.halfOpen()
    arrive()
    if (this.#last !== undefined && --this.#last.count === 0) this.cut(this.#last.seenBy)
  }

  #put(pipe: Pipe, arrive: () => void): void {
    if (this.#isDead) return
    const { delay } = this.#rules.conditions
    pipe.put(
      arrive,
      typeof delay === 'number' ? delay : delay[0] + this.#rules.random() * (delay[1] - delay[0]),
    )
  }

  /** Draws, where there is anything to draw for. */
  #chance(probability: number): boolean {
    return probability > 0 && this.#rules.random() < probability
  }

  #lose(): void {
    this.#isDead = true
    this.#up.empty()
    this.#down.empty()
    this.#reader?.stop()
  }

  /** The client's close has come to the server; or to nobody, where the server has not let it in yet. */
  #leave(code: number, reason: string): void {
    if (this.#server !== undefined) this.#server.close(code, reason)
    else this.cut('both')
  }

  #serverEnded(reason: CloseReason): void {
    if (!this.#hasServer) return
    this.#hasServer = false
    this.#reader?.stop()
    this.#put(this.#down, () => this.#endClient(reason))
  }

  #endServer(): void {
    if (!this.#hasServer) return
    this.#hasServer = false
    this.#server?.vanish()
  }

  #endClient(reason: CloseReason): void {
    if (!this.#hasClient) return
    this.#hasClient = false
    this.#lose()
    this.#caller.transcript.note('|', `closed with ${reason.code} ${reason.reason}`.trim())
    if (!this.#hasServer) this.#rules.over(this)
    this.#end.closed(reason)
  }
}
