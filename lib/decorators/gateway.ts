import { declareScope, type Scope } from '../container/provider.ts'
import type { AnyAuthenticator } from '../protocol/identity.ts'
import type { ChannelOptions, GatewayPresenceOptions } from './channels.ts'
import { type InjectedDecorator, inBothDialects } from './dialect.ts'
import { ClassTag } from './tags.ts'

/** Options of `@Gateway`. */
export interface GatewayOptions {
  /** How long the gateway's instance lives: one for the `app` (default), for each `connection`, or for each `event`. */
  scope?: Scope
  /** `raw` is without frames: text and bytes go to `@OnMessage` as they came. Default `partyline`. */
  protocol?: 'partyline' | 'raw'
  /** The key that names the event in JSON frames, both ways. Default `event`. */
  eventKey?: string
  /** Whether `emit('notice', 'hi')` reaches JSON clients as `{ message: 'hi' }`. Default `false`: strings stay strings. */
  messageShorthand?: boolean
  /** What happens to events that no handler takes: an `error` frame (default), or nothing. */
  unknownEvents?: 'error' | 'ignore'
  /** How many events of one socket are handled at a time. Default 1: in order, one after another. */
  concurrency?: number
  /** Finds out who asks for a connection, in place of the app's. */
  authenticate?: AnyAuthenticator
  /** What optional path parameters are when the url leaves them out: `{ room: 'lobby' }` for `/chat/:room?`. */
  params?: Readonly<Record<string, string>>
  /** Whether clients whose line breaks can go on with their session, and within what bounds; `{}` for the defaults. */
  recovery?: RecoveryOptions
  /** Channels by facility and audience, which clients hear and publish to; see docs/guide/channels.md. */
  channels?: ChannelOptions
  /** Whether it is known who is in which room, on all nodes; `{}` for the defaults. */
  presence?: GatewayPresenceOptions
}

/** What is kept for clients whose line has broken. */
export interface RecoveryOptions {
  /** For how many milliseconds a session waits for its client. Default 120,000. */
  window?: number
  /** How many messages a session may miss; one that missed more begins anew. Default 1,000. */
  limit?: number
  /** How many bytes the gateway keeps, for all of its sessions together. Default 64 MiB. */
  bytes?: number
}

/** What `@Gateway` declared. */
export interface GatewayTag {
  path: string
  options: GatewayOptions
}

export const gatewayTag: ClassTag<GatewayTag> = new ClassTag('@Gateway()')

/**
 * Makes a class a realtime service at a path. A leading slash is added and a trailing one ignored; `:name` segments
 * become `socket.params`, and a last segment `:name?` may be left out.
 *
 * @example
 * ```ts
 * import { Gateway, On, type Socket } from 'partyline'
 *
 * @Gateway('/party')
 * class PartyGateway {
 *   @On() ping(socket: Socket, data: unknown) {
 *     return data
 *   }
 * }
 * ```
 */
export function Gateway(path = '/', options: GatewayOptions = {}): InjectedDecorator {
  return inBothDialects(gatewayTag.decorator, {
    class(target) {
      gatewayTag.set(target, { path, options })
      declareScope(target, options.scope ?? 'app')
    },
  })
}
