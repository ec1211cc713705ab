/** How a contender's clients speak. */
export interface Wire {
  readonly path: string
  /** What a message wants to be answered with, before it is in. */
  greet?(message: string): string | undefined
  /** Whether a message says that events may be sent. */
  isOpen(message: string): boolean
  encode(event: string, data?: unknown): string
  /** What an event's message begins with. */
  readonly news: string
}

export const wires = {
  partyline: {
    path: '/bench',
    isOpen: () => true,
    encode: (event, data) => JSON.stringify({ event, data }),
    news: '{"event":"news"',
  },
  socketio: {
    path: '/socket.io/?EIO=4&transport=websocket',
    greet: (message) => (message.startsWith('0') ? '40' : message === '2' ? '3' : undefined),
    isOpen: (message) => message.startsWith('40'),
    encode: (event, data) => `42${JSON.stringify([event, data])}`,
    news: '42["news"',
  },
} satisfies Record<string, Wire>

/** So many clients on each node, all in one room. */
export class Crowd {
  readonly #wire: Wire
  readonly #sockets: WebSocket[] = []
  readonly #message: string
  #heard = 0
  #said = 0
  #wanted = 0
  #done = (): void => {}

  constructor(wire: Wire, data: unknown) {
    this.#wire = wire
    this.#message = wire.encode('say', data)
  }

  async enter(port: number, clients: number): Promise<void> {
    await Promise.all(Array.from({ length: clients }, () => this.#enter(port)))
  }

  #enter(port: number): Promise<void> {
    const { path, greet, isOpen, encode, news } = this.#wire as Wire
    const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`)
    this.#sockets.push(socket)
    return new Promise((resolve, reject) => {
      const join = (): void => {
        socket.send(encode('join'))
        resolve()
      }
      socket.onopen = () => {
        if (greet === undefined) join()
      }
      socket.onerror = () => reject(new Error(`no connection to ${port}`))
      socket.onmessage = ({ data }) => {
        const message = String(data)
        if (message.startsWith(news)) return this.#hear()
        const answer = greet?.(message)
        if (answer !== undefined) socket.send(answer)
        else if (greet !== undefined && isOpen(message)) join()
      }
    })
  }

  /** Has the first client say so many things, a few at a time, and waits until everybody has heard all. */
  async drive(events: number, window: number): Promise<void> {
    const all = this.#sockets.length
    this.#heard = 0
    this.#said = 0
    this.#wanted = events
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#done = resolve
    const watchdog = setTimeout(() => {
      throw new Error(`${this.#heard} of ${events * all} messages came`)
    }, 20_000)
    for (let n = 0; n < Math.min(window, events); n++) this.#say()
    await promise
    clearTimeout(watchdog)
  }

  /** Waits until what one says is heard by all, once. */
  async settled(): Promise<void> {
    for (let tries = 0; tries < 200; tries++) {
      this.#heard = 0
      this.#said = 1
      this.#wanted = 1
      this.#sockets[0]?.send(this.#message)
      await Bun.sleep(50)
      if (this.#heard === this.#sockets.length) return
    }
    throw new Error(`${this.#heard} of ${this.#sockets.length} heard what was said`)
  }

  close(): void {
    for (const socket of this.#sockets) socket.close()
  }

  #say(): void {
    this.#said++
    this.#sockets[0]?.send(this.#message)
  }

  #hear(): void {
    this.#heard++
    const all = this.#sockets.length
    if (this.#heard === this.#wanted * all) this.#done()
    else if (this.#heard % all === 0 && this.#said < this.#wanted) this.#say()
  }
}
