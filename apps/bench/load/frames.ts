/** WebSocket frames as bytes (RFC 6455, section 5.2), both ways, with no more work than a load generator needs. */

export const opcode = { text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const

/** One masked client frame. A string is sent as text, bytes as `kind`, which is binary unless said otherwise. */
export function clientFrame(payload: string | Uint8Array, kind: number = opcode.binary): Uint8Array {
  const body = typeof payload === 'string' ? new TextEncoder().encode(payload) : payload
  if (body.length > 0xffff) throw new RangeError('the bench sends no frames over 64 KiB')
  const extended = body.length > 125
  const head = extended ? 8 : 6
  const frame = new Uint8Array(head + body.length)
  frame[0] = 0x80 | (typeof payload === 'string' ? opcode.text : kind)
  frame[1] = 0x80 | (extended ? 126 : body.length)
  if (extended) new DataView(frame.buffer).setUint16(2, body.length)
  const mask = crypto.getRandomValues(frame.subarray(head - 4, head))
  for (let at = 0; at < body.length; at++) frame[head + at] = body[at]! ^ mask[at & 3]!
  return frame
}

/** Is told of each whole frame: the payload is `bytes` from `start` up to `end`, valid during the call only. */
export type FrameListener = (kind: number, bytes: Uint8Array, start: number, end: number) => void

/**
 * Cuts a server's stream into frames by their headers and looks at no payload. Only the piece of a frame that a
 * read has cut off is copied.
 */
export class FrameReader {
  private rest: Uint8Array | null = null

  constructor(private readonly listener: FrameListener) {}

  read(chunk: Uint8Array): void {
    const bytes = this.rest === null ? chunk : Buffer.concat([this.rest, chunk])
    this.rest = null
    let at = 0
    while (at < bytes.length) {
      const end = this.frame(bytes, at)
      if (end === 0) {
        this.rest = bytes.slice(at)
        return
      }
      at = end
    }
  }

  /** Reports the frame at `at` and gives its end, or 0 if not all of it is here. */
  private frame(bytes: Uint8Array, at: number): number {
    if (at + 2 > bytes.length) return 0
    const short = bytes[at + 1]!
    if (short > 126) throw new RangeError('a masked frame, or one over 64 KiB, from the server')
    let start = at + 2
    let length = short
    if (short === 126) {
      if (at + 4 > bytes.length) return 0
      start = at + 4
      length = (bytes[at + 2]! << 8) | bytes[at + 3]!
    }
    const end = start + length
    if (end > bytes.length) return 0
    if (bytes[at]! < 0x80) throw new RangeError('a fragmented message from the server')
    this.listener(bytes[at]! & 15, bytes, start, end)
    return end
  }
}
