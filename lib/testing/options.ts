import type { ClientOptions } from '../client/mod.ts'
import type { AppOptions } from '../core/options.ts'
import type { Identity } from '../protocol/identity.ts'
import type { ManualClock } from './clock.ts'

/** Options of `testApp`: those of `createApp`, and what makes it one for tests. */
export interface TestAppOptions extends Omit<AppOptions, 'clock'> {
  /** Where app and clients take their time from. Default: one of its own. */
  clock?: ManualClock
  /** What happens by chance is the same for the same seed. Default 1. */
  seed?: number
  /** For how many milliseconds of real time expectations wait for what is outside of the process. Default 1,000. */
  patience?: number
  /** Hears all that passes on the network, a line of text each; such as `console.log`. */
  trace?: (line: string) => void
  /** Whether rooms are published to by the runtime, as on Bun, and not member by member. Apps see no difference. Default `true`. */
  topics?: boolean
}

/** How a client introduces itself. */
export interface LineOptions {
  /** By which it is called in messages. Default: its user, or a number. */
  name?: string
  /** Who it is: no authenticator is asked. Guards are. */
  identity?: Identity
  headers?: Record<string, string>
  /** What follows the url's question mark. */
  query?: Record<string, string>
  /** Default 127.0.0.1. */
  ip?: string
  /** Offered in this order. Default none: a plain client. */
  subprotocols?: readonly string[]
}

/** How a client introduces itself, and how it behaves: as the client of `partyline/client`. */
export interface TestClientOptions
  extends Omit<LineOptions, 'subprotocols'>,
    Omit<ClientOptions, 'clock' | 'random' | 'WebSocket'> {}
