import type { BrokerLog } from '../broker/broker.ts'

/** Says what is wrong: each kind of trouble once, and that a server is away once for each time that it is. */
export class Trouble {
  readonly #log: BrokerLog
  readonly #said = new Set<string>()
  #away: { since: number } | undefined

  constructor(log: BrokerLog) {
    this.#log = log
  }

  /** Something that may come a million times. */
  once(kind: string, fields: object, message: string): void {
    if (this.#said.has(kind)) return
    this.#said.add(kind)
    this.#log.warn(fields, `${message} (said once)`)
  }

  /** A connection failed. */
  away(server: string, error: Error, now: number): void {
    if (this.#away !== undefined) return
    this.#away = { since: now }
    this.#log.warn(
      { server, error: error.message },
      'Redis is away: trying again for ever. Until then other nodes are not heard and do not hear this one',
    )
  }

  /** Everything can be reached. */
  back(now: number): void {
    if (this.#away === undefined) return
    const { since } = this.#away
    this.#away = undefined
    this.#log.info({ milliseconds: now - since }, 'Redis is back, and everything is subscribed to again')
  }
}
