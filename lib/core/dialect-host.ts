import { Handshake } from '../protocol/handshake.ts'
import { expectFrom } from './census.ts'
import type { ConnectionHandler } from './connection.ts'
import { type DialectFactory, type DialectHost, isDialects, type Knock, type Verdict } from './dialect.ts'
import type { Door } from './door.ts'
import { normalise } from './path.ts'
import { FAILED, type Refused } from './refusal.ts'
import type { Route } from './route.ts'
import type { Shared } from './shared.ts'

/** What an app offers to one of its dialects. `index` is which of those it is that speak with gateways. */
export class AppDialectHost implements DialectHost {
  readonly limits: DialectHost['limits']
  readonly clock: DialectHost['clock']
  readonly logger: DialectHost['logger']
  readonly #index: number
  readonly #name: string
  readonly #door: Door
  readonly #shared: Shared

  constructor({ name }: DialectFactory, index: number, door: Door, shared: Shared) {
    this.limits = shared.limits
    this.clock = shared.clock
    this.logger = shared.logger
    this.#name = name
    this.#index = index
    this.#door = door
    this.#shared = shared
  }

  count(what: Parameters<DialectHost['count']>[0]): void {
    this.#shared.stats.count(what)
  }

  report(error: unknown, message: string): void {
    try {
      this.#shared.report(error, message, { path: this.#name })
    } catch {
      // A log that fails must not take anything with it, and there is nowhere left to say so.
    }
  }

  crowded(ip: string): Refused | undefined {
    return this.#door.crowded(ip)
  }

  expect(ip: string): () => void {
    return expectFrom(this.#shared.census, ip)
  }

  knock(knock: Knock): Verdict | Promise<Verdict> {
    const found = this.#door.find(normalise(knock.path))
    const codec = found === undefined ? -1 : this.#codecOf(found.route)
    if (found === undefined || codec < 0) return 'unknown'
    const full = this.#door.crowded(knock.ip)
    if (full !== undefined) return full
    const { route, params } = found
    const { url, headers, ip, auth, resume } = knock
    const handshake = new Handshake(url, headers, ip, this.clock.now(), params, auth)
    if (route.channels?.isAskedFor(handshake)) return this.#eventsOnly
    const welcome = (handler: ConnectionHandler): Verdict => ({ path: route.path, handler })
    try {
      const entered = this.#door.enter(route, { handshake, identity: undefined, codec, greets: true, resume })
      if (!(entered instanceof Promise)) return welcome(entered)
      return entered.then(
        (late) =>
          ('status' in late
            ? late
            : { ...(welcome(late) as object), refusal: () => this.crowded(ip) }) as Verdict,
        (error: unknown) => this.#failed(error),
      )
    } catch (error) {
      return this.#failed(error)
    }
  }

  /** Dialects carry events alone: who was let in with channels in its url would wait for their messages in vain. */
  get #eventsOnly(): Refused {
    const message =
      `channels cannot be heard or published to over ${this.#name}: leave subscribe-… and publish-… out of the url, ` +
      'or connect with a plain WebSocket'
    return { status: 400, code: 'INVALID_DATA', message }
  }

  #failed(error: unknown): Refused {
    this.report(error, 'a client could not be let in')
    return FAILED
  }

  /** Gateways list the codecs of dialects in the dialects' order, after all others. */
  #codecOf({ codecs }: Route): number {
    const spoken = codecs.flatMap((codec, i) => (isDialects(codec) ? [i] : []))
    return spoken[this.#index] ?? -1
  }
}
