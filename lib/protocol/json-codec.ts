import { type Codec, isId, malformed, type Payload } from './codec.ts'
import type { AckFrame, EventFrame, FailureFrame, Frame, Hello } from './frame.ts'
import { carriesBytes, faultIn, isFlat, isObject, type JsonObject, mayNamePrototype } from './json-fault.ts'

/** How deep objects and arrays may be nested where nothing else is said. */
export const DEPTH = 64

/** One way to read frames of JSON. */
export interface JsonForm {
  /** The key that names the event. */
  readonly eventKey: string
  readonly depth: number
  /** Reads the frames that have the name of a channel or room; undefined for what is none of them. */
  readNamed(value: JsonObject): Frame | undefined
}

/** The codec that reads frames in this way, of which events have their name under that key, and writes them as they are. */
export function jsonCodec(form: JsonForm): Codec {
  const { eventKey, depth } = form
  return {
    subprotocol: 'partyline.json.v1',
    decode(message: Payload): Frame {
      if (typeof message !== 'string') throw malformed('JSON frames are text messages; this one is binary')
      const value = parse(message)
      // Each level is opened and closed, so that what is short cannot be deep.
      if (!isFlat(value) && (message.length > 2 * depth || mayNamePrototype(message))) {
        const fault = faultIn(value, depth)
        if (fault !== undefined) throw malformed(fault || `nested deeper than ${depth} levels`, value.id)
      }
      const event = value[eventKey]
      return event === undefined ? readOther(value, form) : readEvent(value, event, eventKey)
    },
    encode(frame: Frame): string {
      const text = JSON.stringify(frame)
      refuseBytes(frame as Partial<EventFrame & FailureFrame>)
      return text
    },
  }
}

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
  return value as object as EventFrame
}

function readOther(value: JsonObject, { eventKey, readNamed }: JsonForm): Frame {
  const { ack, error, ping, pong, hello, received } = value
  if (ack !== undefined || error !== undefined) return readAnswer(value)
  if (ping !== undefined) return { ping: beat(ping) }
  if (pong !== undefined) return { pong: beat(pong) }
  if (received !== undefined) {
    if (!isId(received)) throw malformed('"received" is not a non-negative integer')
    return { received }
  }
  if (isObject(hello)) return { hello: hello as Hello }
  const named = readNamed(value)
  if (named === undefined) throw malformed(`no "${eventKey}"`, value.id)
  return named
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

function refuseBytes({ data, args, error }: Partial<EventFrame & FailureFrame>): void {
  const payload = data ?? args ?? error?.details
  if (isObject(payload) && carriesBytes(payload, 'data')) {
    throw new TypeError('JSON cannot carry binary data: use MessagePack, or encode it as text')
  }
}
