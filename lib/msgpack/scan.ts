import { malformed } from '../protocol/codec.ts'
import { Cursor, type Kind } from './format.ts'
import { isUtf8 } from './utf8.ts'

/** From this many bytes on, a text that begins with a byte order mark needs care: see mark.ts. */
const LONG = 201

/** How far from 1970 a Date goes, in milliseconds (ECMA-262, section 21.4.1.1). */
const FURTHEST = 8.64e15

const SECOND = 1e9

/** The extension type of timestamps, as a byte: -1. */
const TIMESTAMP = 0xff

const SHORT = 'not MessagePack: it ends too early'

const PROTO = [...'__proto__'].map((one) => one.charCodeAt(0))

/**
 * Looks at a whole message before anything is made of it. What it says to hold is there, is MessagePack, and is what a
 * frame may hold; so whoever decodes it afterwards makes nothing that is larger than the message warrants. It makes
 * nothing itself.
 */
export class Scan {
  /** How deep arrays and maps are nested, the frame itself being 1. */
  depth = 0
  /** Whether there are bytes, or integers of 64 bits: see finish.ts. */
  isUnfinished = false
  /** Where the texts are, by their type bytes, that are long and begin with a byte order mark. */
  marks: number[] | undefined
  readonly #cursor: Cursor
  readonly #depth: number

  /**
   * Throws MALFORMED_FRAME, with the id that an event asks to be answered under, where that is there. One level more than
   * `depth` is let through: an event's only argument is in an array that JSON has not.
   */
  constructor(bytes: Uint8Array, depth: number) {
    this.#cursor = new Cursor(bytes)
    this.#depth = depth
    if (new Cursor(bytes).head() !== 'array') {
      throw malformed('a frame is an array in MessagePack, such as [0, "hello", [1]]')
    }
    this.#value(1)
    if (this.#cursor.left > 0) this.#refuse('bytes follow the frame')
  }

  #value(level: number): void {
    const cursor = this.#cursor
    const start = cursor.at
    switch (this.#head()) {
      case 'array':
        return this.#array(level)
      case 'map':
        return this.#map(level)
      case 'text':
        return this.#text(start)
      case 'extension':
        return this.#extension()
      case 'bytes':
      case 'wide':
        this.isUnfinished = true
    }
    this.#pass()
  }

  #array(level: number): void {
    this.#enter(level, this.#cursor.size)
    for (let left = this.#cursor.size; left > 0; left--) this.#value(level + 1)
  }

  #map(level: number): void {
    this.#enter(level, 2 * this.#cursor.size)
    for (let left = this.#cursor.size; left > 0; left--) {
      this.#key()
      this.#value(level + 1)
    }
  }

  /** `values` is how many are said to follow: each takes a byte at least. */
  #enter(level: number, values: number): void {
    if (!(level <= this.#depth + 1)) this.#refuse(tooDeep(this.#depth))
    if (level > this.depth) this.depth = level
    if (values > this.#cursor.left) this.#refuse(SHORT)
  }

  #key(): void {
    const cursor = this.#cursor
    const start = cursor.at
    if (this.#head() !== 'text') this.#refuse('the keys of a map are texts')
    const { at, size } = cursor
    this.#text(start)
    if (size === PROTO.length && PROTO.every((code, i) => cursor.bytes[at + i] === code)) {
      this.#refuse('"__proto__" is no key')
    }
  }

  #text(start: number): void {
    const { bytes, at, size } = this.#cursor
    this.#pass()
    if (!isUtf8(bytes, at, at + size)) this.#refuse('a text is no UTF-8')
    const isMarked = size >= LONG && bytes[at] === 0xef && bytes[at + 1] === 0xbb && bytes[at + 2] === 0xbf
    if (isMarked) {
      this.marks ??= []
      this.marks.push(start)
    }
  }

  #extension(): void {
    const { bytes, at, size } = this.#cursor
    this.#pass()
    const type = bytes[at] as number
    if (type !== TIMESTAMP) this.#refuse(`the extension type ${(type << 24) >> 24} is not known`)
    if (!isTime(bytes, at + 1, size - 1)) this.#refuse('a timestamp is none that a Date can hold')
  }

  #head(): Kind {
    const kind = this.#cursor.head()
    if (kind === 'none') this.#refuse('not MessagePack: there is a byte 0xc1')
    if (kind === 'end') this.#refuse(SHORT)
    return kind
  }

  /** Goes over what follows the head. */
  #pass(): void {
    const cursor = this.#cursor
    if (cursor.size > cursor.left) this.#refuse(SHORT)
    cursor.at += cursor.size
  }

  #refuse(message: string): never {
    throw malformed(message, idIn(this.#cursor.bytes))
  }
}

/** What is said of a frame that is nested deeper than so many levels. */
export function tooDeep(depth: number): string {
  return `nested deeper than ${depth} levels`
}

/** Whether it is one of the specification's three timestamps, with nanoseconds of one second, within a Date's range. */
function isTime(bytes: Uint8Array, at: number, length: number): boolean {
  if (length === 4) return true
  if (length === 8) return word(bytes, at) >>> 2 < SECOND
  if (length !== 12) return false
  const nanoseconds = word(bytes, at) >>> 0
  const seconds = word(bytes, at + 4) * 2 ** 32 + (word(bytes, at + 8) >>> 0)
  return nanoseconds < SECOND && Math.abs(seconds * 1e3 + nanoseconds / 1e6) <= FURTHEST
}

/** Four bytes as a signed integer. */
function word(bytes: Uint8Array, at: number): number {
  let value = 0
  for (let i = at; i < at + 4; i++) value = (value << 8) | (bytes[i] as number)
  return value
}

/**
 * In which place the frames of requests have their id, by what they begin with: events and what is published behind what
 * they carry, others (see frames.ts) behind a name.
 */
const ID_PLACES: Readonly<Record<number, number>> = { 0: 3, 7: 2, 8: 2, 9: 3, 11: 2, 12: 2 }

/** The id in a message that may be damaged in any way, if it is an integer. */
function idIn(bytes: Uint8Array): number | undefined {
  const cursor = new Cursor(bytes)
  if (cursor.head() !== 'array') return undefined
  const place = ID_PLACES[bytes[cursor.at] as number]
  if (place === undefined || cursor.size <= place) return undefined
  for (let passed = 0; passed < place; passed++) if (!cursor.skip()) return undefined
  const start = cursor.at
  const kind = cursor.head()
  if ((kind !== 'scalar' && kind !== 'wide') || cursor.size > cursor.left) return undefined
  const type = bytes[start] as number
  if (type < 0x80) return type
  // Unsigned integers, and signed ones that are not below zero, are the same bytes.
  const isInteger = type >= 0xcc && type <= 0xd3
  if (!isInteger || (type >= 0xd0 && (bytes[cursor.at] as number) >= 0x80)) return undefined
  let value = 0
  for (let i = 0; i < cursor.size; i++) value = value * 256 + (bytes[cursor.at + i] as number)
  return value
}
