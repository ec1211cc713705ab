import { faultIn, isObject, type JsonObject, mayNamePrototype } from '../protocol/json-fault.ts'

// Socket.IO protocol, version 5: the sections that comments here name are those of
// https://github.com/socketio/socket.io/blob/main/docs/socket.io-protocol/v5-current.md

/** The types of packets (section "Exchange protocol"). */
export const packetTypes = {
  connect: 0,
  disconnect: 1,
  event: 2,
  ack: 3,
  connectError: 4,
  binaryEvent: 5,
  binaryAck: 6,
} as const

type PacketType = (typeof packetTypes)[keyof typeof packetTypes]

/** The namespace of who names none. */
export const MAIN = '/'

/** The longest name of a namespace, its query included, in characters. */
export const LONGEST_NAMESPACE = 1_024

/** As many digits as the largest id has that a number holds. */
const LONGEST_NUMBER = 16

/** The reference client and server mean something else by them, and refuse them as names of events. */
const RESERVED: ReadonlySet<unknown> = new Set([
  ...['connect', 'connect_error', 'disconnect', 'disconnecting', 'newListener', 'removeListener'],
])

const SHORTEST_RESERVED = 'connect'.length

/** Whether no event can have that name. */
export function isReserved(event: unknown): boolean {
  // Short names need not be looked up.
  return typeof event === 'string' && event.length >= SHORTEST_RESERVED && RESERVED.has(event)
}

/** What bounds a packet. */
export interface PacketBounds {
  /** How deep its payload may be nested, the list itself being 1. */
  readonly depth: number
  /** How many binary attachments it may have. */
  readonly attachments: number
}

/** What every packet has. */
interface Addressed {
  /** Without its query. */
  readonly namespace: string
  /** What follows a question mark in the namespace, which some clients write there. */
  readonly query: string
  /** What is wrong with the payload, where it can be answered. */
  readonly fault: string | undefined
}

/** Asks for a namespace. */
export interface ConnectPacket extends Addressed {
  readonly kind: 'connect'
  readonly auth: JsonObject | undefined
}

/** Leaves a namespace. */
export interface DisconnectPacket extends Addressed {
  readonly kind: 'disconnect'
}

/** Carries arguments; those of an event come after its name. */
export interface ListPacket extends Addressed {
  readonly kind: 'event' | 'ack'
  readonly id: number | undefined
  readonly list: unknown[]
  /** How many binary messages follow. */
  readonly attachments: number
}

/** What a client sends. */
export type Packet = ConnectPacket | DisconnectPacket | ListPacket

/** Whether attachments belong to it, which come after it. */
export function awaitsMore(packet: Packet): packet is ListPacket {
  return (packet.kind === 'event' || packet.kind === 'ack') && packet.attachments > 0
}

/** What is no packet, or none that a client may send now: the connection is to be closed. */
export class InvalidPacket extends Error {}

/**
 * Reads the text of a packet (section "Packet encoding", "Format"), which begins at `start`.
 *
 * @throws InvalidPacket, and nothing else
 */
export function parsePacket(text: string, bounds: PacketBounds, start = 0): Packet {
  const type = typeOf(text, start)
  let at = start + 1
  let attachments = 0
  if (type === packetTypes.binaryEvent || type === packetTypes.binaryAck) {
    const end = endOfDigits(text, at)
    attachments = Number(text.slice(at, end))
    if (end === at || text[end] !== '-' || attachments < 1)
      throw new InvalidPacket('no number of attachments')
    if (attachments > bounds.attachments)
      throw new InvalidPacket(`more than ${bounds.attachments} binary attachments`)
    at = end + 1
  }
  let namespace = MAIN
  let query = ''
  if (text.charCodeAt(at) === SLASH) {
    // No comma is needed where nothing follows.
    const comma = text.indexOf(',', at)
    const end = comma < 0 ? text.length : comma
    if (end - at > LONGEST_NAMESPACE)
      throw new InvalidPacket(`a namespace of more than ${LONGEST_NAMESPACE} characters`)
    const mark = text.indexOf('?', at)
    if (mark >= 0 && mark < end) query = text.slice(mark + 1, end)
    namespace = text.slice(at, mark >= 0 && mark < end ? mark : end)
    at = comma < 0 ? end : comma + 1
  }
  let id: number | undefined
  const end = endOfDigits(text, at)
  if (end > at) {
    id = Number(text.slice(at, end))
    if (end - at > LONGEST_NUMBER || !Number.isSafeInteger(id))
      throw new InvalidPacket('an id that is too large')
    at = end
  }
  const data = at === text.length ? undefined : parseJson(text, at)
  switch (type) {
    case packetTypes.connect:
      return { kind: 'connect', namespace, query, fault: faultOf(data, text, bounds), auth: authOf(data) }
    case packetTypes.disconnect:
      if (data !== undefined) throw new InvalidPacket('a DISCONNECT packet with a payload')
      return { kind: 'disconnect', namespace, query, fault: undefined }
    case packetTypes.event:
    case packetTypes.binaryEvent: {
      const list = listOf(data)
      checkEvent(list[0])
      return { kind: 'event', namespace, query, id, list, attachments, fault: faultOf(list, text, bounds) }
    }
    case packetTypes.ack:
    case packetTypes.binaryAck: {
      if (id === undefined) throw new InvalidPacket('an ACK packet without an id')
      const list = listOf(data)
      return { kind: 'ack', namespace, query, id, list, attachments, fault: faultOf(list, text, bounds) }
    }
  }
}

/** The type of a packet that a client sends. */
function typeOf(text: string, at: number): Exclude<PacketType, typeof packetTypes.connectError> {
  const type = text.charCodeAt(at) - ZERO
  if (!(type >= packetTypes.connect && type <= packetTypes.binaryAck))
    throw new InvalidPacket('no type of a packet')
  if (type === packetTypes.connectError)
    throw new InvalidPacket('a CONNECT_ERROR packet, which only servers send')
  return type as Exclude<PacketType, typeof packetTypes.connectError>
}

const ZERO = 0x30
const SLASH = 0x2f

/** Where the digits end that begin there. */
function endOfDigits(text: string, start: number): number {
  let at = start
  // One more than there may be is enough to know that there are too many.
  while (at - start <= LONGEST_NUMBER && text.charCodeAt(at) >= ZERO && text.charCodeAt(at) <= ZERO + 9) at++
  return at
}

function parseJson(text: string, at: number): unknown {
  try {
    return JSON.parse(text.slice(at))
  } catch {
    throw new InvalidPacket('a payload that is no JSON')
  }
}

/** Section "Connection to a namespace": what a client adds is an object. */
function authOf(data: unknown): JsonObject | undefined {
  if (data === undefined) return undefined
  if (!isObject(data) || Array.isArray(data))
    throw new InvalidPacket('a CONNECT packet whose payload is no object')
  return data as JsonObject
}

/** Sections "Sending and receiving data", "Acknowledgement": the payload is mandatory, and a list. */
function listOf(data: unknown): unknown[] {
  if (!Array.isArray(data)) throw new InvalidPacket('a payload that is no array')
  return data
}

/** Section "Sending and receiving data": not empty. What comes first is the name, which may be a number. */
function checkEvent(name: unknown): void {
  if (typeof name !== 'string' && typeof name !== 'number') throw new InvalidPacket('an event without a name')
  if (isReserved(name)) throw new InvalidPacket(`an event with the reserved name "${name}"`)
}

function faultOf(data: unknown, text: string, { depth }: PacketBounds): string | undefined {
  // Each level is opened and closed, so that what is short cannot be deep.
  if (!isObject(data) || (text.length <= 2 * depth && !mayNamePrototype(text))) return undefined
  const fault = faultIn(data, depth)
  return fault === '' ? `nested deeper than ${depth} levels` : fault
}
