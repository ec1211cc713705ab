import { type Clock, LONGEST } from '../protocol/clock.ts'
import { PartylineError } from '../protocol/error.ts'
import type { AnyEvent, CallData } from '../protocol/event.ts'

/** How a call waits for its answer. */
export interface CallOptions {
  /** Milliseconds, the time without a line included; `Infinity` for no end. Default: the client's `timeout`. */
  timeout?: number
  /** Ends the waiting; the call rejects with its reason. */
  signal?: AbortSignal
}

/** What is given to `call` after the event. */
export type CallArgs<E extends AnyEvent> =
  undefined extends CallData<E>
    ? [data?: CallData<E>, options?: CallOptions]
    : [data: CallData<E>, options?: CallOptions]

interface Call {
  resolve(data: unknown): void
  reject(error: unknown): void
}

/** The requests that wait for their answers. Each ends in one way, and exactly once. */
export class Calls {
  readonly #clock: Clock
  readonly #timeout: number
  readonly #calls = new Map<number, Call>()
  /** Never given twice, so that an answer that comes late is taken for no other's. */
  #lastId = 0

  /** @param timeout how long a call waits that does not say it. */
  constructor(clock: Clock, timeout = 10_000) {
    this.#clock = clock
    this.#timeout = timeout
  }

  /**
   * Waits for an answer.
   *
   * @param send sends the request under an id; what it throws rejects the call.
   * @param giveUp is told the id where the caller has stopped waiting.
   * @param heard is told the answer before anything else is, that comes after it.
   */
  begin(
    event: string,
    send: (id: number) => void,
    giveUp: (id: number) => void,
    { timeout = this.#timeout, signal }: CallOptions = {},
    heard?: (data: unknown) => void,
  ): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) throw signal.reason
      const id = ++this.#lastId
      const end = (error: unknown): void => {
        this.fail(id, error)
        giveUp(id)
      }
      const abort = (): void => end(signal?.reason)
      const late = (): void =>
        end(new PartylineError('TIMEOUT', `no answer to "${event}" within ${timeout} ms`))
      const timer = timeout < LONGEST ? this.#clock.setTimeout(late, timeout) : undefined
      signal?.addEventListener('abort', abort)
      const settled = <T>(settle: (value: T) => void) => {
        return (value: T): void => {
          this.#calls.delete(id)
          this.#clock.clearTimeout(timer)
          signal?.removeEventListener('abort', abort)
          settle(value)
        }
      }
      const hear = (data: unknown): void => {
        heard?.(data)
        resolve(data)
      }
      this.#calls.set(id, { resolve: settled(hear), reject: settled(reject) })
      try {
        send(id)
      } catch (error) {
        this.fail(id, error)
      }
    })
  }

  answer(id: number, data: unknown): void {
    this.#calls.get(id)?.resolve(data)
  }

  fail(id: number, error: unknown): void {
    this.#calls.get(id)?.reject(error)
  }

  /** The line went, and with it every answer, but for the requests that it left alone. */
  disconnected(isSpared: (id: number) => boolean): void {
    for (const id of this.#calls.keys())
      if (!isSpared(id))
        this.fail(id, new PartylineError('DISCONNECTED', 'the line went before the answer came'))
  }
}
