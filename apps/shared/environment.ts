import type { Broker } from 'partyline'
import { redis } from 'partyline/redis'

/**
 * What joins this process with others of the same app: the Redis that REDIS_URL names, or several servers of a cluster with
 * commas between them. Undefined where it names none. Apps that share a server have different prefixes.
 *
 * What cannot be the url of any Redis is an error of one line, and exit code 1.
 */
export function brokerHere(prefix = ''): Broker | undefined {
  const urls = (process.env.REDIS_URL ?? '').split(',').map((url) => url.trim())
  const named = urls.filter((url) => url !== '')
  if (named.length === 0) return undefined
  try {
    return redis({ url: named, prefix })
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    console.error(`REDIS_URL: ${error.message}`)
    process.exit(1)
  }
}
