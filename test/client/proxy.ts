import { type AddressInfo, createServer, connect as dial, type Server, type Socket } from 'node:net'

/** A TCP proxy before a server, whose lines a test can cut. */
export class TcpProxy {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor(target: number) {
    this.#server = createServer((near) => {
      const far = dial(target, '127.0.0.1')
      const end = (): void => {
        for (const socket of [near, far]) {
          socket.destroy()
          this.#sockets.delete(socket)
        }
      }
      for (const socket of [near, far]) {
        this.#sockets.add(socket)
        socket.on('close', end).on('error', end)
      }
      near.pipe(far).pipe(near)
    })
  }

  /** Listens on a free port. */
  static async start(target: number): Promise<TcpProxy> {
    const proxy = new TcpProxy(target)
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve))
    return proxy
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** Every line breaks, with what is on it. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  stop(): void {
    this.cut()
    this.#server.close()
  }
}
