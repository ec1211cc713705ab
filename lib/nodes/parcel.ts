import type { Payload } from '../protocol/codec.ts'

/** A text that says what it is about, and messages beside it that stay as they are. */
export interface Parcel {
  readonly text: string
  readonly payloads: readonly Payload[]
}

const encoder = new TextEncoder()
/** A byte order mark is part of a text. */
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** How the length of a payload says that it is a text: lengths are less than 2^31. */
const TEXT = 0x8000_0000
const WORD = 4

/**
 * As bytes: the number of payloads, the length of the text and of each payload, the text, the payloads. Numbers are of four
 * bytes, the highest first.
 */
export function pack({ text, payloads }: Parcel): Uint8Array {
  const parts: Uint8Array[] = [encoder.encode(text)]
  let size = WORD * (payloads.length + 2) + (parts[0] as Uint8Array).length
  for (const payload of payloads) {
    const part = typeof payload === 'string' ? encoder.encode(payload) : payload
    parts.push(part)
    size += part.length
  }
  const bytes = new Uint8Array(size)
  writeWord(bytes, 0, payloads.length)
  let at = WORD * (parts.length + 1)
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i] as Uint8Array
    const isText = i > 0 && typeof payloads[i - 1] === 'string'
    writeWord(bytes, WORD * (i + 1), isText ? part.length + TEXT : part.length)
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

/** Undefined for bytes that are no parcel. The payloads are copies. */
export function unpack(bytes: Uint8Array): Parcel | undefined {
  if (bytes.length < 2 * WORD) return undefined
  const count = readWord(bytes, 0)
  let at = WORD * (count + 2)
  if (at > bytes.length) return undefined
  const parts: Payload[] = []
  try {
    for (let i = 0; i <= count; i++) {
      const word = readWord(bytes, WORD * (i + 1))
      const isText = word >= TEXT
      const end = at + (isText ? word - TEXT : word)
      if (end > bytes.length) return undefined
      parts.push(i === 0 || isText ? decoder.decode(bytes.subarray(at, end)) : bytes.slice(at, end))
      at = end
    }
  } catch {
    // A text that is no UTF-8.
    return undefined
  }
  if (at !== bytes.length) return undefined
  const [text, ...payloads] = parts
  return { text: text as string, payloads }
}

/** What a text says as JSON; undefined where it is none. */
export function parsed(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text)
  } catch {
    return undefined
  }
}

function writeWord(bytes: Uint8Array, at: number, word: number): void {
  bytes[at] = word >>> 24
  bytes[at + 1] = word >>> 16
  bytes[at + 2] = word >>> 8
  bytes[at + 3] = word
}

function readWord(bytes: Uint8Array, at: number): number {
  return (
    byteAt(bytes, at) * 0x100_0000 +
    ((byteAt(bytes, at + 1) << 16) | (byteAt(bytes, at + 2) << 8) | byteAt(bytes, at + 3))
  )
}

/** Past the end it is 0: then the lengths do not fit. */
function byteAt(bytes: Uint8Array, at: number): number {
  return bytes[at] ?? 0
}
