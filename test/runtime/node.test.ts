import { createApp, NodeRuntime } from 'partyline'
import { connect } from '../contract/network.ts'
import { runtimeContract } from '../contract/runtime.ts'
import type { Serve } from '../contract/start.ts'

const serve: Serve = async (root, options) => {
  const app = createApp(root, { ...options, runtime: NodeRuntime })
  const { port } = await app.listen({ port: 0, hostname: '127.0.0.1', signals: false })
  return {
    app,
    connect: (path, options) => connect(`ws://127.0.0.1:${port}${path}`, options),
    fetch: (path, init) => fetch(`http://127.0.0.1:${port}${path}`, init),
  }
}

runtimeContract('the runtime of Node, on what Bun has of node:http', serve)
