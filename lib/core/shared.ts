import type { Census } from './census.ts'
import type { Clock } from './clock.ts'
import type { Limits } from './limits.ts'
import type { Listeners } from './listeners.ts'
import type { Logger } from './logger.ts'
import type { Outbox } from './outbox.ts'
import type { Session } from './session.ts'
import type { Socket } from './socket.ts'
import type { Stats } from './stats.ts'
import type { Watch } from './watch.ts'

/** What all sessions of an app share. */
export interface Shared {
  readonly limits: Limits
  readonly logger: Logger
  readonly clock: Clock
  readonly signals: Listeners
  readonly outbox: Outbox
  readonly watch: Watch
  readonly stats: Stats
  readonly census: Census
  /** Tells the log and the app's `onError` of what no client is told. */
  report(error: unknown, message: string, where: Where): void
  /** Those that have begun, and whose `@OnClose` has not finished. */
  readonly sessions: Set<Session>
}

/** Where something went wrong. */
export interface Where {
  /** The name of the gateway's class; absent where the request was none of a gateway's. */
  gateway?: string | undefined
  event?: string | undefined
  socket?: Socket | undefined
  /** The path of the page that `fetch` failed to make. */
  path?: string | undefined
}
