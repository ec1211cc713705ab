import type { Handshake } from '../protocol/handshake.ts'
import type { AppClaims, Identity } from '../protocol/identity.ts'

/** Where tickets take their time from; an app's clock fits. */
export interface TicketClock {
  /** Milliseconds since 1970. */
  now(): number
  setTimeout(task: () => void, milliseconds: number): unknown
}

/** Options of `tickets`. */
export interface TicketOptions {
  /** How long a ticket is good for, in milliseconds; at most a day. Default 30,000. */
  lifetime?: number
  /** How many may be out at once; beyond that the oldest are void. Default 10,000. */
  limit?: number
  /** The name that a ticket has in the url. Default `ticket`. */
  parameter?: string
  /** Default: the machine's clock. */
  clock?: TicketClock
}

const DAY = 86_400_000

const machineClock: TicketClock = {
  now: () => Date.now(),
  setTimeout(task, milliseconds) {
    const timer: unknown = setTimeout(task, milliseconds)
    // A ticket that nobody uses is no reason for a process to live on. In browsers a timer is a number.
    if (typeof timer === 'object') (timer as { unref(): void }).unref()
  },
}

/** Tickets that are out, each with who it is for; made by `tickets`. */
export class Tickets<Claims = AppClaims> {
  readonly #lifetime: number
  readonly #limit: number
  readonly #parameter: string
  readonly #clock: TicketClock
  /**
   * In the order in which they were issued, and so in that in which they expire. Looked up by a hash of the whole: how long that
   * takes tells nothing of how much of a guess was right.
   */
  readonly #out = new Map<string, { identity: Identity<Claims>; end: number }>()
  #isTimed = false

  /** Applications call `tickets`. Throws a RangeError for options out of bounds. */
  constructor({
    lifetime = 30_000,
    limit = 10_000,
    parameter = 'ticket',
    clock = machineClock,
  }: TicketOptions) {
    if (!(lifetime >= 1 && lifetime <= DAY))
      throw new RangeError(`the lifetime of tickets is ${lifetime}: give milliseconds, from 1 to ${DAY}.`)
    if (!(Number.isSafeInteger(limit) && limit >= 1))
      throw new RangeError(`the limit of tickets is ${limit}: give a whole number from 1.`)
    this.#lifetime = lifetime
    this.#limit = limit
    this.#parameter = parameter
    this.#clock = clock
  }

  /** How many are out: neither used nor expired. */
  get size(): number {
    this.#sweep()
    return this.#out.size
  }

  /** Makes a ticket for somebody: 256 bits of chance in base64url, good for one connection. */
  issue(identity: Identity<Claims>): string {
    this.#sweep()
    for (const oldest of this.#out.keys()) {
      if (this.#out.size < this.#limit) break
      this.#out.delete(oldest)
    }
    const ticket = randomText()
    this.#out.set(ticket, { identity, end: this.#clock.now() + this.#lifetime })
    this.#time()
    return ticket
  }

  /**
   * The authenticator: who the ticket in the url is for, and null where there is none, or none that is good. Takes it back,
   * whatever becomes of the connection. Can be passed on without its object.
   */
  readonly authenticate = ({ url }: Handshake): Identity<Claims> | null => {
    this.#sweep()
    const ticket = url.searchParams.get(this.#parameter) ?? ''
    const found = this.#out.get(ticket)
    this.#out.delete(ticket)
    return found?.identity ?? null
  }

  /** Forgets what has expired. */
  #sweep(): void {
    const now = this.#clock.now()
    for (const [ticket, { end }] of this.#out) {
      if (end > now) return
      this.#out.delete(ticket)
    }
  }

  /** Sees to it that what expires is forgotten, also when nobody comes any more. */
  #time(): void {
    const [oldest] = this.#out.values()
    if (this.#isTimed || oldest === undefined) return
    this.#isTimed = true
    this.#clock.setTimeout(
      () => {
        this.#isTimed = false
        this.#sweep()
        this.#time()
      },
      Math.max(1, oldest.end - this.#clock.now()),
    )
  }
}

/**
 * Single-use, short-lived tickets, for clients that can set no headers: an HTTP route, which knows the user by whatever means,
 * hands one out, and the url of the connection carries it. They live in this process: whoever issued one has to take it back.
 *
 * @throws {RangeError} for options out of bounds
 * @example
 * ```ts
 * import { createApp, Gateway, On, type Socket } from 'partyline'
 * import { tickets } from 'partyline/auth'
 *
 * const desk = tickets({ lifetime: 10_000 })
 *
 * @Gateway('/desk', { authenticate: desk.authenticate })
 * class Desk {
 *   @On() who({ identity }: Socket) {
 *     return identity?.user
 *   }
 * }
 *
 * const app = createApp(Desk, { fetch: () => Response.json({ ticket: desk.issue({ user: 'ada' }) }) })
 * ```
 */
export function tickets<Claims = AppClaims>(options: TicketOptions = {}): Tickets<Claims> {
  return new Tickets<Claims>(options)
}

function randomText(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(32))
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')
}
