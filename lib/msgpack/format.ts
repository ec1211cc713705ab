/** What begins with a type byte. */
export type Kind =
  /** A number, nil, true or false: nothing to look into. */
  | 'scalar'
  /** An integer of 64 bits. */
  | 'wide'
  | 'text'
  | 'bytes'
  | 'array'
  | 'map'
  /** An extension: its type and its data. */
  | 'extension'
  /** No MessagePack at all: the one type byte that means nothing. */
  | 'none'
  /** The frame ends before the type byte or the length behind it do. */
  | 'end'

/** A format of which the type byte says no more than which it is. */
interface Format {
  kind: Kind
  /** How many bytes the length takes that follows the type byte. */
  field: number
  /** How many bytes follow, where that is always the same. */
  size: number
}

const fixed = (kind: Kind, ...sizes: number[]): Format[] => sizes.map((size) => ({ kind, field: 0, size }))
const counted = (kind: Kind, ...fields: number[]): Format[] =>
  fields.map((field) => ({ kind, field, size: 0 }))

/** The formats from 0xc0 to 0xdf, in the order of https://github.com/msgpack/msgpack/blob/master/spec.md#formats. */
const FORMATS: readonly Format[] = [
  ...fixed('scalar', 0),
  ...fixed('none', 0),
  ...fixed('scalar', 0, 0),
  ...counted('bytes', 1, 2, 4),
  ...counted('extension', 1, 2, 4),
  // Floats, then unsigned and signed integers.
  ...fixed('scalar', 4, 8, 1, 2, 4),
  ...fixed('wide', 8),
  ...fixed('scalar', 1, 2, 4),
  ...fixed('wide', 8),
  ...fixed('extension', 1, 2, 4, 8, 16),
  ...counted('text', 1, 2, 4),
  ...counted('array', 2, 4),
  ...counted('map', 2, 4),
]

/** Goes over MessagePack from type byte to type byte. It reads none of the values, and never beyond the end. */
export class Cursor {
  readonly bytes: Uint8Array
  /** Where it stands: behind what was read last. */
  at: number
  /** Of what was read last. */
  kind: Kind = 'end'
  /** How many items an array has, or entries a map; of anything else how many bytes follow. None of them need be there. */
  size = 0

  constructor(bytes: Uint8Array, at = 0) {
    this.bytes = bytes
    this.at = at
  }

  /** How many bytes are left. */
  get left(): number {
    return this.bytes.length - this.at
  }

  /** Reads a type byte and the length behind it. */
  head(): Kind {
    const byte = this.bytes[this.at]
    if (byte === undefined) return this.#is('end', 0)
    this.at++
    if (byte < 0x80 || byte >= 0xe0) return this.#is('scalar', 0)
    if (byte < 0x90) return this.#is('map', byte & 0x0f)
    if (byte < 0xa0) return this.#is('array', byte & 0x0f)
    if (byte < 0xc0) return this.#is('text', byte & 0x1f)
    const { kind, field, size } = FORMATS[byte - 0xc0] as Format
    if (field > this.left) return this.#is('end', 0)
    const length = field === 0 ? size : this.#uint(field)
    // An extension's length does not count the byte of its type.
    return this.#is(kind, kind === 'extension' ? length + 1 : length)
  }

  /** Goes over one whole value, however deep. False where the frame ends first, or holds what is no MessagePack. */
  skip(): boolean {
    for (let values = 1; values > 0; values--) {
      const kind = this.head()
      if (kind === 'none' || kind === 'end') return false
      if (kind === 'array') values += this.size
      else if (kind === 'map') values += 2 * this.size
      else if (this.size > this.left) return false
      else this.at += this.size
    }
    return true
  }

  #is(kind: Kind, size: number): Kind {
    this.size = size
    this.kind = kind
    return kind
  }

  #uint(length: number): number {
    let value = 0
    for (const end = this.at + length; this.at < end; this.at++)
      value = value * 256 + (this.bytes[this.at] as number)
    return value
  }
}
