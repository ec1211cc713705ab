import type { Handshake } from './handshake.ts'

/**
 * What an app says of itself once, for all of its types: with `claims`, every authenticator has to find claims of that
 * type, and every socket and call has them.
 *
 * @example
 * ```ts
 * import { type Call, Gateway, Guard, On, type Socket } from 'partyline'
 *
 * declare module 'partyline' {
 *   interface Register {
 *     claims: { plan: 'free' | 'paid' }
 *   }
 * }
 *
 * const isPaid = ({ identity }: Call) => identity?.claims?.plan === 'paid'
 *
 * @Guard(isPaid)
 * @Gateway('/desk', { authenticate: () => ({ user: 'ada', claims: { plan: 'paid' } }) })
 * class Desk {
 *   @On() plan({ identity }: Socket) {
 *     return identity?.claims?.plan
 *   }
 * }
 * ```
 */
// biome-ignore lint/suspicious/noEmptyInterface: applications fill it in, and nothing but an interface can be.
export interface Register {}

/** The claims of this app, as it says in `Register`; unknown where it says nothing. */
export type AppClaims = Register extends { claims: infer Claims } ? Claims : unknown

/**
 * Who is behind a connection, as its authenticator found out; plain data. `Claims` is whatever else it knows.
 */
export interface Identity<Claims = AppClaims> {
  /** The user's name or id: what is one user here may have many connections. */
  readonly user: string
  readonly groups?: readonly string[]
  /** The user's session, where one user may have several, such as a browser each. */
  readonly session?: string
  readonly claims?: Claims
}

/** Finds out who asks for a connection; null where nobody is known, which is answered with 401. */
export type AuthenticatorFunction<Claims = AppClaims> = (
  handshake: Handshake,
) => Identity<Claims> | null | Promise<Identity<Claims> | null>

/**
 * An authenticator that the container builds, with what it needs injected.
 *
 * @example
 * ```ts
 * import { type Authenticator, type Handshake, type Identity, Injectable } from 'partyline'
 *
 * @Injectable()
 * class Cookies implements Authenticator {
 *   readonly #users = new Map([['s3cret', 'ada']])
 *
 *   authenticate({ cookies }: Handshake): Identity | null {
 *     const user = this.#users.get(cookies.get('session') ?? '')
 *     return user === undefined ? null : { user }
 *   }
 * }
 * ```
 */
export interface Authenticator<Claims = AppClaims> {
  authenticate(handshake: Handshake): Identity<Claims> | null | Promise<Identity<Claims> | null>
}

/** An authenticator: a function, or a class for the container to build. */
export type AnyAuthenticator = AuthenticatorFunction | (new (...args: never[]) => Authenticator)
