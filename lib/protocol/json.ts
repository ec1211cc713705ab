import { type Codec, malformed, type Payload } from './codec.ts'
import type { AckFrame, EventFrame, FailureFrame, Frame, PingFrame, PongFrame } from './frame.ts'

/** How a gateway speaks JSON. */
export interface JsonOptions {
  /** The key that names the event, in both directions. Default `event`. */
  eventKey?: string
  /** Whether an event whose only argument is a string travels as `{ message: string }`. Default `false`. */
  messageShorthand?: boolean
  /** How deep objects and arrays may be nested in a frame, the frame itself being 1. Default 64. */
  depth?: number
}

const DEPTH = 64

/**
 * JSON frames, one object a text frame (docs/protocol.md): `{"event":"join","data":{…},"id":7}` and so on.
 * Binary inside JSON is refused with a `TypeError` on the sending side.
 *
 * @example
 * ```ts
 * import { json } from 'partyline'
 *
 * json().encode({ type: 'event', event: 'hi', args: [1] })   // '{"event":"hi","data":1}'
 * ```
 */
export function json(options: JsonOptions = {}): Codec {
  const { eventKey = 'event', messageShorthand = false, depth = DEPTH } = options
  const eventOpen = `{${JSON.stringify(eventKey)}:`

  function encodeEvent({ event, args, id }: EventFrame): string {
    const tail = id === undefined ? '}' : `,"id":${id}}`
    const head = eventOpen + JSON.stringify(event)
    if (args.length !== 1) return `${head},"args":${stringify(args)}${tail}`
    const data = messageShorthand && typeof args[0] === 'string' ? { message: args[0] } : args[0]
    return head + member('data', data) + tail
  }

  return {
    subprotocol: 'partyline.json.v1',
    decode(message: Payload): Frame {
      if (typeof message !== 'string') throw malformed('JSON frames are text messages; this one is binary')
      const value = parse(message)
      if (mayNest(message, depth) && !within(value, depth))
        throw malformed(`nested deeper than ${depth} levels`)
      const event = value[eventKey]
      return event === undefined ? answerOrBeat(value, eventKey) : eventFrame(value, event, eventKey)
    },
    encode(frame: Frame): string {
      switch (frame.type) {
        case 'event':
          return encodeEvent(frame)
        case 'ack':
          return `{"ack":${frame.id}${member('data', frame.data)}}`
        case 'failure':
          return frame.id === null
            ? `{"error":${stringify(frame.error)}}`
            : `{"ack":${frame.id},"error":${stringify(frame.error)}}`
        case 'hello':
          return `{"hello":${stringify(frame.hello)}}`
        default:
          return `{"${frame.type}":${frame.value}}`
      }
    },
  }
}

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

function eventFrame(value: JsonObject, event: unknown, eventKey: string): EventFrame {
  if (typeof event !== 'string' || event === '') throw malformed(`"${eventKey}" is not a non-empty string`)
  if (value.ack !== undefined) throw malformed(`both "${eventKey}" and "ack"`)
  const { id, data, args } = value
  if (id !== undefined && !isId(id)) throw malformed('"id" is not a non-negative integer')
  if (args === undefined) return { type: 'event', event, args: data === undefined ? [] : [data], id }
  if (data !== undefined) throw malformed('both "data" and "args"')
  if (!Array.isArray(args)) throw malformed('"args" is not an array')
  return { type: 'event', event, args, id }
}

function answerOrBeat(value: JsonObject, eventKey: string): AckFrame | FailureFrame | PingFrame | PongFrame {
  const { ack, error, ping, pong } = value
  if (ack !== undefined) {
    if (!isId(ack)) throw malformed('"ack" is not a non-negative integer')
    if (error === undefined) return { type: 'ack', id: ack, data: value.data }
    return { type: 'failure', id: ack, error: errorBody(error) }
  }
  if (ping !== undefined) return { type: 'ping', value: beat(ping) }
  if (pong !== undefined) return { type: 'pong', value: beat(pong) }
  throw malformed(`no "${eventKey}"`)
}

function isId(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function beat(value: unknown): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw malformed('a ping or pong carries a number')
  return value
}

function errorBody(value: unknown): FailureFrame['error'] {
  const { code, message, details } = (value ?? {}) as JsonObject
  if (typeof code !== 'string' || typeof message !== 'string')
    throw malformed('"error" has no code and message')
  return details === undefined ? { code, message } : { code, message, details }
}

/** `,"name":value`, or nothing where the value is undefined, as JSON has no word for it. */
function member(name: string, value: unknown): string {
  const text = stringify(value)
  return text === undefined ? '' : `,"${name}":${text}`
}

function stringify(value: unknown): string | undefined {
  const text = JSON.stringify(value)
  // After JSON.stringify, which has thrown on a cycle: the walk ends.
  if (typeof value === 'object' && value !== null && carriesBytes(value)) {
    throw new TypeError('JSON cannot carry binary data: use MessagePack, or encode it as text')
  }
  return text
}

function carriesBytes(value: object): boolean {
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return true
  for (const inner of Array.isArray(value) ? value : Object.values(value)) {
    if (typeof inner === 'object' && inner !== null && carriesBytes(inner)) return true
  }
  return false
}

/** Whether the text has enough brackets to nest deeper than the limit; spares almost all messages the walk. */
function mayNest(text: string, limit: number): boolean {
  // Each level is opened and closed.
  if (text.length <= 2 * limit) return false
  let openers = 0
  for (const bracket of ['{', '[']) {
    for (let at = text.indexOf(bracket); at !== -1; at = text.indexOf(bracket, at + 1)) {
      if (++openers > limit) return true
    }
  }
  return false
}

function within(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return true
  if (levels === 0) return false
  const inner: unknown[] = Array.isArray(value) ? value : Object.values(value)
  return inner.every((one) => within(one, levels - 1))
}
