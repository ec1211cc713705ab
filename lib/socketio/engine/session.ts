import type { Connection } from '../../core/connection.ts'
import type { Clock } from '../../protocol/clock.ts'
import { closeCodes } from '../../protocol/close.ts'
import type { Payload } from '../../protocol/codec.ts'
import { fromBase64 } from './base64.ts'
import { type Beating, Heartbeat, type Heartbeats } from './heartbeat.ts'
import type { WebSocketLine } from './line.ts'
import type { EngineRules, TransportName } from './options.ts'
import { BINARY, messagePacket, type Packet, packets } from './packet.ts'
import { type Asked, type Polled, Polling } from './polling.ts'
import { Probe, type Probed } from './probe.ts'
import type { EngineHandler, EngineSocket } from './socket.ts'
import type { EngineEnd, Farewell, Receiver, Transport } from './transport.ts'

/** How long a client may take to come for what was sent before the close, or to answer the close, in milliseconds. */
const LINGER = 30_000

/** What sessions need of their server. */
export interface SessionParts {
  readonly rules: EngineRules
  readonly clock: Clock
  readonly heartbeats: Heartbeats
  /** It has ended, and its client is still to learn that. */
  lingers(session: EngineSession): void
  /** Nobody needs to find it any more. */
  left(session: EngineSession): void
  failed(error: unknown): void
}

/** A session: what lives from the handshake on, whichever transport carries it. */
export class EngineSession implements EngineSocket, Receiver, Polled, Probed, Beating {
  readonly id: string
  readonly #parts: SessionParts
  #transport: Transport
  /** The transport, while it polls. */
  #polling: Polling | undefined
  #probe: Probe | undefined
  #handler: EngineHandler | undefined
  #end: EngineEnd | undefined
  readonly #heartbeat: Heartbeat
  /** Ends the wait for a client that lingers. */
  #timer: unknown
  /** What comes before there is a handler, as in memory, where the client answers at once. */
  #early: Packet[] | undefined = []
  #isPaused = false

  /** @param line undefined where it begins with polling */
  constructor(id: string, parts: SessionParts, line?: WebSocketLine) {
    this.id = id
    this.#parts = parts
    this.#heartbeat = new Heartbeat(this, parts.heartbeats)
    this.#polling = line === undefined ? new Polling(this, parts.rules, parts.clock) : undefined
    this.#transport = line ?? (this.#polling as Polling)
  }

  get transport(): TransportName {
    return this.#transport.name
  }

  get connection(): Connection | undefined {
    return this.#end === undefined ? this.#transport.connection : undefined
  }

  get end(): EngineEnd | undefined {
    return this.#end
  }

  get isOpen(): boolean {
    return this.#end === undefined
  }

  get isPaused(): boolean {
    return this.#isPaused
  }

  get bufferedAmount(): number {
    return this.isOpen ? this.#transport.bufferedAmount : 0
  }

  get writable(): boolean {
    return this.isOpen && this.#transport.writable
  }

  /** Section "Handshake". */
  get openPacket(): string {
    const { pingInterval, pingTimeout, maxPayload, allowUpgrades, transports } = this.#parts.rules
    const canUpgrade = this.#polling !== undefined && allowUpgrades && transports.includes('websocket')
    const upgrades = canUpgrade ? ['websocket'] : []
    return packets.open + JSON.stringify({ sid: this.id, upgrades, pingInterval, pingTimeout, maxPayload })
  }

  /** Begins, once the open packet has left. */
  begin(opened: (socket: EngineSocket) => EngineHandler): void {
    this.#heartbeat.start()
    this.#safely(() => {
      const handler = opened(this)
      this.#handler = handler
      if (this.#end !== undefined) handler.closed(this.#end)
    })
    const early = this.#early ?? []
    this.#early = undefined
    for (const packet of early) this.receive(packet)
  }

  send(payload: Payload): boolean {
    return this.sendPacket(messagePacket(payload))
  }

  sendPacket(packet: Packet): boolean {
    if (!this.isOpen) return false
    return this.#transport.send(packet) || this.#checkBacklog()
  }

  sendPackets(all: readonly Packet[]): boolean {
    if (!this.isOpen) return false
    return this.#transport.sendAll(all) || this.#checkBacklog()
  }

  pause(): void {
    if (!this.isOpen) return
    this.#isPaused = true
    this.#transport.pause()
  }

  resume(): void {
    this.#isPaused = false
    this.#transport.resume()
  }

  close(code: number = closeCodes.normal.code, reason = ''): void {
    this.#finish({ cause: 'forced close', code, reason }, 'orderly')
  }

  terminate(): void {
    // Also where it was closed, and the client does not answer.
    if (!this.isOpen) this.#transport.terminate()
    this.drop({ cause: 'forced close', code: 1006, reason: '' })
  }

  fail(end: EngineEnd): void {
    this.#finish(end, 'now')
  }

  /** Ends it, and forgets what the client has not come for yet. */
  drop(end: EngineEnd): void {
    if (this.isOpen) this.fail(end)
    else this.#leave()
  }

  // Requests of who polls.

  poll(asked: Asked): Response | Promise<Response> {
    if (this.#polling === undefined) return asked.reply.refused('badRequest')
    if (this.isOpen) {
      this.#heartbeat.check(this.#polling.holds(packets.ping))
      if (!this.isOpen) return asked.reply.refused('unknownSession')
    }
    const answer = this.#polling.poll(asked)
    // These were its last words.
    if (!this.isOpen) this.#leave()
    return answer
  }

  async post(asked: Asked): Promise<Response> {
    if (this.#polling === undefined) return asked.reply.refused('badRequest')
    // It is told of the end by its next GET, with what was sent before.
    return this.isOpen ? this.#polling.post(asked) : asked.reply.ok()
  }

  // What comes in.

  receive(packet: Packet): void {
    if (this.#end !== undefined) return
    if (this.#early !== undefined) return void this.#early.push(packet)
    this.#heartbeat.heard()
    if (typeof packet !== 'string') return this.#message(packet)
    switch (packet[0]) {
      case packets.message:
        return this.#text(packet)
      case packets.pong:
        return this.#heartbeat.ponged()
      case packets.close:
        return this.#finish({ cause: 'transport close', code: closeCodes.normal.code, reason: '' }, 'client')
      case BINARY: {
        const bytes = fromBase64(packet.slice(1))
        return bytes === undefined
          ? this.#malformed('a binary packet that is no base64')
          : this.#message(bytes)
      }
      // They mean nothing where no WebSocket is being tried, and some clients send them all the same.
      case packets.upgrade:
      case packets.noop:
        return
      default:
        this.#malformed('a packet of a type that a client does not send')
    }
  }

  lost(code: number, reason: string): void {
    if (!this.isOpen) return this.#leave()
    const cause = FAULTS.includes(code) ? 'transport error' : 'transport close'
    this.#finish({ cause, code, reason }, 'now')
  }

  // The upgrade (section "Upgrade").

  /** A WebSocket has opened that names this session. */
  welcome(line: WebSocketLine): void {
    if (!this.isOpen || this.#polling === undefined || this.#probe !== undefined) {
      // Closed, as section "WebSocket" demands, and not refused: clients listen for that.
      return line.close(closeCodes.policy.code, 'this session has another WebSocket, or has ended')
    }
    this.#probe = new Probe(line, this, this.#parts.rules, this.#parts.clock)
    line.becomes(this.#probe)
  }

  probed(): void {
    this.#polling?.probe()
  }

  probeLost(probe: Probe): void {
    if (this.#probe !== probe) return
    this.#probe = undefined
    this.#polling?.stay()
  }

  upgrade(line: WebSocketLine): void {
    const polling = this.#polling as Polling
    // A client that upgrades has had the answers to all that it posted: what is still on its way would come out of order.
    if (polling.isPosting && this.isOpen) {
      return this.fail({ cause: 'transport error', code: 1002, reason: 'an upgrade beside a POST request' })
    }
    this.#probe = undefined
    this.#polling = undefined
    this.#transport = line
    line.becomes(this)
    const left = polling.leave()
    if (this.#end !== undefined) return this.#takeLeave(line, left, this.#end)
    if (left.length > 0) line.sendAll(left)
    if (this.#isPaused) line.pause()
    this.#safely(() => this.#handler?.upgraded?.())
  }

  #message(payload: Payload): void {
    this.#safely(() => this.#handler?.message(payload))
  }

  #text(packet: string): void {
    // As `#safely`, without a function for each of them.
    try {
      const handler = this.#handler
      if (handler?.textPacket !== undefined) handler.textPacket(packet)
      else handler?.message(packet.slice(1))
    } catch (error) {
      this.#failed(error)
    }
  }

  #malformed(reason: string): void {
    this.fail({ cause: 'parse error', code: 1002, reason })
  }

  /** For who does not read: returns false, as what did not leave at once. */
  #checkBacklog(): false {
    const { maxBuffered } = this.#parts.rules
    if (this.bufferedAmount > maxBuffered) {
      const reason = `more than ${maxBuffered} bytes wait for it`
      // A close frame would stand behind all that the client does not read.
      this.fail({ cause: 'transport error', code: 1006, reason })
    }
    return false
  }

  #finish(end: EngineEnd, how: Farewell): void {
    if (this.#end !== undefined) return
    this.#end = end
    this.#heartbeat.stop()
    if (this.#transport.finish(end, how)) {
      this.#timer = this.#parts.clock.setTimeout(() => this.terminate(), LINGER)
      this.#parts.lingers(this)
    } else this.#leave()
    this.#safely(() => this.#handler?.closed(end))
  }

  /** It had ended when the client went over, which has stopped polling: it learns the end by the WebSocket, after what was sent before. */
  #takeLeave(line: WebSocketLine, left: readonly Packet[], end: EngineEnd): void {
    const sent = left.filter((packet) => packet !== packets.close)
    if (sent.length > 0) line.sendAll(sent)
    if (!line.finish(end)) this.#leave()
  }

  #leave(): void {
    this.#parts.clock.clearTimeout(this.#timer)
    // Not before: who has stopped polling to go over would wait for the end in vain, and comes back only when no ping comes.
    const { code = closeCodes.normal.code } = this.#end ?? {}
    this.#probe?.end(code === 1006 ? closeCodes.policy.code : code, 'the session has ended')
    this.#parts.left(this)
  }

  /** What is built on top has no way to fail the transport. */
  #safely(task: () => void): void {
    try {
      task()
    } catch (error) {
      this.#failed(error)
    }
  }

  #failed(error: unknown): void {
    this.#parts.failed(error)
    const { code } = closeCodes.internal
    this.fail({ cause: 'forced close', code, reason: 'the server failed' })
  }
}

/** Codes of WebSockets that ended because what came on them was broken. */
const FAULTS: readonly number[] = [1002, 1003, 1007, 1008, 1009]
