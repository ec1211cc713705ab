import { type AddressInfo, createServer, connect as dial, type Server, type Socket } from 'node:net'

/** A TCP proxy before a server, which does to its lines what networks do. */
export class TcpProxy {
  readonly #server: Server
  readonly #lines = new Set<Line>()
  #way: Way = 'open'

  private constructor(target: number) {
    this.#server = createServer((near) => {
      if (this.#way === 'refused') near.resetAndDestroy()
      else {
        const line = new Line(near, dial(target, '127.0.0.1'), () => this.#lines.delete(line))
        this.#lines.add(line)
        if (this.#way === 'stalled') line.stall()
      }
    })
  }

  /** Listens on a free port, before the server at that port of this machine. */
  static async start(target: number): Promise<TcpProxy> {
    const proxy = new TcpProxy(target)
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve))
    return proxy
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** How many lines there are. */
  get lines(): number {
    return this.#lines.size
  }

  /** Every line breaks, with what is on it. */
  cut(): void {
    for (const line of this.#lines) line.destroy()
  }

  /** Every line breaks, and new ones are refused, until `restore`. */
  refuse(): void {
    this.#way = 'refused'
    this.cut()
  }

  /** Not a byte goes either way, on new lines neither, until `restore`; then all that waited does. */
  stall(): void {
    this.#way = 'stalled'
    for (const line of this.#lines) line.stall()
  }

  restore(): void {
    this.#way = 'open'
    for (const line of this.#lines) line.resume()
  }

  /** Every line is reset (RST) at once, with what is on it. */
  reset(): void {
    for (const line of this.#lines) line.reset()
  }

  /** Every line is reset as soon as something comes on one of them, of which half goes through. Resolves when it has. */
  async resetInTheMiddle(): Promise<void> {
    if (this.#lines.size > 0) await Promise.race([...this.#lines].map((line) => line.resetInTheMiddle()))
    this.reset()
  }

  stop(): void {
    this.cut()
    this.#server.close()
  }
}

type Way = 'open' | 'stalled' | 'refused'

/** Two sockets that are one line: what comes on one of them goes out on the other. */
class Line {
  readonly #sockets: readonly [Socket, Socket]
  #isStalled = false
  #breaksNext = false

  constructor(near: Socket, far: Socket, gone: () => void) {
    this.#sockets = [near, far]
    const end = (): void => {
      this.destroy()
      gone()
    }
    const forward = (from: Socket, to: Socket): void => {
      from.on('close', end).on('error', end)
      from.on('data', (chunk: Buffer) => {
        if (this.#breaksNext) to.write(chunk.subarray(0, chunk.length >> 1), () => this.reset())
        else if (!to.write(chunk)) from.pause()
      })
      to.on('drain', () => {
        if (!this.#isStalled) from.resume()
      })
    }
    forward(near, far)
    forward(far, near)
  }

  stall(): void {
    this.#isStalled = true
    for (const socket of this.#sockets) socket.pause()
  }

  resume(): void {
    this.#isStalled = false
    for (const socket of this.#sockets) socket.resume()
  }

  reset(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy()
  }

  resetInTheMiddle(): Promise<void> {
    this.#breaksNext = true
    return new Promise((resolve) => this.#sockets[0].once('close', resolve))
  }

  destroy(): void {
    for (const socket of this.#sockets) socket.destroy()
  }
}
