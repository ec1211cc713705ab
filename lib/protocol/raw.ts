import { type Codec, type Payload } from './codec.ts'
import type { Frame } from './frame.ts'

/** The event under which a bare message travels inside; also what `socket.send` emits on framed gateways. */
export const MESSAGE = 'message'

/** No frames at all: every message in is a `message` event, and only those can go out, as they are. */
export const raw: Codec = {
  decode(message: Payload): Frame {
    return { event: MESSAGE, data: message }
  },
  encode(frame: Frame): Payload {
    if ('event' in frame && frame.event === MESSAGE && frame.args === undefined) {
      const payload = frame.data
      if (typeof payload === 'string') return payload
      // A copy: it may leave later than the handler fills its buffer anew.
      if (payload instanceof Uint8Array) return new Uint8Array(payload)
      if (payload instanceof ArrayBuffer) return new Uint8Array(payload.slice())
      throw new TypeError('a raw gateway sends a string, a Uint8Array or an ArrayBuffer, and nothing else')
    }
    throw new TypeError('a raw gateway has no events: use send(text or bytes) in place of emit')
  },
}
