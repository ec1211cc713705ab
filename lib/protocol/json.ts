import { type Codec, isId, malformed, type Payload } from './codec.ts'
import type { AckFrame, EventFrame, FailureFrame, Frame, Hello } from './frame.ts'

/** How a gateway speaks JSON. */
export interface JsonOptions {
  /** The key that names the event, in both directions; no other member of a frame. Default `event`. */
  eventKey?: string
  /** Whether an event whose only argument is a string travels as `{ message: string }`. Default `false`. */
  messageShorthand?: boolean
  /** How deep objects and arrays may be nested in a frame, the frame itself being 1. Default 64. */
  depth?: number
}

const DEPTH = 64

/** Says of a frame that it is nested too deep. */
const DEEP = 'deep'

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

  /** An event under this gateway's key, and its message written out where that is the gateway's way. */
  function dressed({ event, data, args, id, pos }: EventFrame): JsonObject {
    const shown = messageShorthand && typeof data === 'string' ? { message: data } : data
    return { [eventKey]: event, data: shown, args, id, pos }
  }

  return {
    subprotocol: 'partyline.json.v1',
    decode(message: Payload): Frame {
      if (typeof message !== 'string') throw malformed('JSON frames are text messages; this one is binary')
      const value = parse(message)
      // Each level is opened and closed, so that what is short cannot be deep.
      if (!isFlat(value) && (message.length > 2 * depth || mayNamePrototype(message))) {
        const fault = faultIn(value, depth)
        if (fault !== undefined)
          throw malformed(fault === DEEP ? `nested deeper than ${depth} levels` : fault, value.id)
      }
      const event = value[eventKey]
      return event === undefined ? readOther(value, eventKey) : readEvent(value, event, eventKey)
    },
    encode(frame: Frame): string {
      const text = JSON.stringify(isPlain || !('event' in frame) ? frame : dressed(frame))
      refuseBytes(frame as Partial<EventFrame & FailureFrame>)
      return text
    },
  }
}

/** Whether a key can name the event: frames are told apart by their other members, and objects inherit some. */
export function isEventKey(key: unknown): boolean {
  return typeof key === 'string' && key !== '' && !MEMBERS.has(key) && !(key in Object.prototype)
}

const MEMBERS: ReadonlySet<string> = new Set([
  'data',
  'args',
  'id',
  'pos',
  'ack',
  'error',
  'hello',
  'ping',
  'pong',
  'received',
])

type JsonObject = Record<string, unknown>

function parse(text: string): JsonObject {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw malformed('not JSON')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw malformed('a frame is a JSON object, such as {"event":"hello","data":1}')
  }
  return value as JsonObject
}

function readEvent(value: JsonObject, event: unknown, eventKey: string): EventFrame {
  if (typeof event !== 'string' || event === '')
    throw malformed(`"${eventKey}" is not a non-empty string`, value.id)
  const { id, data, args, pos } = value
  if (id !== undefined && !isId(id)) throw malformed('"id" is not a non-negative integer')
  if (pos !== undefined && !isId(pos)) throw malformed('"pos" is not a non-negative integer', id)
  if (args !== undefined) {
    if (data !== undefined) throw malformed('both "data" and "args"', id)
    if (!Array.isArray(args)) throw malformed('"args" is not an array', id)
  }
  if (value.ack !== undefined) throw malformed(`both "${eventKey}" and "ack"`, id)
  // Every object that is made for an event is felt in the cost of an echo: what was parsed is the frame.
  if (eventKey === 'event') return value as object as EventFrame
  return { event, data, args, id, pos } as EventFrame
}

function readOther(value: JsonObject, eventKey: string): Frame {
  const { ack, error, ping, pong, hello, received } = value
  if (ack !== undefined || error !== undefined) return readAnswer(value)
  if (ping !== undefined) return { ping: beat(ping) }
  if (pong !== undefined) return { pong: beat(pong) }
  if (received !== undefined) {
    if (!isId(received)) throw malformed('"received" is not a non-negative integer')
    return { received }
  }
  if (isObject(hello)) return { hello: hello as Hello }
  throw malformed(`no "${eventKey}"`, value.id)
}

function readAnswer({ ack, data, error, pos }: JsonObject): AckFrame | FailureFrame {
  if (ack !== undefined && !isId(ack)) throw malformed('"ack" is not a non-negative integer')
  if (pos !== undefined && !isId(pos)) throw malformed('"pos" is not a non-negative integer')
  const frame = error === undefined ? { ack, data } : { ack, error: errorBody(error) }
  return (pos === undefined ? frame : { ...frame, pos }) as AckFrame | FailureFrame
}

function beat(value: unknown): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw malformed('a ping or pong carries a number')
  return value
}

function errorBody(value: unknown): FailureFrame['error'] {
  const { code, message } = (value ?? {}) as JsonObject
  if (typeof code !== 'string' || typeof message !== 'string')
    throw malformed('"error" has no code and message')
  return value as FailureFrame['error']
}

/** To be called when JSON.stringify has thrown on cycles: then the walk ends. */
function refuseBytes({ data, args, error }: Partial<EventFrame & FailureFrame>): void {
  const payload = data ?? args ?? error?.details
  if (isObject(payload) && carriesBytes(payload, 'data')) {
    throw new TypeError('JSON cannot carry binary data: use MessagePack, or encode it as text')
  }
}

// It visits what JSON.stringify visits. Loops in place of some() and every(): this runs for every frame, and a closure for
// each array is a tenth of an echo; Object.keys() in place of `in` costs twice the walk.
function carriesBytes(value: object, at: string | number): boolean {
  if (isBytes(value)) return true
  const { toJSON } = value as { toJSON?: unknown }
  // What an object shows of itself is in no cycle, though the object may be: database entities are.
  const shown: unknown = typeof toJSON === 'function' ? toJSON.call(value, String(at)) : value
  if (!isObject(shown)) return false
  if (Array.isArray(shown)) {
    for (let i = 0; i < shown.length; i++) if (isObject(shown[i]) && carriesBytes(shown[i], i)) return true
    return false
  }
  if (isBytes(shown)) return true
  for (const key in shown) {
    const inner = (shown as JsonObject)[key]
    if (isObject(inner) && Object.hasOwn(shown, key) && carriesBytes(inner, key)) return true
  }
  return false
}

/** Whether a frame carries one plain value, so that there is nothing to look into; members that no frame has are not read. */
function isFlat(frame: JsonObject): boolean {
  const { data } = frame
  return data !== undefined && typeof data !== 'object' && !Object.hasOwn(frame, '__proto__')
}

/**
 * Whether `__proto__` may be in a text, as it is or in escapes. Most messages have neither of the two characters, and
 * searching for one character costs next to nothing, for a word a twentieth of an echo.
 */
function mayNamePrototype(text: string): boolean {
  return text.indexOf('_') !== -1 || text.indexOf('\\') !== -1
}

/**
 * What is wrong with something that was parsed: it is nested deeper than so many levels, or an object in it has a key
 * that would set a prototype where it is copied carelessly.
 */
function faultIn(value: object, levels: number): string | undefined {
  if (levels === 0) return DEEP
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      const fault = isObject(value[i]) ? faultIn(value[i], levels - 1) : undefined
      if (fault !== undefined) return fault
    }
    return undefined
  }
  for (const key in value) {
    if (key === '__proto__') return '"__proto__" is no key'
    const inner = (value as JsonObject)[key]
    const fault = isObject(inner) ? faultIn(inner, levels - 1) : undefined
    if (fault !== undefined) return fault
  }
  return undefined
}

function isBytes(value: object): boolean {
  return ArrayBuffer.isView(value) || value instanceof ArrayBuffer
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}
