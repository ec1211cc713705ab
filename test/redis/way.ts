import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** A way to a server that a test can break: cut it, or let it stall so that nothing comes through and nothing ends. */
export class Way {
  readonly #server: Server
  readonly #pairs = new Set<readonly [Socket, Socket]>()
  /** How often something came from the near side. */
  writes = 0
  #isCut = false
  #isStalled = false

  private constructor(target: number) {
    this.#server = createServer((near) => {
      near.on('error', () => {})
      if (this.#isCut) {
        near.destroy()
        return
      }
      const far = connect(target, '127.0.0.1')
      const pair = [near, far] as const
      this.#pairs.add(pair)
      for (const [from, to] of [pair, [far, near] as const]) {
        from.on('data', (data) => {
          if (from === near) this.writes++
          to.write(data)
        })
        from.on('error', () => {})
        from.on('close', () => {
          // A line that stalls does not tell either that the other side has gone.
          if (this.#isStalled && from === far) return
          to.destroy()
          this.#pairs.delete(pair)
        })
        if (this.#isStalled) from.pause()
      }
    })
  }

  static async start(target: number): Promise<Way> {
    const way = new Way(target)
    await new Promise<void>((resolve) => way.#server.listen(0, '127.0.0.1', resolve))
    return way
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** How many connections go through it. */
  get size(): number {
    return this.#pairs.size
  }

  /** Breaks every connection, and refuses new ones. */
  cut(): void {
    this.#isCut = true
    this.drop()
  }

  /** Breaks every connection. New ones are possible at once. */
  drop(): void {
    for (const [near, far] of this.#pairs) {
      near.destroy()
      far.destroy()
    }
    this.#pairs.clear()
  }

  /** Lets nothing through, in neither direction, on connections that stay open. */
  stall(): void {
    this.#isStalled = true
    for (const pair of this.#pairs) for (const socket of pair) socket.pause()
  }

  /** Ends all of that. */
  mend(): void {
    this.#isCut = false
    this.#isStalled = false
    for (const pair of this.#pairs) for (const socket of pair) socket.resume()
  }

  stop(): void {
    this.cut()
    this.#server.close()
  }
}
