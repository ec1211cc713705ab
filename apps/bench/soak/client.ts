import { clientFrame, FrameReader, opcode } from '../load/frames.ts'

/** A WebSocket client on a bare TCP connection, which can also do what no client should. */
export class SoakClient {
  /** Called with each text that arrives. */
  heard: (text: string) => void = () => {}
  /** The code of the server's close frame, where one came. */
  code: number | undefined
  hasEnded = false
  #socket: Bun.Socket | undefined
  #head: string | undefined = ''
  #unsent: Uint8Array | undefined
  readonly #reader = new FrameReader((kind, bytes, start, end) => {
    if (kind === opcode.text) this.heard(Buffer.from(bytes.slice(start, end)).toString())
    else if (kind === opcode.ping) this.write(clientFrame(bytes.slice(start, end), opcode.pong))
    else if (kind === opcode.close && end - start >= 2) this.code = (bytes[start]! << 8) | bytes[start + 1]!
  })

  /** Resolves when the server has taken it in, as one of a kind. */
  static async open(port: number, kind: string, greeted = false): Promise<SoakClient> {
    const client = new SoakClient()
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const ended = (): void => {
      client.hasEnded = true
      reject(new Error('the server ended a connection before it was open'))
    }
    client.#socket = await Bun.connect({
      hostname: '127.0.0.1',
      port,
      socket: {
        data: (_, chunk) => client.#arrived(chunk, resolve),
        drain: () => client.#drained(),
        close: ended,
        error: ended,
      },
    })
    client.write(
      Buffer.from(
        `GET /soak/${encodeURIComponent(kind)} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
          `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n` +
          `${greeted ? 'Sec-WebSocket-Protocol: partyline.json.v1\r\n' : ''}\r\n`,
      ),
    )
    await promise
    return client
  }

  send(text: string): void {
    this.write(clientFrame(text))
  }

  write(bytes: Uint8Array): void {
    if (this.hasEnded) return
    if (this.#unsent !== undefined) this.#unsent = Buffer.concat([this.#unsent, bytes])
    else {
      const sent = Math.max(0, this.#socket?.write(bytes) ?? 0)
      if (sent < bytes.length) this.#unsent = bytes.slice(sent)
    }
  }

  /** Whether something waits on this side. */
  get isBehind(): boolean {
    return this.#unsent !== undefined
  }

  stopReading(): void {
    this.#socket?.pause()
  }

  /** Goes without a word. */
  vanish(): void {
    this.#socket?.terminate()
  }

  #drained(): void {
    const bytes = this.#unsent
    this.#unsent = undefined
    if (bytes !== undefined) this.write(bytes)
  }

  #arrived(chunk: Uint8Array, opened: () => void): void {
    if (this.#head === undefined) return this.#reader.read(chunk)
    const before = this.#head.length
    this.#head += Buffer.from(chunk).toString('latin1')
    const end = this.#head.indexOf('\r\n\r\n')
    if (end < 0) return
    this.#head = undefined
    opened()
    if (end + 4 - before < chunk.length) this.#reader.read(chunk.slice(end + 4 - before))
  }
}
