import { type Clock, LONGEST } from '../protocol/clock.ts'
import { isId } from '../protocol/codec.ts'
import type { Hello, PositionedFrame, RecoveryTerms } from '../protocol/frame.ts'
import type { Outbox } from './outbox.ts'
import type { Receipts } from './receipts.ts'
import type { Beginning } from './state.ts'
import { Timer } from './timer.ts'

/**
 * What survives a line: who this client is to the server, and how far each side's messages have come. It is over when
 * the line breaks, unless the server keeps it for a while.
 */
export class Session {
  readonly #clock: Clock
  readonly #outbox: Outbox
  readonly #receipts: Receipts
  readonly #over: () => void
  /** The socket's id at the server; undefined before the first hello. */
  sid: string | undefined
  /** Another for each session: the answer to a request of one is nothing to the next. */
  number = 0
  #terms: RecoveryTerms | undefined
  /** Until when it can be resumed, while there is no line. */
  #until: number | undefined
  readonly #timer: Timer
  /** How many emits may not have arrived in sessions that are over. */
  #lost = 0

  constructor(clock: Clock, outbox: Outbox, receipts: Receipts, over: () => void) {
    this.#clock = clock
    this.#timer = new Timer(clock)
    this.#outbox = outbox
    this.#receipts = receipts
    this.#over = over
  }

  /** Whether it can be resumed, so that what is sent in it has positions. */
  get hasPositions(): boolean {
    return this.#terms !== undefined
  }

  /** The last position that arrived. */
  get last(): number {
    return this.#receipts.last
  }

  /** The subprotocol by which to ask for it again, where it may still be there. From now on the server decides that. */
  offer(): string[] {
    this.#timer.stop()
    return this.#terms ? [`partyline.resume.${this.#terms.token}.${this.#receipts.last}`] : []
  }

  /** Goes on, or begins anew, as the server says. */
  begin(hello: Hello): Beginning {
    const terms = termsOf(hello)
    const recovered = hello.recovered === true && terms !== undefined && this.#terms !== undefined
    if (recovered) this.#outbox.acknowledge(hello.received ?? 0)
    else {
      this.end()
      this.#receipts.last = terms?.pos ?? 0
    }
    this.#terms = terms
    this.#until = undefined
    this.sid = hello.sid
    const lost = this.#lost
    this.#lost = 0
    return { recovered, lost }
  }

  /** Whether a frame is new: what comes again after a line broke is dropped. */
  admits({ pos }: PositionedFrame): boolean {
    return !this.#terms || pos === undefined || this.#receipts.admit(pos)
  }

  /** There is no line any more, or still none. */
  suspend(): void {
    this.#receipts.stop()
    this.#outbox.detach()
    if (this.#terms === undefined) return this.end()
    const now = this.#clock.now()
    this.#until ??= now + this.#terms.window
    this.#timer.start(this.#until - now, () => this.end())
  }

  /** Nothing of it will be gone on with. */
  end(): void {
    this.#timer.stop()
    this.#terms = this.#until = undefined
    this.number++
    this.#lost += this.#outbox.restart()
    this.#over()
  }
}

/** The terms of a hello, if they are any that can be kept to. */
function termsOf({ recovery }: Hello): RecoveryTerms | undefined {
  const { token, window, pos } = recovery ?? ({} as RecoveryTerms)
  // With other characters than a subprotocol can have, the next attempt would throw.
  const isSound = typeof token === 'string' && /^[\w!#$%&'*+.^`|~-]+$/.test(token) && window > 0 && isId(pos)
  return isSound ? { token, window: Math.min(window, LONGEST), pos } : undefined
}
