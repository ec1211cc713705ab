import type { Class } from '../container/mod.ts'
import type { Handshake } from '../protocol/handshake.ts'
import type { AppClaims, Identity } from '../protocol/identity.ts'
import type { AnyData, Socket } from './socket.ts'

/** Somebody asks for a connection: what guards see before it is taken in. */
export interface ConnectCall<Claims = AppClaims> {
  readonly kind: 'connect'
  /** The gateway's class. */
  readonly gateway: Class
  readonly handshake: Handshake
  /** Who asks, where an authenticator found out. */
  readonly identity: Identity<Claims> | undefined
}

/** An event on its way to its handler: what guards and middleware see. */
export class EventCall<Claims = AppClaims> {
  readonly socket: Socket<AnyData, Claims>
  /** The gateway's class. */
  readonly gateway: Class
  /** The gateway that handles this event. */
  readonly instance: unknown
  /** The event's name. */
  readonly event: string
  /** What was sent, not yet validated. Middleware may put something else in its place. */
  args: readonly unknown[]

  constructor(
    socket: Socket<AnyData, Claims>,
    gateway: Class,
    instance: unknown,
    event: string,
    args: readonly unknown[],
  ) {
    this.socket = socket
    this.gateway = gateway
    this.instance = instance
    this.event = event
    this.args = args
  }

  get kind(): 'event' {
    return 'event'
  }

  /** The first of the arguments, which for most events is the only one. */
  get data(): unknown {
    return this.args[0]
  }

  set data(data: unknown) {
    this.args = [data]
  }

  get handshake(): Handshake {
    return this.socket.handshake
  }

  get identity(): Identity<Claims> | undefined {
    return this.socket.identity
  }
}

/** What a guard decides about. */
export type Call<Claims = AppClaims> = ConnectCall<Claims> | EventCall<Claims>
