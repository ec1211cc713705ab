import { type Clock, systemClock } from '../protocol/clock.ts'
import type { BrokerHost, BrokerLog } from './broker.ts'

/** The host of a broker that may be used before it is started: with the machine's time until then, and without a log. */
export class LateHost implements BrokerHost {
  #host: BrokerHost | undefined

  readonly clock: Clock = {
    now: () => this.#clock.now(),
    setTimeout: (task, milliseconds) => {
      const clock = this.#clock
      return { clock, timer: clock.setTimeout(task, milliseconds) }
    },
    clearTimeout: (set) => {
      const { clock, timer } = (set ?? {}) as { clock?: Clock; timer?: unknown }
      clock?.clearTimeout(timer)
    },
  }

  readonly log: BrokerLog = {
    error: (fields, message) => this.#host?.log.error(fields, message),
    warn: (fields, message) => this.#host?.log.warn(fields, message),
    info: (fields, message) => this.#host?.log.info(fields, message),
  }

  get wasStarted(): boolean {
    return this.#host !== undefined
  }

  /** Throws where that was done before. */
  start(host: BrokerHost): void {
    if (this.#host !== undefined)
      throw new Error('this broker was started before: make one for each app, and one for each publisher.')
    this.#host = host
  }

  /** A handler threw. */
  readonly failed = (error: unknown): void =>
    this.log.error({ error }, 'a handler of what the broker brings threw')

  get #clock(): Clock {
    return this.#host?.clock ?? systemClock
  }
}
