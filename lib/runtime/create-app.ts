import { App } from '../core/app.ts'
import type { Runtime } from '../core/connection.ts'
import type { Root } from '../core/modules.ts'
import type { AppOptions } from '../core/options.ts'
import type { BunRuntime } from './bun.ts'
import type { DenoRuntime } from './deno.ts'
import { environment } from './environment.ts'
import type { NodeRuntime } from './node.ts'
import { type RuntimeClass, runtimeHere } from './runtimes.ts'

/**
 * What an app runs on, with all that a server which is started by hand may want of it: `fetch` for those of Bun, Deno and the
 * web's kind, `websocket` for Bun's, and `attach`, `listener` and `upgrade` for those of node:http. Each is there only on
 * the runtime that it is for.
 */
export interface RuntimeHere extends Runtime, Pick<NodeRuntime, 'attach' | 'listener' | 'upgrade'> {
  readonly fetch: DenoRuntime['fetch'] & NodeRuntime['fetch'] & BunRuntime['fetch']
  readonly websocket: BunRuntime['websocket']
}

/** Options of `createApp`. */
export interface CreateAppOptions extends AppOptions {
  /** What to run on, such as `NodeRuntime` for a server of node:http on Bun. Default: the one that this runs on. */
  runtime?: RuntimeClass
}

/**
 * Puts an app together from a gateway or a module, and checks it.
 *
 * @throws BootError with every mistake that was found: two gateways on a path, two handlers for an event, a cycle of
 *   modules or dependencies, what nobody provides.
 * @throws PartylineError UNSUPPORTED_RUNTIME where Bun, Deno or Node is too old, or this is none of them.
 *
 * @example
 * ```ts
 * import { createApp, Gateway, On, type Socket } from 'partyline'
 *
 * @Gateway('/party')
 * class PartyGateway {
 *   @On() ping(socket: Socket, data: unknown) {
 *     return data
 *   }
 * }
 *
 * const app = createApp(PartyGateway)
 * const { url } = await app.listen({ port: 0 })
 * ```
 */
// One signature that is not generic: an app may then be named in its own options, as in `fetch: () => app.get(…)`.
export function createApp(root: Root, options: CreateAppOptions = {}): App<RuntimeHere> {
  const { runtime, ...given } = options
  const Runtime = runtimeHere(runtime)
  const { checkOutgoing = environment('NODE_ENV') !== 'production' } = given
  return new App(root, { ...given, checkOutgoing }, (host) => new Runtime(host) as RuntimeHere)
}
