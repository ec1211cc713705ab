/** One way to begin a handshake and never to finish it. No app sees such connections: the runtime ends them. */
export interface Beginning {
  name: string
  /** What is sent at once. */
  head: string
  /** Whether it goes on, a byte a second. */
  drips?: boolean
}

const HALF = 'GET /soak/unfinished HTTP/1.1\r\nHost: localhost\r\nX-Long: '

export const beginnings: readonly Beginning[] = [
  { name: 'sends nothing', head: '' },
  { name: 'half a handshake', head: HALF },
  { name: 'a byte a second', head: HALF, drips: true },
]

/** Such a connection. */
export class Unfinished {
  /** How long the server bore it, in milliseconds; undefined while it does. */
  lasted: number | undefined
  /** How it ended it: in order, after words of HTTP, or neither. */
  how = 'RST'
  readonly #begin = performance.now()
  #socket: Bun.Socket | undefined

  static async open(port: number, { head, drips }: Beginning): Promise<Unfinished> {
    const one = new Unfinished()
    const ended = (): void => {
      one.lasted ??= performance.now() - one.#begin
    }
    const socket = await Bun.connect({
      hostname: '127.0.0.1',
      port,
      socket: {
        data(_, bytes) {
          one.how = bytes.toString('latin1').split('\r\n')[0] as string
        },
        end() {
          if (one.how === 'RST') one.how = 'FIN'
          ended()
        },
        close: ended,
        error: ended,
      },
    })
    one.#socket = socket
    if (head !== '') socket.write(head)
    if (drips) {
      const timer = setInterval(() => {
        if (one.lasted === undefined) socket.write('x')
        else clearInterval(timer)
      }, 1_000)
    }
    return one
  }

  leave(): void {
    this.#socket?.terminate()
  }
}
