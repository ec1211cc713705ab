import type { Calls } from './calls.ts'
import type { Dialer } from './dialer.ts'
import type { Listeners } from './listeners.ts'
import type { Settings } from './options.ts'
import type { Outbox } from './outbox.ts'

/** What channels and presence are made of. They are beside a client, not in it, so that only their users load them. */
export interface Beside {
  readonly settings: Settings
  readonly calls: Calls
  readonly outbox: Outbox
  readonly dialer: Dialer
  /**
   * Tells of `line`, with each state of the client, after the app has heard of it; and of `frame`, with what comes on an
   * open line and is not for the app.
   */
  readonly news: Listeners
}
