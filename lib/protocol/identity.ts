import type { Handshake } from './handshake.ts'

/**
 * Who is behind a connection, as its authenticator found out; plain data. `Claims` is whatever else it knows.
 */
export interface Identity<Claims = unknown> {
  /** The user's name or id: what is one user here may have many connections. */
  readonly user: string
  readonly groups?: readonly string[]
  /** The user's session, where one user may have several, such as a browser each. */
  readonly session?: string
  readonly claims?: Claims
}

/** Finds out who asks for a connection; null where nobody is known, which is answered with 401. */
export type AuthenticatorFunction = (handshake: Handshake) => Identity | null | Promise<Identity | null>

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
export interface Authenticator {
  authenticate(handshake: Handshake): Identity | null | Promise<Identity | null>
}

/** An authenticator: a function, or a class for the container to build. */
export type AnyAuthenticator = AuthenticatorFunction | (new (...args: never[]) => Authenticator)
