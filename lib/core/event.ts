/**
 * An event as `@OnAny` and the `event` signal see it.
 *
 * @example
 * ```ts
 * import { Gateway, OnAny, type Socket, type SocketEvent } from 'partyline'
 *
 * @Gateway('/log')
 * class Log {
 *   @OnAny() any(socket: Socket, event: SocketEvent) {
 *     if (event.acknowledgeable && !event.acknowledged) event.ack('noted')
 *   }
 * }
 * ```
 */
export class SocketEvent {
  readonly name: string
  readonly args: readonly unknown[]
  readonly #answer: ((data: unknown) => void) | undefined
  #acknowledged = false

  /** `answer` is absent where no ack was asked for. */
  constructor(name: string, args: readonly unknown[], answer?: (data: unknown) => void) {
    this.name = name
    this.args = args
    this.#answer = answer
  }

  /** The first argument, which for most events is the only one. */
  get data(): unknown {
    return this.args[0]
  }

  /** Whether the sender asked for an ack. */
  get acknowledgeable(): boolean {
    return this.#answer !== undefined
  }

  /** Whether it was acknowledged already. */
  get acknowledged(): boolean {
    return this.#acknowledged
  }

  /**
   * Answers the request at once; what the handlers return is then not sent. Several arguments travel as an array.
   *
   * @throws Error if no ack was asked for, or if it was acknowledged already.
   */
  ack(...args: unknown[]): void {
    if (this.#answer === undefined)
      throw new Error(`"${this.name}" asked for no ack: look at event.acknowledgeable first`)
    if (this.#acknowledged)
      throw new Error(`"${this.name}" was acknowledged already: an event is acknowledged once`)
    this.#acknowledged = true
    this.#answer(args.length > 1 ? args : args[0])
  }

  /** Takes the right to answer; false if somebody has answered. For the session. */
  settle(): boolean {
    if (this.#acknowledged) return false
    this.#acknowledged = true
    return true
  }
}
