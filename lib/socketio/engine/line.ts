import type { Connection, ConnectionHandler } from '../../core/connection.ts'
import type { EngineRules } from './options.ts'
import { type Packet, textPacket } from './packet.ts'
import type { EngineEnd, Receiver, Transport } from './transport.ts'

/** A WebSocket (section "WebSocket"): each packet is a message of its own, and bytes are as they are. */
export class WebSocketLine implements Transport, ConnectionHandler {
  readonly #rules: EngineRules
  readonly #isText: boolean
  /** Until it has opened: what it closes over is large to keep. */
  #begin: ((line: WebSocketLine) => void) | undefined
  #connection: Connection | undefined
  #receiver: Receiver = unwanted

  /**
   * @param isText whether bytes go out as text too: clients without binary say so by `b64=1` (from protocol 3, and still done)
   * @param begin called when it has opened; says who takes what comes, by `becomes`
   */
  constructor(rules: EngineRules, isText: boolean, begin: (line: WebSocketLine) => void) {
    this.#rules = rules
    this.#isText = isText
    this.#begin = begin
  }

  get name(): 'websocket' {
    return 'websocket'
  }

  get connection(): Connection | undefined {
    // Audiences of the runtime's own would be sent bytes.
    return this.#isText ? undefined : this.#connection
  }

  get writable(): boolean {
    return this.bufferedAmount === 0
  }

  get bufferedAmount(): number {
    return this.#connection?.bufferedAmount ?? 0
  }

  // For the runtime.

  opened(connection: Connection): void {
    this.#connection = connection
    const begin = this.#begin
    this.#begin = undefined
    begin?.(this)
  }

  message(packet: Packet): void {
    if (!isLarger(packet, this.#rules.maxPayload)) return this.#receiver.receive(packet)
    const receiver = this.#receiver
    // What comes until it is closed is nobody's any more.
    this.#receiver = unwanted
    this.close(1009, 'message too big')
    receiver.lost(1009, 'message too big')
  }

  closed(code: number, reason: string): void {
    this.#connection = undefined
    this.#receiver.lost(code, reason)
  }

  // For the session.

  /** From now on somebody else takes what comes. */
  becomes(receiver: Receiver): void {
    this.#receiver = receiver
  }

  send(packet: Packet): boolean {
    return this.#connection?.send(this.#isText ? textPacket(packet) : packet) ?? false
  }

  sendAll(all: readonly Packet[]): boolean {
    return this.#connection?.sendAll(this.#isText ? all.map(textPacket) : all) ?? false
  }

  pause(): void {
    this.#connection?.pause?.()
  }

  resume(): void {
    this.#connection?.resume?.()
  }

  close(code: number, reason: string): void {
    this.#connection?.close(code, reason)
  }

  terminate(): void {
    this.#connection?.terminate()
  }

  finish({ code, reason }: EngineEnd): boolean {
    // That code stands for no close frame, and cannot be in one (RFC 6455, section 7.4.1).
    if (code === 1006) this.terminate()
    else this.close(code, reason)
    // Who does not read never sees the close, and would have its line for ever.
    return this.#connection !== undefined
  }
}

/** Takes what comes on a WebSocket that is being closed. */
export const unwanted: Receiver = { receive: () => {}, lost: () => {} }

/** Whether a message has more bytes than that. */
function isLarger(packet: Packet, limit: number): boolean {
  if (typeof packet !== 'string') return packet.byteLength > limit
  // A character is one to three bytes; almost no message is near the limit.
  if (packet.length * 3 <= limit) return false
  return packet.length > limit || new TextEncoder().encode(packet).length > limit
}
