import type { Connection, ConnectionHandler } from '../core/connection.ts'
import type { Payload } from '../protocol/codec.ts'
import type { SocketioCodec } from './codec.ts'
import type { EngineSocket } from './engine/socket.ts'

/** What a namespace needs of the connection that it is on. */
export interface NamespaceParts {
  readonly socket: Pick<EngineSocket, 'sendPacket' | 'sendPackets' | 'bufferedAmount'>
  /** Has it left, as its code says. */
  leave(namespace: Namespace, code: number, reason: string): void
  /** Whether all of it is over, and the last words are on their way. */
  readonly isOver: boolean
  /** Ends everything at once. */
  terminate(): void
  /** Reads no more, until as many have asked to go on. */
  pause(): void
  resume(): void
}

/** One namespace of a client, as a line of its own to the session that serves it (section "Connection to a namespace"). */
export class Namespace implements Connection {
  readonly name: string
  readonly codec: SocketioCodec
  readonly #parts: NamespaceParts
  readonly #handler: ConnectionHandler
  #isClosed = false
  #isPaused = false

  constructor(name: string, codec: SocketioCodec, parts: NamespaceParts, handler: ConnectionHandler) {
    this.name = name
    this.codec = codec
    this.#parts = parts
    this.#handler = handler
  }

  get bufferedAmount(): number {
    return this.#isClosed ? 0 : this.#parts.socket.bufferedAmount
  }

  open(): void {
    this.#handler.opened(this)
  }

  /** Something came for it. */
  receive(payload: Payload): void {
    this.#handler.message(payload)
  }

  /** It is over; nothing after the first time. */
  end(code: number, reason: string): void {
    if (this.#isClosed) return
    this.#isClosed = true
    if (this.#isPaused) this.#parts.resume()
    this.#handler.closed(code, reason)
  }

  send(payload: Payload): boolean {
    if (this.#isClosed) return false
    const packets = this.codec.packetsIn(this.name, payload)
    const { socket } = this.#parts
    if (typeof packets === 'string') return socket.sendPacket(packets)
    return socket.sendPackets([packets.text, ...packets.attachments])
  }

  sendAll(payloads: readonly Payload[]): boolean {
    if (this.#isClosed) return false
    if (payloads.length === 1) return this.send(payloads[0] as Payload)
    const all: Payload[] = []
    for (const payload of payloads) {
      const packets = this.codec.packetsIn(this.name, payload)
      if (typeof packets === 'string') all.push(packets)
      else all.push(packets.text, ...packets.attachments)
    }
    return this.#parts.socket.sendPackets(all)
  }

  close(code: number, reason: string): void {
    if (!this.#isClosed) this.#parts.leave(this, code, reason)
  }

  terminate(): void {
    // Where it alone has left, the connection is the others'.
    if (!this.#isClosed || this.#parts.isOver) this.#parts.terminate()
  }

  pause(): void {
    if (this.#isPaused || this.#isClosed) return
    this.#isPaused = true
    this.#parts.pause()
  }

  resume(): void {
    if (!this.#isPaused || this.#isClosed) return
    this.#isPaused = false
    this.#parts.resume()
  }
}
