import { createClient, RESP_TYPES } from 'redis'
import { RedisNetwork } from '../redis/network.ts'
import type { RedisServer } from '../redis/server.ts'
import type { World } from './world.ts'

/** Redis, and other programs that use it as redis-cli does. */
export class RedisWorld extends RedisNetwork implements World {
  get(name: string): Promise<Uint8Array | undefined> {
    return this.#ask(async ({ port }) => {
      const client = createClient({ url: `redis://127.0.0.1:${port}` })
      await client.connect()
      try {
        const found = await client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer }).get(name)
        return found === null ? undefined : new Uint8Array(found)
      } finally {
        client.destroy()
      }
    })
  }

  set(name: string, bytes: Uint8Array): Promise<void> {
    return this.#ask(async (server) => void (await server.ask('SET', name, Buffer.from(bytes), 'EX', '60')))
  }

  delete(name: string): Promise<void> {
    return this.#ask(async (server) => void (await server.ask('DEL', name)))
  }

  /** Asks the server that has it: the others say MOVED. */
  async #ask<T>(what: (server: RedisServer) => Promise<T>): Promise<T> {
    const results = await Promise.allSettled(this.servers.map(what))
    const found = results.find(({ status }) => status === 'fulfilled')
    if (found?.status === 'fulfilled') return found.value
    throw (results[0] as PromiseRejectedResult).reason
  }
}
