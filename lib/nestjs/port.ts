import type { App } from '../core/app.ts'
import type { RuntimeHere } from '../runtime/create-app.ts'
import type { NodeServer, NodeUpgrade } from '../runtime/node.ts'

/** Nest's HTTP server, which its own websockets may listen to as well. */
export interface SharedServer extends NodeServer {
  emit(event: string, ...args: unknown[]): boolean
}

/**
 * Has an app take connections in on Nest's port. Nest's own adapters for websockets end every line that is not theirs, so
 * they do not hear of those to our gateways.
 */
export async function share(server: SharedServer, app: App<RuntimeHere>): Promise<void> {
  const { emit } = server
  server.emit = function (event, ...args) {
    if (event !== 'upgrade') return emit.call(this, event, ...args)
    const [request, socket, head] = args as Parameters<NodeUpgrade>
    const path = URL.parse(request.url ?? '/', 'http://localhost')?.pathname
    if (path === undefined || !app.serves(path)) return emit.call(this, event, ...args)
    app.runtime.upgrade(request, socket, head)
    return true
  }
  await app.runtime.attach(server)
}
