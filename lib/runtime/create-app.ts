import { App, type AppOptions } from '../core/app.ts'
import type { Runtime } from '../core/connection.ts'
import type { Root } from '../core/modules.ts'
import type { BunRuntime } from './bun.ts'
import type { DenoRuntime } from './deno.ts'
import { environment } from './environment.ts'
import { type RuntimeClass, runtimeHere } from './runtimes.ts'

/** The runtime that the app happens to be on, as the servers of Bun and Deno want it where they are started by hand. */
export interface RuntimeHere extends Runtime {
  readonly fetch: DenoRuntime['fetch'] & BunRuntime['fetch']
  readonly websocket: BunRuntime['websocket']
}

/** What an app runs on, where that is not simply what it is on. */
export interface RuntimeOption<R extends Runtime> {
  /** Such as `NodeRuntime`, for a server of node:http on whatever has one. */
  runtime: RuntimeClass<R>
}

/**
 * Puts an app together from a gateway or a module, and checks it.
 *
 * @throws BootError with every mistake that was found: two gateways on a path, two handlers for an event, a cycle of
 *   modules or dependencies, what nobody provides.
 * @throws PartylineError UNSUPPORTED_RUNTIME where Bun, Deno or Node is too old.
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
export function createApp<R extends Runtime>(root: Root, options: AppOptions & RuntimeOption<R>): App<R>
export function createApp(root: Root, options?: AppOptions): App<RuntimeHere>
export function createApp(
  root: Root,
  { runtime: Runtime = runtimeHere(), ...options }: AppOptions & Partial<RuntimeOption<Runtime>> = {},
): App {
  const { checkOutgoing = environment('NODE_ENV') !== 'production' } = options
  return new App(root, { ...options, checkOutgoing }, (host) => new Runtime(host))
}
