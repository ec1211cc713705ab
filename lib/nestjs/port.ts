import type { App } from '../core/app.ts'
import type { RuntimeHere } from '../runtime/create-app.ts'
import type { NodeRequest, NodeResponse, NodeServer, NodeUpgrade } from '../runtime/node.ts'

/** Nest's HTTP server, which its own websockets may listen to as well. */
export interface SharedServer extends NodeServer {
  emit(event: string, ...args: unknown[]): boolean
}

/**
 * Has an app take connections in on Nest's port. Nest's own adapters for websockets end every line that is not theirs, so
 * they do not hear of those to our gateways. Nor does Nest hear of the requests of dialects, whose bodies it might read.
 */
export async function share(server: SharedServer, app: App<RuntimeHere>): Promise<void> {
  const { emit } = server
  server.emit = function (event, ...args) {
    if (event !== 'upgrade' && event !== 'request') return emit.call(this, event, ...args)
    const { url = '/' } = args[0] as NodeRequest
    const path = URL.parse(url, 'http://localhost')?.pathname
    if (path === undefined || !app.serves(path, event === 'upgrade' ? 'websocket' : 'http'))
      return emit.call(this, event, ...args)
    if (event === 'upgrade') app.runtime.upgrade(...(args as Parameters<NodeUpgrade>))
    else app.runtime.listener(...(args as [NodeRequest, NodeResponse]))
    return true
  }
  await app.runtime.attach(server)
}
