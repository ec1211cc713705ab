import { App, type AppOptions } from '../core/app.ts'
import type { Root } from '../core/modules.ts'
import { BunRuntime } from './bun.ts'

declare const process: { env: Record<string, string | undefined> }

/**
 * Puts an app together from a gateway or a module, and checks it.
 *
 * @throws BootError with every mistake that was found: two gateways on a path, two handlers for an event, a cycle of
 *   modules or dependencies, what nobody provides.
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
export function createApp(root: Root, options: AppOptions = {}): App<BunRuntime> {
  const { checkOutgoing = process.env.NODE_ENV !== 'production' } = options
  return new App(root, { ...options, checkOutgoing }, (host) => new BunRuntime(host))
}
