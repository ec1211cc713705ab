import type { Payload } from '../protocol/codec.ts'
import { type Parts, unpack } from './pack.ts'
import { MAIN } from './packet.ts'

/** For how many namespaces the same message is kept at once, and up to which length. */
const KEPT = { namespaces: 64, length: 16_384 }

/**
 * Packets under the names of the namespaces that they go to. A gateway whose path has parameters is many namespaces, and a broadcast is
 * encoded once for all: only its address differs, and is exchanged. What goes to many of the same namespace is the same text.
 */
export class Renamed {
  /** The one that packets are written for. */
  readonly #namespace: string
  #last: string | undefined
  readonly #byNamespace = new Map<string, string>()
  /** What was packed, for all to whom it goes. */
  readonly #unpacked = new WeakMap<Uint8Array, Parts>()

  constructor(namespace: string) {
    this.#namespace = namespace
  }

  packetsIn(namespace: string, payload: Payload): string | Parts {
    if (typeof payload === 'string') return this.#textIn(namespace, payload)
    let parts = this.#unpacked.get(payload)
    if (parts === undefined) {
      parts = unpack(payload)
      this.#unpacked.set(payload, parts)
    }
    if (namespace === this.#namespace) return parts
    return { text: this.#textIn(namespace, parts.text), attachments: parts.attachments }
  }

  #textIn(namespace: string, text: string): string {
    if (namespace === this.#namespace) return text
    if (text.length > KEPT.length) return this.#rename(namespace, text)
    if (text !== this.#last || this.#byNamespace.size >= KEPT.namespaces) {
      this.#byNamespace.clear()
      this.#last = text
    }
    let renamed = this.#byNamespace.get(namespace)
    if (renamed === undefined) {
      renamed = this.#rename(namespace, text)
      this.#byNamespace.set(namespace, renamed)
    }
    return renamed
  }

  /** Section "Format": the namespace comes after the type, and the number of attachments where there are any. */
  #rename(namespace: string, text: string): string {
    const type = text.charCodeAt(1)
    const start = type === BINARY_EVENT || type === BINARY_ACK ? text.indexOf('-') + 1 : 2
    const rest = start + (this.#namespace === MAIN ? 0 : this.#namespace.length + 1)
    return text.slice(0, start) + (namespace === MAIN ? '' : `${namespace},`) + text.slice(rest)
  }
}

const BINARY_EVENT = 0x35
const BINARY_ACK = 0x36
