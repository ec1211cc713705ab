/** Where a Redis server is. */
export type Place = { host: string; port: number } | { path: string }

/** What a url says. */
export interface Address {
  place: Place
  tls: boolean
  username?: string
  password?: string
  database?: number
}

/**
 * Reads `redis[s]://[[user]:password@]host[:port][/database]` or `unix:///path`. Throws a TypeError for anything else,
 * without what may be a password in it.
 */
export function readUrl(text: string): Address {
  const url = parse(text)
  const isUnix = url?.protocol === 'unix:'
  if (url === undefined || !(isUnix || url.protocol === 'redis:' || url.protocol === 'rediss:'))
    throw new TypeError(
      'the url of redis() is none of Redis: it begins with redis://, rediss:// or unix:///, as redis://localhost:6379.',
    )
  const address: Address = {
    place: isUnix
      ? { path: decodeURIComponent(url.pathname) }
      : { host: url.hostname.replace(/^\[(.*)\]$/, '$1') || 'localhost', port: Number(url.port) || 6_379 },
    tls: url.protocol === 'rediss:',
  }
  if (url.username !== '') address.username = decodeURIComponent(url.username)
  if (url.password !== '') address.password = decodeURIComponent(url.password)
  if (!isUnix && url.pathname.length > 1) {
    address.database = Number(url.pathname.slice(1))
    if (!Number.isInteger(address.database))
      throw new TypeError(`the url of redis() names the database ${url.pathname.slice(1)}: it is a number.`)
  }
  return address
}

/** A place in a word, for logs and as a key. */
export function nameOf(place: Place): string {
  if ('path' in place) return place.path
  return place.host.includes(':') ? `[${place.host}]:${place.port}` : `${place.host}:${place.port}`
}

/** The place that `host:port` names, as Redis writes it: IPv6 without brackets. */
export function placeOf(name: string): { host: string; port: number } {
  const colon = name.lastIndexOf(':')
  return { host: name.slice(0, colon).replace(/^\[(.*)\]$/, '$1'), port: Number(name.slice(colon + 1)) }
}

function parse(text: string): URL | undefined {
  try {
    return new URL(text)
  } catch {
    return undefined
  }
}
