import { PartylineError } from '../protocol/error.ts'

/**
 * What is published, as bytes. Text is kept in UTF-8, bytes as they are, anything else as its JSON text; which of them it was
 * goes beside it, so that whoever reads the kept message sees nothing but it.
 */
export interface Content {
  readonly bytes: Uint8Array
  readonly kind: ContentKind
}

/** As it is told on the wire between nodes: the two lowest bits of a tag. Of what other programs publish nothing is known. */
export const kinds = ['unknown', 'text', 'bytes', 'json'] as const
export type ContentKind = (typeof kinds)[number]

const encoder = new TextEncoder()
const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * What to publish for a value.
 *
 * @throws PartylineError INVALID_DATA for what JSON cannot carry, bytes inside of a value among it.
 */
export function contentOf(data: unknown): Content {
  if (typeof data === 'string') return { kind: 'text', bytes: encoder.encode(data) }
  if (data instanceof ArrayBuffer) return { kind: 'bytes', bytes: new Uint8Array(data) }
  if (ArrayBuffer.isView(data))
    return { kind: 'bytes', bytes: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) }
  return { kind: 'json', bytes: encoder.encode(jsonOf(data)) }
}

function jsonOf(data: unknown): string {
  let text: string | undefined
  try {
    text = JSON.stringify(data, refuseBytes)
  } catch (error) {
    if (error instanceof PartylineError) throw error
    throw new PartylineError('INVALID_DATA', `this cannot be published as JSON: ${wordsOf(error)}`)
  }
  if (text !== undefined) return text
  throw new PartylineError(
    'INVALID_DATA',
    `there is nothing to publish: ${data === undefined ? 'undefined' : `a ${typeof data}`} is no message`,
  )
}

/** Called with each value, after its toJSON: what it was before is in the object that it is of. */
function refuseBytes(this: unknown, key: string, value: unknown): unknown {
  const given = (this as Record<string, unknown>)[key]
  if (given instanceof ArrayBuffer || ArrayBuffer.isView(given))
    throw new PartylineError(
      'INVALID_DATA',
      'JSON cannot carry binary data: publish the bytes alone, or encode them as text',
    )
  return value
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** The text of bytes that are one in UTF-8; undefined for all others. */
export function textOf(bytes: Uint8Array): string | undefined {
  try {
    return strict.decode(bytes)
  } catch {
    return undefined
  }
}

/** A tag for what is published: its kind, and a number below 2 ** 30. */
export function tagOf(kind: ContentKind, number: number): number {
  return number * 4 + kinds.indexOf(kind)
}

/** What a tag says. */
export function readTag(tag = 0): { kind: ContentKind; number: number } {
  return { kind: kinds[tag % 4] ?? 'unknown', number: Math.floor(tag / 4) }
}
