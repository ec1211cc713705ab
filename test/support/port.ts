import { createServer } from 'node:net'

/**
 * A port that is free now, for who has to know it before somebody listens there, or to listen there again: it is below those that the
 * system gives to whoever connects or asks for any, so that no other test is given it meanwhile.
 */
export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const port = 10_000 + Math.floor(Math.random() * 22_000)
    const server = createServer()
    server.on('error', () => resolve(freePort()))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(port)))
  })
}
