import type { Payload } from '../protocol/codec.ts'
import { pack, unpack } from './parcel.ts'

/** What one node writes to another: a question, an answer to one, or what it has to say. */
export interface Letter {
  /** The number under which an answer is wanted. */
  readonly ask?: number | undefined
  readonly question?: unknown
  /** The number of the question that this answers. */
  readonly answers?: number | undefined
  readonly data?: unknown
  /** More of the same list follows. */
  readonly hasMore?: boolean
  /** There is no answer. */
  readonly hasFailed?: boolean
}

/** Stands before the number of bytes, and twice before a text that begins with it. */
const MARK = '\0'

/**
 * As bytes: JSON, in which bytes may stand anywhere.
 *
 * @throws TypeError for what JSON cannot carry.
 */
export function packLetter(letter: Letter): Uint8Array {
  const payloads: Uint8Array[] = []
  function lift(this: Readonly<Record<string, unknown>>, key: string, shown: unknown): unknown {
    // As it stands there, and not as it shows itself: some bytes have a toJSON.
    const bytes = bytesOf(this[key])
    if (bytes !== undefined) return MARK + (payloads.push(bytes) - 1)
    return typeof shown === 'string' && shown.startsWith(MARK) ? MARK + shown : shown
  }
  return pack({ text: JSON.stringify(letter, lift), payloads })
}

/** Undefined for what is none. */
export function unpackLetter(bytes: Uint8Array): Letter | undefined {
  const parcel = unpack(bytes)
  if (parcel === undefined) return undefined
  const { text, payloads } = parcel
  try {
    const value: unknown = JSON.parse(text, (_, one: unknown) => settled(one, payloads))
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined
  } catch {
    return undefined
  }
}

function settled(value: unknown, payloads: readonly Payload[]): unknown {
  if (typeof value !== 'string' || !value.startsWith(MARK)) return value
  return value.startsWith(MARK, 1) ? value.slice(1) : payloads[Number(value.slice(1))]
}

function bytesOf(value: unknown): Uint8Array | undefined {
  if (value instanceof ArrayBuffer) return new Uint8Array(value)
  if (!ArrayBuffer.isView(value)) return undefined
  return new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
}
