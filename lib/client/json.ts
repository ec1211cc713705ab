import type { Codec } from '../protocol/codec.ts'
import type { Frame } from '../protocol/frame.ts'
import { DEPTH, jsonCodec } from '../protocol/json-codec.ts'

/**
 * JSON as a client needs it: what only clients send it need not read, but for what waits for a line and is read back. What
 * a server says it is.
 */
export function clientJson(): Codec {
  return jsonCodec({
    eventKey: 'event',
    depth: DEPTH,
    readNamed: (value) =>
      value.channel || value.presence || value.publish ? (value as object as Frame) : undefined,
  })
}
