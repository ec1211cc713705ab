import { clientFrame, FrameReader, opcode } from './frames.ts'
import { type Greet, OPEN, type Wire } from './wire.ts'

/** The payload of a data frame: `bytes` from `start` up to `end`, valid during the call only. */
export type Receive = (bytes: Uint8Array, start: number, end: number) => void

const endOfHead = '\r\n\r\n'

/**
 * A WebSocket client reduced to what the generator needs: the handshake, prepared bytes out, payloads in. It answers
 * a ping, so that a quiet connection lives.
 */
export class Connection {
  receive: Receive = () => {}
  /** Called once if the connection ends, or the server does what it should not, before `close()`. */
  lost: (reason: Error) => void = () => {}

  private socket: Bun.Socket<Connection> | null = null
  private head: string | null = ''
  private unsent: Uint8Array | null = null
  private closed = false
  private readonly reader = new FrameReader((kind, bytes, start, end) => this.frame(kind, bytes, start, end))

  private isGreeted: boolean

  private constructor(
    private readonly opened: () => void,
    private readonly greet: Greet | undefined,
  ) {
    this.isGreeted = greet === undefined
  }

  /** Resolves when the server has accepted the upgrade, and what the protocol begins with is said. */
  static async open(port: number, { path, greet }: Pick<Wire, 'path' | 'greet'>): Promise<Connection> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const connection = new Connection(resolve, greet)
    connection.lost = reject
    await Bun.connect({ hostname: '127.0.0.1', port, data: connection, socket: handlers })
    connection.send(Buffer.from(handshake(port, path)))
    await promise
    connection.lost = () => {}
    return connection
  }

  send(bytes: Uint8Array): void {
    if (this.unsent !== null) {
      this.unsent = Buffer.concat([this.unsent, bytes])
      return
    }
    const sent = Math.max(0, this.socket?.write(bytes) ?? 0)
    if (sent < bytes.length) this.unsent = bytes.subarray(sent)
  }

  /** Ends the connection without a closing handshake. */
  close(): void {
    this.closed = true
    this.socket?.terminate()
  }

  /** For the socket's handlers. */
  connected(socket: Bun.Socket<Connection>): void {
    this.socket = socket
  }

  /** For the socket's handlers. */
  arrived(chunk: Uint8Array): void {
    if (this.head === null) this.reader.read(chunk)
    else this.greeted(this.head, chunk)
  }

  /** For the socket's handlers. */
  drained(): void {
    const bytes = this.unsent
    this.unsent = null
    if (bytes !== null) this.send(bytes)
  }

  /** For the socket's handlers. */
  fail(reason: Error): void {
    if (this.closed) return
    this.close()
    this.lost(reason)
  }

  private greeted(before: string, chunk: Uint8Array): void {
    const head = before + Buffer.from(chunk).toString('latin1')
    const end = head.indexOf(endOfHead)
    if (end < 0) {
      this.head = head
      return
    }
    if (!head.startsWith('HTTP/1.1 101'))
      return this.fail(new Error(`the server refused the upgrade:\n${head}`))
    this.head = null
    if (this.isGreeted) this.opened()
    const rest = end + endOfHead.length - before.length
    if (rest < chunk.length) this.reader.read(chunk.slice(rest))
  }

  private message(bytes: Uint8Array, start: number, end: number): void {
    const { greet } = this
    if (greet === undefined || (this.isGreeted && end - start > 1)) return this.receive(bytes, start, end)
    const answer = greet(Buffer.from(bytes.slice(start, end)).toString())
    if (answer === OPEN) {
      this.isGreeted = true
      this.opened()
    } else if (answer !== undefined) this.send(clientFrame(answer))
  }

  private frame(kind: number, bytes: Uint8Array, start: number, end: number): void {
    if (kind === opcode.text || kind === opcode.binary) this.message(bytes, start, end)
    else if (kind === opcode.ping) this.send(clientFrame(bytes.slice(start, end), opcode.pong))
    else if (kind === opcode.close) {
      const code = end - start >= 2 ? (bytes[start]! << 8) | bytes[start + 1]! : 'no code'
      this.fail(new Error(`the server closed a connection with ${code}`))
    }
  }
}

// One object for all connections: at ten thousand of them, a set of closures each is felt.
const handlers: Bun.SocketHandler<Connection> = {
  open: (socket) => socket.data.connected(socket),
  data: (socket, chunk) => socket.data.arrived(chunk),
  drain: (socket) => socket.data.drained(),
  close: (socket) => socket.data.fail(new Error('the server ended a connection')),
  error: (socket, reason) => socket.data.fail(reason),
}

function handshake(port: number, path: string): string {
  const key = Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString('base64')
  return [
    `GET ${path} HTTP/1.1`,
    `Host: 127.0.0.1:${port}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${key}`,
    endOfHead,
  ]
    .join('\r\n')
    .slice(0, -2)
}

/** Opens many, a few at a time, as a server's backlog of unaccepted connections is short. */
export async function openMany(
  count: number,
  port: number,
  wire: Pick<Wire, 'path' | 'greet'>,
): Promise<Connection[]> {
  const connections: Connection[] = []
  while (connections.length < count) {
    const some = Math.min(100, count - connections.length)
    connections.push(...(await Promise.all(Array.from({ length: some }, () => Connection.open(port, wire)))))
  }
  return connections
}
