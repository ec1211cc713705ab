/** Several messages that belong together: a text, and binary ones after it. */
export interface Parts {
  readonly text: string
  readonly attachments: readonly Uint8Array[]
}

/** Bytes that say how long something is. */
const LENGTH = 4

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/**
 * A text and binary messages as one: the text, then each attachment, with the length of each before it, as 4 bytes, the largest
 * first. It is known within a server only: to a client the parts are sent one by one. What is packed is copied.
 */
export function pack({ text, attachments }: Parts): Uint8Array {
  const head = encoder.encode(text)
  let size = LENGTH + head.length
  for (const { length } of attachments) size += LENGTH + length
  const packed = new Uint8Array(size)
  let at = write(head, packed, 0)
  for (const one of attachments) at = write(one, packed, at)
  return packed
}

/** Writes a part after its length; returns where it ends. */
function write(part: Uint8Array, packed: Uint8Array, at: number): number {
  const { length } = part
  packed[at] = length >>> 24
  packed[at + 1] = length >>> 16
  packed[at + 2] = length >>> 8
  packed[at + 3] = length
  packed.set(part, at + LENGTH)
  return at + LENGTH + length
}

/**
 * The parts of what was packed. Attachments are parts of the same memory.
 *
 * @throws RangeError for what is no such thing
 */
export function unpack(packed: Uint8Array): Parts {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength)
  const parts: Uint8Array[] = []
  for (let at = 0; at < packed.length; ) {
    if (packed.length - at < LENGTH) throw new RangeError('bytes after the last part')
    const end = at + LENGTH + view.getUint32(at)
    if (end > packed.length) throw new RangeError('a part that does not end')
    parts.push(packed.subarray(at + LENGTH, end))
    at = end
  }
  const [head, ...attachments] = parts
  if (head === undefined) throw new RangeError('no part at all')
  return { text: decoder.decode(head), attachments }
}
