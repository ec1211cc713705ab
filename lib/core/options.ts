import type { Broker } from '../broker/broker.ts'
import type { PublishEndpointOptions } from '../channels/endpoint.ts'
import type { Provider, Resolver } from '../container/mod.ts'
import type { Codec } from '../protocol/codec.ts'
import type { AnyAuthenticator } from '../protocol/identity.ts'
import type { Clock } from './clock.ts'
import type { ListenOptions } from './connection.ts'
import type { DialectFactory } from './dialect.ts'
import type { AnyGuard } from './guard.ts'
import type { Fetch } from './http.ts'
import type { Limits } from './limits.ts'
import type { Logger } from './logger.ts'
import type { AnyMiddleware } from './middleware.ts'
import type { Origins } from './origin.ts'
import type { Where } from './shared.ts'

/** Options of `createApp`. */
export interface AppOptions {
  /** Stands before the paths of all gateways. Default none. */
  prefix?: string
  /** Providers that replace those of the same token in any module, for tests and deployments. */
  providers?: readonly Provider[]
  /** Another container, such as a host framework's, for what no module of the app provides. */
  resolver?: Resolver
  /** Codecs beside JSON, for clients that ask for their subprotocols. */
  codecs?: readonly Codec[]
  /**
   * What joins this process with others that serve the same app, such as `redis()` of partyline/redis; one for each app. Default:
   * none, so that the app is alone.
   */
  broker?: Broker
  /**
   * Publishes to channels what programs of any language send by HTTP, who know the key; see docs/guide/channels.md. Default: nowhere.
   */
  publish?: PublishRoute
  /** Other protocols by which clients reach the same gateways, such as `socketio()` of partyline/socketio. Default: none. */
  dialects?: readonly DialectFactory[]
  /** Answers the HTTP requests that are none of the gateways': a page, an API, a Hono app. Default: 404. */
  fetch?: Fetch
  /** Whether the client is served at `/partyline.js`, for pages that take it by a script tag. Default `false`. */
  clientScript?: boolean
  /** What bounds the use of memory and time; see docs/limits.md. */
  limits?: Partial<Limits>
  /** Finds out who asks for a connection, before it is taken in; null is answered with 401. */
  authenticate?: AnyAuthenticator
  /** Decide about every connection (403) and every event (FORBIDDEN), before those of gateways and methods. */
  guards?: readonly AnyGuard[]
  /** Stands around the handlers of all gateways, outside of their own. */
  middleware?: readonly AnyMiddleware[]
  /** Which web pages may connect. Default: those of the same host. */
  origins?: Origins
  /**
   * How many proxies stand in front, one behind the other; they are believed about addresses and hosts (`X-Forwarded-For`,
   * `X-Forwarded-Host`). `true` is one. Default `false`: none.
   */
  trustProxy?: boolean | number
  /** Whether what is emitted and answered is held against its schemas. Default: unless NODE_ENV is `production`. */
  checkOutgoing?: boolean
  /** Sees everything of which clients are told INTERNAL only, or nothing: of gateways and of `fetch`. The log has it too. */
  onError?: (error: unknown, where: Where) => void
  /** Where the app says what happened. Default: the console. */
  logger?: Logger
  /** Where the app takes its time from. Default: the machine's clock. */
  clock?: Clock
}

/** Where an app takes what is to be published, and from whom. */
export interface PublishRoute extends Pick<PublishEndpointOptions, 'key' | 'limit'> {
  /** Default `/publish`, whatever the app's prefix. */
  path?: string
}

/** Options of `app.listen`. */
export interface AppListenOptions extends ListenOptions {
  /** Whether SIGINT and SIGTERM stop the app and then end the process. Default `true`. */
  signals?: boolean
}
