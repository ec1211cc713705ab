import type { Socket } from 'node:net'
import type { WebSocket } from 'ws'
import type { Connection, ConnectionHandler } from '../core/connection.ts'
import type { Payload } from '../protocol/codec.ts'
import { fitting } from './close-reason.ts'
import type { TextFrames } from './node-frame.ts'

/** A `readyState` in which frames may be sent. */
const OPEN = 1

/** A WebSocket of the package `ws`, as a connection. */
export class NodeLine implements Connection {
  readonly #ws: WebSocket
  readonly #socket: Socket
  readonly #handler: ConnectionHandler
  readonly #isPinged: boolean
  /** What makes frames of texts, where they can be written to the socket past ws. */
  readonly #frames: TextFrames | undefined
  #isClosed = false
  /** How often somebody asked and nothing had come since the last time. */
  #silence = 0

  /** `isPinged`: whether its line is looked after by pings of WebSocket itself. */
  constructor(
    ws: WebSocket,
    socket: Socket,
    handler: ConnectionHandler,
    frames: TextFrames,
    isPinged: boolean,
  ) {
    this.#ws = ws
    this.#socket = socket
    this.#handler = handler
    this.#isPinged = isPinged
    // Memory of its own for each message, which the handler may keep, and no copy where it had that already.
    ws.binaryType = 'arraybuffer'
    ws.on('message', (data, isBinary) => {
      this.#silence = 0
      if (!this.#isClosed) handler.message(isBinary ? new Uint8Array(data as ArrayBuffer) : data.toString())
    })
    const heard = (): void => {
      this.#silence = 0
    }
    ws.on('ping', heard)
    ws.on('pong', heard)
    ws.on('error', (error) => this.#end(codeOf(error), error.message))
    ws.on('close', (code, reason) => this.#end(code, reason.toString()))
    // In place of ws Bun has something of its own, which reads and writes beside the socket.
    if (socket.listenerCount('data') === 0) return
    this.#frames = frames
    // The listener of ws, which handles all that one read brings, stands between these two: what is answered meanwhile leaves
    // in one system call.
    socket.prependListener('data', () => socket.cork())
    socket.on('data', () => socket.uncork())
  }

  get bufferedAmount(): number {
    return this.#isClosed ? 0 : this.#ws.bufferedAmount
  }

  send(payload: Payload): boolean {
    if (this.#isClosed) return false
    this.#write(payload)
    return this.#ws.bufferedAmount === 0
  }

  sendAll(payloads: readonly Payload[]): boolean {
    if (payloads.length === 1) return this.send(payloads[0] as Payload)
    if (this.#isClosed) return false
    this.#socket.cork()
    for (const payload of payloads) this.#write(payload)
    this.#socket.uncork()
    return this.#ws.bufferedAmount === 0
  }

  close(code: number, reason: string): void {
    if (this.#isClosed) return
    // What is held back is the client's own close, too.
    this.#ws.resume()
    this.#ws.close(code, fitting(reason))
    this.#end(code, reason)
  }

  terminate(): void {
    this.#ws.terminate()
    this.#end(1006, '')
  }

  silence(): number {
    return this.#isPinged ? ++this.#silence : 0
  }

  ping(): void {
    this.#ws.ping()
  }

  pause(): void {
    this.#ws.pause()
  }

  resume(): void {
    this.#ws.resume()
  }

  /** Sends what waits, and says that nothing more comes. */
  finish(): void {
    this.#ws.resume()
    this.#socket.end()
  }

  /** Resolves when the client has answered the close, or its socket has ended otherwise. For lines that are there. */
  gone(): Promise<void> {
    return new Promise((resolve) => this.#ws.once('close', () => resolve()))
  }

  #write(payload: Payload): void {
    if (typeof payload !== 'string' || this.#frames === undefined) this.#ws.send(payload)
    // Since nothing is compressed, ws keeps no state between frames, and writes each of its own at once.
    else if (this.#ws.readyState === OPEN) this.#socket.write(this.#frames.of(payload))
  }

  /** Tells the handler, once. */
  #end(code: number, reason: string): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#handler.closed(code, reason)
  }
}

/** The close code that ws answers a broken frame with. */
function codeOf({ code }: Error & { code?: string }): number {
  return codes[code ?? ''] ?? 1002
}

const codes: Record<string, number> = {
  WS_ERR_INVALID_UTF8: 1007,
  WS_ERR_UNSUPPORTED_MESSAGE_LENGTH: 1009,
  WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH: 1009,
  WS_ERR_TOO_MANY_BUFFERED_PARTS: 1008,
}
