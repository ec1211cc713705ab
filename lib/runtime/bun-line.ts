import type { Connection, ConnectionHandler } from '../core/connection.ts'
import type { Payload } from '../protocol/codec.ts'

/** The part of a socket of Bun's in use, so that the library's types need none of Bun's. */
export interface BunSocket {
  readonly data: BunLine
  sendText(data: string): number
  sendBinary(data: Uint8Array): number
  publish(topic: string, data: Payload): number
  subscribe(topic: string): boolean
  unsubscribe(topic: string): boolean
  cork(callback: () => void): void
  ping(): number
  close(code: number, reason: string): void
  terminate(): void
  pause(): void
  resume(): void
  getBufferedAmount(): number
  binaryType?: 'nodebuffer' | 'arraybuffer' | 'uint8array' | 'blob'
}

/** One of Bun's sockets, as a connection. */
export class BunLine implements Connection {
  readonly handler: ConnectionHandler
  readonly #isPinged: boolean
  #socket: BunSocket | undefined
  /** How often somebody asked and nothing had come since the last time. */
  #silence = 0

  /** `isPinged`: whether its line is looked after by pings of WebSocket itself. */
  constructor(handler: ConnectionHandler, isPinged: boolean) {
    this.handler = handler
    this.#isPinged = isPinged
  }

  /** Takes note that something came. */
  heard(): void {
    this.#silence = 0
  }

  open(socket: BunSocket): void {
    this.#socket = socket
    this.handler.opened(this)
  }

  get bufferedAmount(): number {
    return this.#socket?.getBufferedAmount() ?? 0
  }

  // Bun returns the bytes sent, -1 if they were queued, 0 if they were dropped or there were none.
  send(payload: Payload): boolean {
    const socket = this.#socket as BunSocket
    return (typeof payload === 'string' ? socket.sendText(payload) : socket.sendBinary(payload)) > 0
  }

  sendAll(payloads: readonly Payload[]): boolean {
    // A cork pays from two messages on.
    if (payloads.length === 1) return this.send(payloads[0] as Payload)
    let left = true
    this.#socket?.cork(() => {
      for (const payload of payloads) left = this.send(payload) && left
    })
    return left
  }

  subscribe(topic: string): void {
    this.#socket?.subscribe(topic)
  }

  unsubscribe(topic: string): void {
    this.#socket?.unsubscribe(topic)
  }

  publish(topic: string, payload: Payload): void {
    this.#socket?.publish(topic, payload)
  }

  silence(): number {
    return this.#isPinged ? ++this.#silence : 0
  }

  ping(): void {
    this.#socket?.ping()
  }

  close(code: number, reason: string): void {
    this.#socket?.close(code, reason)
  }

  terminate(): void {
    this.#socket?.terminate()
  }

  pause(): void {
    this.#socket?.pause()
  }

  resume(): void {
    this.#socket?.resume()
  }
}
