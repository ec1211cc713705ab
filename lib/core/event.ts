import { several } from '../protocol/frame.ts'

/** Takes the right to answer, if that is left; true also where there is no event to ask. For Partyline's own files. */
export let settle: (event: SocketEvent | undefined) => boolean

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
  #state: 'open' | 'acknowledged' | 'settled' = 'open'

  static {
    settle = (event) => {
      if (event === undefined) return true
      if (event.#state !== 'open') return false
      event.#state = 'settled'
      return true
    }
  }

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

  /** Whether it was answered already, here or by what its handler returned. */
  get acknowledged(): boolean {
    return this.#state !== 'open'
  }

  /**
   * Answers the request at once; what the handlers return is then not sent. Several arguments travel as `several` does.
   *
   * @throws Error if no ack was asked for, if it was acknowledged already, or if its handlers have returned.
   */
  ack(...args: unknown[]): void {
    if (this.#answer === undefined)
      throw new Error(`"${this.name}" asked for no ack: look at event.acknowledgeable first`)
    if (this.#state === 'acknowledged')
      throw new Error(`"${this.name}" was acknowledged already: an event is acknowledged once`)
    if (this.#state === 'settled')
      throw new Error(
        `"${this.name}" was answered: the handler has returned; return a promise to answer later`,
      )
    this.#state = 'acknowledged'
    this.#answer(args.length > 1 ? several(...args) : args[0])
  }
}
