import type { Codec } from './codec.ts'
import type { ChannelFrame, EventFrame, Frame } from './frame.ts'
import { DEPTH, jsonCodec } from './json-codec.ts'
import type { JsonObject } from './json-fault.ts'
import { kindOf, namedFrame, namedMembers } from './named.ts'

/** How a gateway speaks JSON. */
export interface JsonOptions {
  /** The key that names the event, in both directions; no other member of a frame. Default `event`. */
  eventKey?: string
  /** Whether an event whose only argument is a string travels as `{ message: string }`. Default `false`. */
  messageShorthand?: boolean
  /** How deep objects and arrays may be nested in a frame, the frame itself being 1. Default 64. */
  depth?: number
}

/**
 * JSON frames, one object a text frame (docs/protocol.md): `{"event":"join","data":{…},"id":7}` and so on.
 * Binary inside JSON is refused with a `TypeError` on the sending side.
 *
 * @example
 * ```ts
 * import { json } from 'partyline'
 *
 * json().encode({ event: 'hi', data: 1 })   // '{"event":"hi","data":1}'
 * ```
 */
export function json(options: JsonOptions = {}): Codec {
  const { eventKey = 'event', messageShorthand = false, depth = DEPTH } = options
  const isPlain = eventKey === 'event' && !messageShorthand

  function dress(frame: Frame): Frame {
    if ('event' in frame) return isPlain ? frame : dressed(frame)
    // The one frame whose bytes JSON carries: a channel's message is whatever was published, also by other programs.
    return 'channel' in frame && frame.data instanceof Uint8Array ? withBase64(frame, frame.data) : frame
  }

  /** An event under this gateway's key, and its message written out where that is the gateway's way. */
  function dressed({ event, data, args, id, pos }: EventFrame): EventFrame {
    const shown = messageShorthand && typeof data === 'string' ? { message: data } : data
    return { [eventKey]: event, data: shown, args, id, pos } as object as EventFrame
  }

  /** What was read under this gateway's key, as an event. Of other frames nothing is under it. */
  function undressed(frame: Frame): Frame {
    const { [eventKey]: event, data, args, id, pos } = frame as object as JsonObject
    return event === undefined ? frame : ({ event, data, args, id, pos } as EventFrame)
  }

  const codec = jsonCodec({ eventKey, depth, readNamed })
  return {
    ...codec,
    decode: eventKey === 'event' ? codec.decode : (message) => undressed(codec.decode(message)),
    encode: (frame) => codec.encode(dress(frame)),
    position: (payload, pos) => `${(payload as string).slice(0, -1)},"pos":${pos}}`,
  }
}

function readNamed(value: JsonObject): Frame | undefined {
  const kind = kindOf(value)
  return kind === undefined ? undefined : namedFrame(kind, value)
}

/** Whether a key can name the event: frames are told apart by their other members, and objects inherit some. */
export function isEventKey(key: unknown): boolean {
  return typeof key === 'string' && key !== '' && !MEMBERS.has(key) && !(key in Object.prototype)
}

const MEMBERS: ReadonlySet<string> = new Set([
  ...['data', 'args', 'id', 'pos', 'ack', 'error', 'hello', 'ping', 'pong', 'received'],
  ...namedMembers,
])

function withBase64({ channel, at }: ChannelFrame, data: Uint8Array): ChannelFrame {
  const base64 = btoa(Array.from(data, (byte) => String.fromCharCode(byte)).join(''))
  return { channel, base64, ...(at !== undefined && { at }) }
}
