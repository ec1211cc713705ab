import type { CloseReason } from '../protocol/close.ts'
import type { Payload } from '../protocol/codec.ts'
import { type Circumstances, failureOf } from './failure.ts'
import type { ClientEnd, NetworkLine } from './line.ts'
import { difference } from './match.ts'
import type { Network } from './network.ts'
import { show } from './show.ts'
import { checkClose } from './socket.ts'
import { until } from './turn.ts'

/** A client that speaks the wire by hand: it sends what it is given, and shows what comes. Made by `app.line`. */
export class TestLine {
  /** By which it is called in messages. */
  readonly name: string
  /** Its own way to the app, with what can go wrong on it. */
  readonly network: Network
  /** All that has come, oldest first. */
  readonly received: Payload[] = []
  readonly #circumstances: Circumstances
  readonly #patience: number
  readonly #line: NetworkLine
  #state: 'connecting' | 'open' | 'closing' | 'closed' = 'connecting'
  #subprotocol: string | undefined
  #closed: CloseReason | undefined
  #taken = 0

  /** The kit makes it, with a line that is told what to tell it. */
  constructor(
    circumstances: Circumstances,
    network: Network,
    patience: number,
    dial: (end: ClientEnd) => NetworkLine,
  ) {
    this.name = circumstances.name
    this.network = network
    this.#circumstances = circumstances
    this.#patience = patience
    this.#line = dial({
      opened: (subprotocol) => {
        this.#state = 'open'
        this.#subprotocol = subprotocol
      },
      refused: () => this.#end({ code: 1006, reason: '' }),
      message: (payload) => this.received.push(payload),
      closed: (reason) => this.#end(reason),
    })
  }

  /** The subprotocol that the server chose. */
  get subprotocol(): string | undefined {
    return this.#subprotocol
  }

  get isOpen(): boolean {
    return this.#state === 'open'
  }

  /** How it ended; undefined while it lives. */
  get closed(): CloseReason | undefined {
    return this.#closed
  }

  /** Sends messages as they are; on a line that is closed they are lost. */
  send(...messages: Payload[]): void {
    if (this.#state === 'open') for (const message of messages) this.#line.send(message)
  }

  /**
   * Closes as a browser does: the server sees it after what was sent before.
   *
   * @throws Error for a code or reason that a browser refuses.
   */
  close(code = 1000, reason = ''): void {
    checkClose(code, reason)
    if (this.#state !== 'open') return
    this.#state = 'closing'
    this.#line.close(code, reason)
  }

  /**
   * Takes the oldest message that has come, or comes without time passing, and returns it.
   *
   * @param expected the message, letter by letter; or a function that checks it.
   * @throws Error where none came, or another one.
   *
   * @example
   * ```ts
   * import { Gateway, On } from 'partyline'
   * import { testApp } from 'partyline/testing'
   *
   * @Gateway('/party')
   * class Party {
   *   @On() guests() {
   *     return 7
   *   }
   * }
   *
   * const line = await (await testApp(Party)).line('/party')
   * line.send('{"event":"guests","id":1}')
   * await line.expectMessage('{"ack":1,"data":7}')
   * ```
   */
  async expectMessage(expected?: string | ((message: string) => unknown)): Promise<string>
  async expectMessage(expected: Uint8Array | ((message: Uint8Array) => unknown)): Promise<Uint8Array>
  async expectMessage(expected?: unknown): Promise<Payload> {
    const failure = failureOf(this.expectMessage, this.#circumstances)
    const wanted = `expected ${this.name} to receive ${expected === undefined ? 'a message' : shown(expected)}`
    await until(() => this.received.length > this.#taken, this.#patience)
    const found = this.received[this.#taken]
    if (found === undefined) throw failure(`${wanted}, and ${this.#nothing()}`)
    this.#taken++
    const fault = expected === undefined ? undefined : difference(expected, found)
    if (fault === undefined) return found
    const reason = typeof expected === 'function' ? `: ${fault}` : ''
    throw failure(`${wanted}, and got ${shown(found)}${reason}`, this.#untaken())
  }

  /**
   * Makes sure that nothing has come by now that no expectation took.
   *
   * @throws Error that says what came.
   */
  async expectNothing(): Promise<void> {
    const failure = failureOf(this.expectNothing, this.#circumstances)
    await until(() => false, 0)
    const untaken = this.#untaken()
    if (untaken.length > 0)
      throw failure(`expected ${this.name} to receive nothing, and something came`, untaken)
  }

  /**
   * Waits until it is closed, and returns how.
   *
   * @throws Error where it is not, or by another code.
   */
  async expectClosed(code?: number): Promise<CloseReason> {
    const failure = failureOf(this.expectClosed, this.#circumstances)
    const wanted = `expected ${this.name} to be closed${code === undefined ? '' : ` with ${code}`}`
    await until(() => this.#closed !== undefined, this.#patience)
    if (this.#closed === undefined) throw failure(`${wanted}, and it is ${this.#state}`)
    if (code !== undefined && this.#closed.code !== code)
      throw failure(`${wanted}, and it was with ${this.#closed.code} ${this.#closed.reason}`.trim())
    return this.#closed
  }

  /** Takes all that has come and nobody took. */
  take(): Payload[] {
    const untaken = this.received.slice(this.#taken)
    this.#taken = this.received.length
    return untaken
  }

  #end(reason: CloseReason): void {
    this.#state = 'closed'
    this.#closed = reason
  }

  #nothing(): string {
    if (this.#closed === undefined) return 'none came'
    return `the line was closed with ${this.#closed.code} ${this.#closed.reason}`.trim()
  }

  #untaken(): string[] {
    return this.received.slice(this.#taken).map(shown)
  }
}

/** A text stands for itself: it is a frame that somebody reads. */
function shown(payload: unknown): string {
  return typeof payload === 'string' ? payload : show(payload)
}
