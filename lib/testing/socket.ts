import type { WebSocketClass } from '../client/mod.ts'
import type { CloseReason } from '../protocol/close.ts'
import type { Payload } from '../protocol/codec.ts'
import type { ClientEnd, NetworkLine } from './line.ts'

const CONNECTING = 0
const OPEN = 1
const CLOSING = 2
const CLOSED = 3

/** How long a reason may be, in bytes of UTF-8 (RFC 6455, section 5.5). */
const REASON = 123

/** Makes a line for an attempt, to a path with its query, with the subprotocols that it offers. */
export type Dial = (path: string, subprotocols: readonly string[], end: ClientEnd) => NetworkLine

/** Hears a message before the client does; `tell` gives it to the client. */
export type Tap = (payload: Payload, tell: () => void) => void

/** A class like the platform's `WebSocket`, whose lines are made by `dial`. */
export function webSocketOn(dial: Dial, tap: Tap): WebSocketClass {
  return class extends MemoryWebSocket {
    constructor(url: string, subprotocols: string[]) {
      super(url, subprotocols, dial, tap)
    }
  }
}

/** A WebSocket as in browsers, as far as anybody here uses one. */
class MemoryWebSocket implements ClientEnd {
  readonly url: string
  readyState = CONNECTING
  protocol = ''
  binaryType = 'arraybuffer'
  onopen: ((event: object) => void) | null = null
  onmessage: ((event: { data: string | ArrayBuffer }) => void) | null = null
  onclose: ((event: CloseReason) => void) | null = null
  onerror: ((event: { message: string }) => void) | null = null
  readonly #tap: Tap
  readonly #line: NetworkLine

  constructor(url: string, subprotocols: readonly string[], dial: Dial, tap: Tap) {
    const { pathname, search } = new URL(url)
    this.url = url
    this.#tap = tap
    this.#line = dial(pathname + search, subprotocols, this)
  }

  send(data: string | Uint8Array): void {
    if (this.readyState === CONNECTING)
      throw new Error('InvalidStateError: the WebSocket is still connecting')
    // So do browsers: what is sent into a closing socket is gone, without a word.
    if (this.readyState === OPEN) this.#line.send(typeof data === 'string' ? data : data.slice())
  }

  close(code = 1000, reason = ''): void {
    checkClose(code, reason)
    if (this.readyState >= CLOSING) return
    this.readyState = CLOSING
    this.#line.close(code, reason)
  }

  opened(subprotocol = ''): void {
    if (this.readyState !== CONNECTING) return
    this.readyState = OPEN
    this.protocol = subprotocol
    this.onopen?.({})
  }

  refused(response: Response | undefined): void {
    const why = response === undefined ? 'nobody is there' : `the server answered ${response.status}`
    this.readyState = CLOSED
    this.onerror?.({ message: why })
    this.onclose?.({ code: 1006, reason: '' })
  }

  message(payload: Payload): void {
    if (this.readyState !== OPEN) return
    const data = typeof payload === 'string' ? payload : payload.slice().buffer
    this.#tap(payload, () => this.onmessage?.({ data }))
  }

  closed(reason: CloseReason): void {
    this.readyState = CLOSED
    this.onclose?.(reason)
  }
}

/** Holds a close against what browsers let pass. */
export function checkClose(code: number, reason: string): void {
  if (code !== 1000 && !(Number.isInteger(code) && code >= 3000 && code <= 4999))
    throw new Error(`InvalidAccessError: a client closes with 1000 or 3000 to 4999, not with ${code}`)
  if (new TextEncoder().encode(reason).length > REASON)
    throw new Error(`SyntaxError: a reason has ${REASON} bytes at most`)
}
