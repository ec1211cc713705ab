/** Stands before a token among the subprotocols, since browsers cannot set headers. It is no protocol to speak. */
export const BEARER = 'partyline.bearer.'

/** Stands before a token and a position among the subprotocols: `partyline.resume.<token>.<pos>`. */
export const RESUME = 'partyline.resume.'

/** The HTTP request with which a connection began. */
export class Handshake {
  readonly #url: string
  #parsed: URL | undefined

  constructor(
    url: string,
    readonly headers: Headers,
    /** The address of the other side; empty on unix sockets. */
    readonly ip: string,
    /** When it arrived, in milliseconds since 1970. */
    readonly time: number,
    /** The path's `:name` segments, decoded. */
    readonly params: Readonly<Record<string, string>>,
    /** What the client says of itself beside the request, where its protocol has a place for that: Socket.IO's `auth`. */
    readonly auth?: unknown,
  ) {
    this.#url = url
  }

  /** The whole url; `socket.query` is its search parameters. */
  get url(): URL {
    // Most handlers never ask, and a URL is large to keep for every connection.
    this.#parsed ??= new URL(this.#url)
    return this.#parsed
  }

  /** The same as text, which it is kept as. */
  get href(): string {
    return this.#url
  }

  /** The cookies that came along, by name, decoded. */
  get cookies(): ReadonlyMap<string, string> {
    const pairs = (this.headers.get('cookie') ?? '').split(';').map((pair) => pair.split('='))
    return new Map(
      pairs
        .filter(([, ...value]) => value.length > 0)
        .map(([name = '', ...value]) => [name.trim(), unquote(value.join('='))]),
    )
  }

  /** The subprotocols that the client offers, in its order. */
  get subprotocols(): string[] {
    const offered = (this.headers.get('sec-websocket-protocol') ?? '').split(',')
    return offered.map((name) => name.trim()).filter((name) => name !== '')
  }
}

/** RFC 6265, section 4.1.1: a value may stand in quotes; by custom it is percent-encoded. */
function unquote(value: string): string {
  const bare = value.trim().replace(/^"(.*)"$/, '$1')
  try {
    return decodeURIComponent(bare)
  } catch {
    return bare
  }
}
