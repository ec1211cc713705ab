import { createApp } from 'partyline'
import { connect } from '../contract/network.ts'
import type { Serve } from '../contract/start.ts'

/** Serves on Bun, on a port that is free. */
export const serveOnBun: Serve = async (root, options) => {
  const app = createApp(root, options)
  const { port } = await app.listen({ port: 0, hostname: '127.0.0.1', signals: false })
  return {
    app,
    connect: (path, options) => connect(`ws://127.0.0.1:${port}${path}`, options),
    fetch: (path, init) => fetch(`http://127.0.0.1:${port}${path}`, init),
  }
}
