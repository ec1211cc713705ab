import { connect, type Socket } from 'node:net'
import { until } from './until.ts'

/** Where a server listens. */
export type Place = { port: number; host: string } | { path: string }

/** A WebSocket frame as it stands on the wire (RFC 6455, section 5.2). */
export interface WireFrame {
  opcode: number
  payload: Buffer
}

/** Opcodes. */
export const TEXT = 0x1
export const BINARY = 0x2
export const CLOSE = 0x8
export const PING = 0x9
export const PONG = 0xa

/** The bytes of a masked frame, as clients send them. `isLast`: whether it ends its message. */
export function frameBytes(opcode: number, payload: string | Uint8Array, isLast = true): Buffer {
  const body: Buffer = Buffer.from(payload as string)
  const mask = Buffer.from([0x12, 0x34, 0x56, 0x78])
  const masked = Buffer.from(body.map((byte, i) => byte ^ (mask[i % 4] as number)))
  const head = frameHead(opcode, body.length)
  if (!isLast) head[0] = opcode
  return Buffer.concat([head, mask, masked])
}

function frameHead(opcode: number, length: number): Buffer {
  const first = 0x80 | opcode
  if (length < 126) return Buffer.from([first, 0x80 | length])
  if (length < 65_536) return Buffer.from([first, 0x80 | 126, length >> 8, length & 0xff])
  const head = Buffer.alloc(10)
  head.writeUInt16BE((first << 8) | 0x80 | 127)
  head.writeBigUInt64BE(BigInt(length), 2)
  return head
}

/** A WebSocket client made of a TCP socket, which sends any bytes and shows what comes back as it is. */
export class WireClient {
  /** What the server answered to the handshake, up to the empty line. */
  head = ''
  /** The frames that have arrived and were not taken. */
  readonly frames: WireFrame[] = []
  /** How many bytes have arrived. */
  bytes = 0
  ended = false
  readonly #socket: Socket
  #unread: Buffer = Buffer.alloc(0)

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (data: Buffer) => this.#take(data))
    socket.on('error', () => {})
    socket.on('close', () => {
      this.ended = true
    })
  }

  /** Knocks at a path with a good handshake, these headers and these bytes behind it, and waits for the answer. */
  static async open(
    place: Place,
    path: string,
    headers: Record<string, string> = {},
    early: Uint8Array = new Uint8Array(),
  ): Promise<WireClient> {
    const client = new WireClient(connect(place))
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
    const head =
      `GET ${path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${lines.join('')}\r\n`
    client.write(Buffer.concat([Buffer.from(head), early]))
    await until(() => client.head !== '' || client.ended, 'the answer to the handshake')
    return client
  }

  write(bytes: string | Uint8Array): void {
    this.#socket.write(bytes)
  }

  /** Sends text frames, in one write. */
  send(...texts: string[]): void {
    this.write(Buffer.concat(texts.map((text) => frameBytes(TEXT, text))))
  }

  /** The next frame. */
  async next(): Promise<WireFrame> {
    await until(() => this.frames.length > 0 || this.ended, 'a frame')
    const frame = this.frames.shift()
    if (frame === undefined) throw new Error('the connection ended, and a frame was expected')
    return frame
  }

  /** The text of the next frame. */
  async text(): Promise<string> {
    const { opcode, payload } = await this.next()
    if (opcode !== TEXT) throw new Error(`a frame of opcode ${opcode} came, and text was expected`)
    return payload.toString()
  }

  /** Sends a text, and returns the next one that comes. */
  ask(text: string): Promise<string> {
    this.send(text)
    return this.text()
  }

  /** Stops reading, so that the server feels it. */
  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  #take(data: Buffer): void {
    this.bytes += data.length
    this.#unread = Buffer.concat([this.#unread, data])
    if (this.head === '') {
      const end = this.#unread.indexOf('\r\n\r\n')
      if (end < 0) return
      this.head = this.#unread.subarray(0, end).toString()
      this.#unread = this.#unread.subarray(end + 4)
    }
    for (let size = this.#nextFrame(); size > 0; size = this.#nextFrame()) {
      this.#unread = this.#unread.subarray(size)
    }
  }

  /** Takes a frame if there is a whole one; returns its size. */
  #nextFrame(): number {
    const { length } = this.#unread
    if (length < 2) return 0
    const short = (this.#unread[1] as number) & 0x7f
    const start = short === 127 ? 10 : short === 126 ? 4 : 2
    if (length < start) return 0
    const size =
      short === 127
        ? Number(this.#unread.readBigUInt64BE(2))
        : short === 126
          ? this.#unread.readUInt16BE(2)
          : short
    if (length < start + size) return 0
    const payload = Buffer.from(this.#unread.subarray(start, start + size))
    this.frames.push({ opcode: (this.#unread[0] as number) & 0x0f, payload })
    return start + size
  }
}

/** The code of a close frame. */
export function closeCode({ opcode, payload }: WireFrame): number {
  if (opcode !== CLOSE)
    throw new Error(`a frame of opcode ${opcode} came, and a close was expected: ${payload}`)
  return payload.readUInt16BE(0)
}
