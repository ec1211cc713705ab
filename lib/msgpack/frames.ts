import { isId, malformed } from '../protocol/codec.ts'
import type { ErrorBody } from '../protocol/error.ts'
import type { AckFrame, EventFrame, Frame, Hello, PositionedFrame, PresenceFrame } from '../protocol/frame.ts'
import { type NamedFrame, namedFrame } from '../protocol/named.ts'
import { plain } from './plain.ts'

/** What a frame begins with. */
const kinds = { event: 0, ack: 1, failure: 2, hello: 3, ping: 4, pong: 5, received: 6 } as const

/** The first of the frames with the name of a channel or room: the others follow in the order of `named`. */
const FIRST_NAMED = 7

/** What stands in those frames after the kind: the name, and these. */
const named: readonly (readonly string[])[] = [
  ['subscribe', 'id', 'after'],
  ['unsubscribe', 'id'],
  ['publish', 'data', 'id', 'pos'],
  ['channel', 'data', 'at', 'lost'],
  ['watch', 'id'],
  ['unwatch', 'id'],
]

const PRESENCE = FIRST_NAMED + named.length

/**
 * The list that stands for a frame, ready to be written.
 *
 * @throws TypeError for data that MessagePack cannot carry
 */
export function listOf(frame: Frame): readonly unknown[] {
  if ('event' in frame) return listOfEvent(frame)
  if ('error' in frame) {
    const { ack = null, error, pos } = frame
    return positioned([kinds.failure, number(ack), plain(error, 'error')], pos)
  }
  if ('ack' in frame) return listOfAck(frame)
  if ('hello' in frame) return [kinds.hello, plain(frame.hello, 'hello')]
  if ('ping' in frame) return [kinds.ping, number(frame.ping)]
  if ('pong' in frame) return [kinds.pong, number(frame.pong)]
  if ('received' in frame) return [kinds.received, number(frame.received)]
  if ('presence' in frame) {
    const { presence, ...changes } = frame
    return [PRESENCE, plain(presence, 'presence'), plain(changes, 'presence')]
  }
  return listOfNamed(frame)
}

function listOfEvent({ event, data, args, id, pos }: EventFrame): readonly unknown[] {
  const list = [kinds.event, plain(event, 'event'), args === undefined ? alone(data) : plain(args, 'args')]
  if (id !== undefined || pos !== undefined) list.push(number(id ?? null))
  return positioned(list, pos)
}

/** The arguments of an event with so much data: undefined is none, as it is in JSON. */
function alone(data: unknown): unknown[] {
  const carried = plain(data, 'data')
  return carried === undefined ? [] : [carried]
}

/** An answer of nothing has nothing there. Only where a position follows, nil has to hold the place. */
function listOfAck({ ack, data, pos }: AckFrame): readonly unknown[] {
  const carried = plain(data, 'data')
  const list = [kinds.ack, number(ack)]
  return positioned(carried === undefined && pos === undefined ? list : [...list, carried], pos)
}

function positioned(list: readonly unknown[], pos: number | undefined): readonly unknown[] {
  return pos === undefined ? list : [...list, number(pos)]
}

function listOfNamed(frame: Exclude<NamedFrame, PresenceFrame>): readonly unknown[] {
  const kind = named.findIndex(([name]) => (name as string) in frame)
  const members = named[kind] as readonly string[]
  const list: unknown[] = members.map((one) => plain((frame as object as Record<string, unknown>)[one], one))
  // What is not there at the end is left out; before something else, nil holds its place.
  while (list.at(-1) === undefined) list.pop()
  return [FIRST_NAMED + kind, ...list.map((one) => one ?? null)]
}

function number(value: number | null): unknown {
  return plain(value, '')
}

/** The frame that a list stands for. Throws MALFORMED_FRAME for a list that stands for none. */
export function frameOf(list: readonly unknown[]): Frame {
  switch (list[0]) {
    case kinds.event:
      return eventOf(list)
    case kinds.ack:
      return withPosition({ ack: idOf(list[1]), data: list[2] }, list[3])
    case kinds.failure: {
      const ack = list[1] === null ? undefined : idOf(list[1])
      return withPosition({ ack, error: errorOf(list[2]) }, list[3])
    }
    case kinds.hello:
      if (isMap(list[1])) return { hello: list[1] as unknown as Hello }
      throw malformed('a hello carries a map')
    case kinds.ping:
      return { ping: beatOf(list[1]) }
    case kinds.pong:
      return { pong: beatOf(list[1]) }
    case kinds.received:
      if (isId(list[1])) return { received: list[1] }
      throw malformed('"received" is not a non-negative integer')
    case PRESENCE:
      return presenceOf(list)
    default:
      return namedOf(list)
  }
}

function presenceOf([, presence, changes]: readonly unknown[]): Frame {
  if (!isMap(changes)) throw malformed('a presence carries a map')
  return namedFrame('presence', { ...changes, presence })
}

function namedOf([kind, ...values]: readonly unknown[]): Frame {
  const members = typeof kind === 'number' ? named[kind - FIRST_NAMED] : undefined
  if (members === undefined)
    throw malformed(`a frame begins with what it is, from 0 for an event to ${PRESENCE}`)
  const value: Record<string, unknown> = {}
  for (const [i, member] of members.entries()) {
    const one = values[i]
    // Data may be nil; anywhere else that only holds the place.
    if (member === 'data' ? one !== undefined : isThere(one)) value[member] = one
  }
  // Of what is lost there is no data.
  if ('lost' in value) delete value.data
  return namedFrame(members[0] as string, value)
}

function eventOf([, event, args, id, pos]: readonly unknown[]): EventFrame {
  if (typeof event !== 'string' || event === '') throw malformed('"event" is not a non-empty string', id)
  if (isThere(id) && !isId(id)) throw malformed('"id" is not a non-negative integer')
  // What ends after its name has no arguments.
  if (args !== undefined && !Array.isArray(args)) throw malformed('"args" is not an array', id)
  const frame: EventFrame = args?.length === 1 ? { event, data: args[0] } : { event, args: args ?? [] }
  if (isThere(id)) frame.id = id
  return withPosition(frame, pos, id)
}

function withPosition<F extends PositionedFrame>(frame: F, pos: unknown, id?: unknown): F {
  if (!isThere(pos)) return frame
  if (!isId(pos)) throw malformed('"pos" is not a non-negative integer', id)
  frame.pos = pos
  return frame
}

function idOf(value: unknown): number {
  if (!isId(value)) throw malformed('"ack" is not a non-negative integer')
  return value
}

function errorOf(value: unknown): ErrorBody {
  const { code, message } = (value ?? {}) as Partial<ErrorBody>
  if (typeof code !== 'string' || typeof message !== 'string')
    throw malformed('"error" has no code and message')
  return value as ErrorBody
}

function beatOf(value: unknown): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw malformed('a ping or pong carries a number')
  return value
}

/** Whether something stands in a place of a list: nil does where only what comes after it is there. */
function isThere<T>(value: T): value is NonNullable<T> {
  return value !== undefined && value !== null
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
}
