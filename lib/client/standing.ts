import { PartylineError } from '../protocol/error.ts'
import type { Frame, PublishFrame, RequestFrame } from '../protocol/frame.ts'
import { Backoff } from './backoff.ts'
import type { Beside } from './beside.ts'
import type { CallOptions } from './calls.ts'
import type { Client } from './client.ts'
import { Timer } from './timer.ts'

/** Something that is wanted of the server for as long as there is a line. */
export interface Want<T> {
  /**
   * Asks for it, and gives the answer to `grant`. Where that takes several requests, `isCurrent` says whether it is still
   * wanted, and on the same line.
   */
  ask(grant: (answer: unknown) => void, isCurrent: () => boolean): Promise<void>
  /** The server has granted it on this line. Returns what whoever waits for it gets. */
  granted(answer: unknown): T
  /** It is not to be had, and not asked for any more. */
  refused(): void
}

interface Settle<T> {
  resolve(gain: T): void
  reject(error: unknown): void
}

/** A want that stands, until it is refused or dropped. */
export class Wish<T = unknown> {
  readonly timer: Timer
  readonly backoff: Backoff
  /** Another for each time that it is asked for, so that an answer which comes late is taken for no other's. */
  turn = 0
  /** Whether it is granted on this line. */
  isGranted = false
  /** Resolves when it is granted first; rejects where that will not be. */
  readonly ready: Promise<T>
  readonly #want: Want<T>
  #settle!: Settle<T>

  constructor(want: Want<T>, { clock, backoff, random }: Beside['settings']) {
    this.#want = want
    this.timer = new Timer(clock)
    this.backoff = new Backoff(backoff, random)
    this.ready = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject }
    })
    // Nobody need look: the client's onError hears of it, too.
    this.ready.catch(() => {})
  }

  ask(isCurrent: () => boolean): Promise<void> {
    return this.#want.ask((answer) => {
      if (isCurrent()) this.#grant(answer)
    }, isCurrent)
  }

  #grant(answer: unknown): void {
    this.isGranted = true
    this.backoff.attempt = 0
    this.#settle.resolve(this.#want.granted(answer))
  }

  refuse(error: unknown): void {
    this.#want.refused()
    this.#settle.reject(error)
  }

  /** What was asked before is not waited for any more. */
  halt(): number {
    this.timer.stop()
    this.isGranted = false
    return ++this.turn
  }
}

/** What is beside the events of a client: asked of the server on each line anew, since nothing of it outlives one. */
export class Standing {
  readonly #client: Client
  readonly #beside: Beside
  readonly #wishes = new Set<Wish>()
  /** Requests that were sent on this line, and are not answered. */
  readonly #asked = new Set<number>()
  #hasLine: boolean

  /** @param hear is told each frame of a channel, or about who is present. */
  constructor(client: Client, hear: (frame: Frame) => void) {
    this.#client = client
    this.#beside = client['~beside']
    this.#hasLine = client.state === 'open'
    const { news } = this.#beside
    news.add('line', (state: string) => this.#changed(state))
    news.add('frame', hear)
  }

  /** Asks for it now, if there is a line, and on each further one. */
  add<T>(want: Want<T>): Wish<T> {
    const wish = new Wish(want, this.#beside.settings)
    this.#wishes.add(wish)
    if (this.#hasLine) void this.renew(wish)
    if (this.#client.state === 'closed') this.drop(wish, closed())
    return wish
  }

  drop(wish: Wish, error: unknown = new PartylineError('DISCONNECTED', 'it was given up')): void {
    wish.halt()
    this.#wishes.delete(wish)
    wish.refuse(error)
  }

  /** Asks for it once more. */
  async renew(wish: Wish): Promise<void> {
    const turn = wish.halt()
    const isCurrent = (): boolean => turn === wish.turn
    try {
      await wish.ask(isCurrent)
    } catch (error) {
      if (!isCurrent()) return
      if (isPassing(error)) {
        wish.timer.start(wish.backoff.next(), () => this.renew(wish))
      } else {
        this.drop(wish, error)
        this.report(error)
      }
    }
  }

  /**
   * Sends a request on this line. Rejects with DISCONNECTED where that goes before the answer comes.
   *
   * @param heard is told the answer at once: what comes after it may be about it. What it throws, this rejects with.
   */
  async ask(name: string, frame: RequestFrame, heard: (answer: unknown) => void = () => {}): Promise<void> {
    let asked = 0
    let fault: unknown
    const send = (id: number): void => {
      asked = id
      this.#asked.add(id)
      this.send({ ...frame, id })
    }
    const hear = (answer: unknown): void => {
      try {
        heard(answer)
      } catch (error) {
        fault = error
      }
    }
    try {
      await this.#beside.calls.begin(name, send, () => {}, {}, hear)
    } finally {
      this.#asked.delete(asked)
    }
    if (fault !== undefined) throw fault
  }

  /** Sends on this line, or not at all. */
  send(frame: Frame): void {
    const { dialer, settings } = this.#beside
    if (this.#hasLine) dialer.line?.send(settings.codec.encode(frame))
  }

  /** Sends as events are sent: waits for a line, and has a position where they have. */
  push(frame: PublishFrame): void {
    if (this.#client.state === 'closed') throw closed()
    this.#beside.outbox.push(frame)
  }

  /** The same, and waits for the answer. */
  call(name: string, frame: PublishFrame, options?: CallOptions): Promise<unknown> {
    const { calls, outbox } = this.#beside
    return calls.begin(
      name,
      (id) => this.push({ ...frame, id }),
      (id) => outbox.withdraw(id),
      options,
    )
  }

  report(error: unknown, name?: string): void {
    this.#beside.settings.report(error, name)
  }

  /** Calls somebody back; what that throws holds up nobody else. */
  async tell(name: string, callback: () => unknown): Promise<void> {
    try {
      await callback()
    } catch (error) {
      this.report(error, name)
    }
  }

  #changed(state: string): void {
    const hasLine = state === 'open'
    // Who comes while the app is told that it is open has asked already.
    if (hasLine && this.#hasLine) return
    this.#hasLine = hasLine
    for (const wish of this.#wishes) {
      if (hasLine) void this.renew(wish)
      else if (state === 'closed') this.drop(wish, closed())
      else wish.halt()
    }
    if (!hasLine) this.#beside.calls.disconnected((id) => !this.#asked.has(id))
  }
}

/** Whether what failed so may do when it is tried again. */
export function isPassing(error: unknown): boolean {
  return error instanceof PartylineError && error.retry
}

function closed(): PartylineError {
  return new PartylineError('DISCONNECTED', 'the client is closed')
}
