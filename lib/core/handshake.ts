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
  ) {
    this.#url = url
  }

  /** The whole url; `socket.query` is its search parameters. */
  get url(): URL {
    // Most handlers never ask, and a URL is large to keep for every connection.
    this.#parsed ??= new URL(this.#url)
    return this.#parsed
  }
}
