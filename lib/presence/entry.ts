import { PartylineError } from '../protocol/error.ts'

/**
 * What a node says of one of its connections, as JSON in UTF-8, in a list: of whom it is; where it has set a state, when, and
 * which. An empty list is one that has left on purpose.
 *
 *     ["ann"]    ["ann",1767225600000,{"mood":"happy"}]    []
 */
export interface Entry {
  readonly id: string
  /** When the state was set: higher than of any that was known where it was; 0 where there is none. */
  readonly at: number
  /** Undefined where none was set. */
  readonly state: unknown
}

/** How many bytes the id of a user may have. */
const LONGEST_ID = 1_024

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** The bytes of one that has left on purpose. */
export const GONE: Uint8Array = encoder.encode('[]')

/** @throws PartylineError `INVALID_DATA` where the id is too long. */
export function encodeEntry(id: string, at: number, state: string | undefined): Uint8Array {
  const name = JSON.stringify(id)
  const bytes = encoder.encode(state === undefined ? `[${name}]` : `[${name},${at},${state}]`)
  const length = id.length * 3 > LONGEST_ID ? encoder.encode(id).length : 0
  if (length <= LONGEST_ID) return bytes
  const message = `the id of a member has ${length} bytes, and ${LONGEST_ID} is the most`
  throw new PartylineError('INVALID_DATA', message, { bytes: length, limit: LONGEST_ID })
}

/** What it says; undefined where it is none of ours. */
export function decodeEntry(bytes: Uint8Array): Entry | 'gone' | undefined {
  const value = parse(decoder.decode(bytes))
  if (!Array.isArray(value)) return undefined
  const [id, at, state] = value as unknown[]
  if (value.length === 0) return 'gone'
  if (typeof id !== 'string') return undefined
  if (value.length === 1) return { id, at: 0, state: undefined }
  const isStamped = Number.isSafeInteger(at) && (at as number) > 0
  return value.length === 3 && isStamped ? { id, at: at as number, state } : undefined
}

/**
 * A state as JSON; undefined of undefined.
 *
 * @throws PartylineError `INVALID_DATA` for what JSON cannot carry, and for more than so many bytes
 */
export function encodeState(state: unknown, limit: number): string | undefined {
  if (state === undefined) return undefined
  const text = stringify(state)
  if (text === undefined)
    throw new PartylineError('INVALID_DATA', 'the state of a member is nothing that JSON can carry')
  const length = text.length > limit ? text.length : encoder.encode(text).length
  if (length <= limit) return text
  const message = `the state of a member has ${length} bytes or more as JSON, and ${limit} is the most`
  throw new PartylineError('INVALID_DATA', message, { bytes: length, limit })
}

/** Of a function and a symbol JSON makes nothing; cycles and large integers it refuses. */
function stringify(state: unknown): string | undefined {
  try {
    return JSON.stringify(state) as string | undefined
  } catch {
    return undefined
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
