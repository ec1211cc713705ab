import type { CloseReason } from '../protocol/close.ts'
import type { Payload } from '../protocol/codec.ts'

/** A WebSocket, as far as a client needs one. */
export interface WebSocketLike {
  readonly readyState: number
  send(data: string | Uint8Array<ArrayBuffer>): void
  close(code?: number, reason?: string): void
}

/** What makes one: the platform's own `WebSocket`, or a package's. */
export type WebSocketClass = new (url: string, protocols: string[]) => WebSocketLike

/** The rest of a WebSocket, whose types differ from platform to platform. */
interface Socket extends WebSocketLike {
  binaryType: string
  onopen: (() => void) | null
  onmessage: ((event: { data: string | ArrayBuffer }) => void) | null
  onclose: ((event: CloseReason) => void) | null
  onerror: ((event: { message?: string }) => void) | null
}

/** What somebody with a line hears from it. */
export interface LineListener {
  message(message: Payload): void
  /** Once and last, unless it was closed from here. */
  ended(reason: CloseReason): void
}

/** Of a line that broke, or never was. */
export const BROKEN = 1006

const OPEN = 1

/** One WebSocket, from the attempt to its end. */
export class Line {
  readonly #socket: Socket

  constructor(socket: WebSocketLike, { message, ended }: LineListener) {
    this.#socket = socket as Socket
    let wasOpen = false
    const over = ({ code, reason }: CloseReason): void => {
      this.#detach()
      // Where the handshake was refused, platforms have codes of their own for it.
      ended({ code: wasOpen ? code : BROKEN, reason })
    }
    this.#socket.binaryType = 'arraybuffer'
    this.#socket.onopen = () => {
      wasOpen = true
    }
    this.#socket.onmessage = ({ data }) => message(typeof data === 'string' ? data : new Uint8Array(data))
    this.#socket.onclose = over
    // Node tells of a handshake that failed by this alone, and here, unlike in browsers, is why.
    this.#socket.onerror = ({ message = '' }) => {
      if (!wasOpen) over({ code: BROKEN, reason: message })
    }
  }

  /** Whether what is sent now has a way to the other side; false as soon as either side closes. */
  get isOpen(): boolean {
    return this.#socket.readyState === OPEN
  }

  send(payload: Payload): void {
    this.#socket.send(payload as string | Uint8Array<ArrayBuffer>)
  }

  /**
   * Closes, and is not heard of again. On a dead line a platform would wait for the other side's answer for a long time.
   *
   * @throws what the platform throws for a code or reason that cannot be sent; then nothing has happened.
   */
  close(code: number, reason: string): void {
    this.#socket.close(code, reason)
    this.#detach()
  }

  #detach(): void {
    this.#socket.onopen = this.#socket.onmessage = this.#socket.onclose = null
    // Not null: where WebSockets are event emitters, an error that nobody hears is thrown.
    this.#socket.onerror = () => {}
  }
}
