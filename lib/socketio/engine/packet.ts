import type { Payload } from '../../protocol/codec.ts'
import { toBase64 } from './base64.ts'

// Engine.IO protocol, version 4: the sections that comments here name are those of
// https://github.com/socketio/socket.io/blob/main/docs/engine.io-protocol/v4-current.md

/** The types of packets, as they stand at the beginning of one (section "Protocol"). */
export const packets = {
  open: '0',
  close: '1',
  ping: '2',
  pong: '3',
  message: '4',
  upgrade: '5',
  noop: '6',
} as const

/** The client's question whether a WebSocket works, and the answer (section "Upgrade"). */
export const PROBE_PING = '2probe'
export const PROBE_PONG = '3probe'

/**
 * A packet as a WebSocket carries it (section "Packet encoding", "WebSocket"): text that begins with its type, or the bytes of a
 * binary message as they are. Where it is polled for, bytes become text.
 */
export type Packet = Payload

/** Stands between the packets of a payload (section "Packet encoding", "HTTP long-polling"). */
export const SEPARATOR = '\x1e'

/** Stands before bytes as base64. */
export const BINARY = 'b'

/** A message as a packet, to be sent to as many as one likes. */
export function messagePacket(payload: Payload): Packet {
  return typeof payload === 'string' ? packets.message + payload : payload
}

/** What bytes are as text: those of a broadcast go to many pollers, and are encoded for the first of them. */
const encoded = new WeakMap<Uint8Array, string>()

/** A packet as text, for where there is no binary. */
export function textPacket(packet: Packet): string {
  if (typeof packet === 'string') return packet
  let text = encoded.get(packet)
  if (text === undefined) {
    text = BINARY + toBase64(packet)
    encoded.set(packet, text)
  }
  return text
}

/** How long a packet is about where it is polled for. */
export function sizeOf(packet: Packet): number {
  return typeof packet === 'string' ? packet.length : Math.ceil(packet.byteLength / 3) * 4
}

/** The packets of a payload, one by one, so that a great many of them take no more memory than their text does. */
export class PayloadReader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  /** The next one, which may be no packet; undefined after the last. */
  next(): string | undefined {
    if (this.#at > this.#text.length) return undefined
    const found = this.#text.indexOf(SEPARATOR, this.#at)
    const end = found < 0 ? this.#text.length : found
    const packet = this.#text.slice(this.#at, end)
    this.#at = end + 1
    return packet
  }
}
