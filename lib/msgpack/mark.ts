import { Cursor } from './format.ts'

const MARK = [0xef, 0xbb, 0xbf]

/**
 * The same message with the byte order mark twice in these texts. The library reads texts of more than 200 bytes by a
 * TextDecoder that drops a mark at the beginning, so that one is left of two.
 *
 * @param starts where the type bytes of the texts are, in order
 */
export function withMarksTwice(bytes: Uint8Array, starts: readonly number[]): Uint8Array {
  // A type byte may have to make room for a longer length: at most four bytes more.
  const made = new Uint8Array(bytes.length + starts.length * (4 + MARK.length))
  let from = 0
  let to = 0
  const copy = (end: number): void => {
    made.set(bytes.subarray(from, end), to)
    to += end - from
    from = end
  }
  for (const start of starts) {
    copy(start)
    const text = new Cursor(bytes, start)
    text.head()
    made[to++] = 0xdb
    new DataView(made.buffer).setUint32(to, text.size + MARK.length)
    to += 4
    made.set(MARK, to)
    to += MARK.length
    from = text.at
  }
  copy(bytes.length)
  return made.subarray(0, to)
}
