import type { DialectCodec, DialectPlace } from '../core/dialect.ts'
import { malformed, type Payload } from '../protocol/codec.ts'
import type { ErrorBody } from '../protocol/error.ts'
import {
  type AckFrame,
  argsOf,
  type EventFrame,
  type FailureFrame,
  type Frame,
  type Hello,
  type PositionedFrame,
  Several,
} from '../protocol/frame.ts'
import { isObject, type JsonObject } from '../protocol/json-fault.ts'
import { Assembler } from './assembler.ts'
import { extract, hasBytes } from './binary.ts'
import type { Offsets } from './offset.ts'
import { type Parts, pack, unpack } from './pack.ts'
import { InvalidPacket, isReserved, type ListPacket, MAIN, type Packet, packetTypes } from './packet.ts'
import { Renamed } from './renamed.ts'

/** Stands before a packet, which is an Engine.IO message (section "Packet encoding"). */
const ENGINE_MESSAGE = '4'

/** The event that tells of what failed and was no request. */
const ERROR = 'error'

/**
 * Ends a list whose last string a client would take for an offset, and is none. JSON.stringify writes no spaces between values, so that
 * no data looks like it.
 */
const NO_OFFSET = ', null]'

/** How a codec is put together, beside what its gateway says. */
export interface CodecParts {
  readonly attachments: number
  readonly offsets: Offsets
  /** Whether the app wants `connectionStateRecovery`. */
  readonly recovery: boolean
}

/**
 * Frames as packets of Socket.IO, for one gateway. What it writes is a packet as Engine.IO sends it, such as `42/chat,["said",1]`; or,
 * with binary data, that and its attachments, packed. Where the path has parameters, it is written as for the main namespace, and each
 * connection puts its own in. What it reads is a packet, with Engine.IO's `4` or without.
 */
export class SocketioCodec implements DialectCodec {
  readonly name = 'socketio'
  readonly resumes: boolean
  readonly #place: DialectPlace
  readonly #parts: CodecParts
  /** What stands between type and id. */
  readonly #address: string
  /** What an event and an answer without attachments begin with. */
  readonly #heads: { readonly [packetTypes.event]: string; readonly [packetTypes.ack]: string }
  readonly #renamed: Renamed
  /** What a connection has read already, and is about to hand over as a message. */
  #ready: Packet | undefined
  #payload: Payload = ''

  constructor(place: DialectPlace, parts: CodecParts) {
    this.#place = place
    this.#parts = parts
    this.resumes = parts.recovery && place.recovers
    const namespace = place.isFixed ? place.path : MAIN
    this.#address = namespace === MAIN ? '' : `${namespace},`
    this.#heads = { 2: `${ENGINE_MESSAGE}2${this.#address}`, 3: `${ENGINE_MESSAGE}3${this.#address}` }
    this.#renamed = new Renamed(namespace)
  }

  keeps(frame: PositionedFrame): boolean {
    // Clients store the last argument of an event as the offset, and forget their requests when the line breaks.
    return 'event' in frame && frame.id === undefined
  }

  /** Has the next message decoded to what was read of it already. */
  hand(packet: Packet | undefined, payload: Payload): void {
    this.#ready = packet
    this.#payload = payload
  }

  decode(message: Payload): Frame {
    const ready = this.#ready
    this.#ready = undefined
    const packet = ready !== undefined && this.#payload === message ? ready : this.#read(message)
    if (packet.kind !== 'event' && packet.kind !== 'ack') throw malformed(`"${packet.kind}" is no frame`)
    if (packet.fault !== undefined)
      throw malformed(packet.fault, packet.kind === 'event' ? packet.id : undefined)
    return packet.kind === 'event' ? eventOf(packet) : answerOf(packet)
  }

  encode(frame: Frame): Payload {
    if ('event' in frame) {
      const { event, data, id, pos } = frame
      if (isReserved(event))
        throw new TypeError(`"${event}" is an event of Socket.IO's own: choose another name`)
      const list = data === undefined ? [event, ...argsOf(frame)] : [event, data]
      return this.#write(packetTypes.event, id, list, id === undefined ? pos : undefined, id === undefined)
    }
    if ('error' in frame) return this.#writeFailure(frame)
    if ('ack' in frame) return this.#write(packetTypes.ack, frame.ack, valuesOf(frame))
    if ('hello' in frame) return this.#writeHello(frame.hello)
    throw new TypeError(`Socket.IO has no such thing as "${Object.keys(frame)[0]}"`)
  }

  position(payload: Payload, pos: number): Payload {
    if (!this.resumes) return payload
    if (typeof payload === 'string') return this.#withOffset(payload, pos)
    const { text, attachments } = unpack(payload)
    return pack({ text: this.#withOffset(text, pos), attachments })
  }

  /** What was encoded, in the packets that a connection sends in that namespace. */
  packetsIn(namespace: string, payload: Payload): string | Parts {
    return this.#renamed.packetsIn(namespace, payload)
  }

  #read(message: Payload): Packet {
    try {
      const rules = { depth: this.#place.depth, attachments: this.#parts.attachments, timeout: 0 }
      const assembler = new Assembler(rules, NO_CLOCK, NEVER_LATE)
      const { text, attachments } =
        typeof message === 'string' ? { text: message, attachments: [] } : unpack(message)
      // A packet's own 4 would be CONNECT_ERROR, which never comes in.
      let whole = assembler.take(text, text.startsWith(ENGINE_MESSAGE) ? 1 : 0)
      for (const one of attachments) whole = assembler.take(one)
      if (whole !== undefined) return whole.packet
    } catch (error) {
      if (!(error instanceof InvalidPacket || error instanceof RangeError)) throw error
      throw malformed(error.message)
    }
    throw malformed('a packet without its attachments')
  }

  #writeHello({ sid, recovery }: Hello): string {
    const body = this.resumes ? { sid, pid: recovery?.token } : { sid }
    return `${ENGINE_MESSAGE}${packetTypes.connect}${this.#address}${JSON.stringify(body)}`
  }

  #writeFailure({ ack, error }: FailureFrame): Payload {
    if (ack === undefined) return this.#write(packetTypes.event, undefined, [ERROR, error])
    return this.#write(packetTypes.ack, ack, [{ error }])
  }

  /** @param isGuarded whether a client may take a string at the end for an offset */
  #write(type: 2 | 3, id: number | undefined, list: unknown[], pos?: number, isGuarded = false): Payload {
    const tail = this.resumes && isGuarded ? this.#tail(list, pos) : ''
    if (!hasBytes(list)) {
      const head = this.#heads[type]
      const text = (id === undefined ? head : head + id) + JSON.stringify(list)
      return tail === '' ? text : text.slice(0, -1) + tail
    }
    const extracted = extract(list)
    const { attachments } = extracted
    const binary = type === packetTypes.event ? packetTypes.binaryEvent : packetTypes.binaryAck
    const text = `${ENGINE_MESSAGE}${binary}${attachments.length}-${this.#address}${id ?? ''}${extracted.json}`
    return pack({ text: tail === '' ? text : text.slice(0, -1) + tail, attachments })
  }

  /** How a list ends, in place of its bracket; empty where it is as it is. */
  #tail(list: readonly unknown[], pos: number | undefined): string {
    if (pos !== undefined) return `,"${this.#offset(pos)}"]`
    return typeof list.at(-1) === 'string' ? NO_OFFSET : ''
  }

  #withOffset(text: string, pos: number): string {
    const list = text.slice(0, text.endsWith(NO_OFFSET) ? -NO_OFFSET.length : -1)
    return `${list},"${this.#offset(pos)}"]`
  }

  #offset(pos: number): string {
    return this.#parts.offsets.write(pos, this.#place.isShared)
  }
}

function eventOf({ list, id }: ListPacket): EventFrame {
  const event = String(list[0])
  const frame: EventFrame = list.length === 2 ? { event, data: list[1] } : { event, args: list.slice(1) }
  if (id !== undefined) frame.id = id
  return frame
}

/** One value is the answer, none is nothing, several are a list of them. */
function answerOf({ list, id }: ListPacket): AckFrame | FailureFrame {
  const ack = id as number
  if (list.length > 1) return { ack, data: list }
  const [data] = list
  return isFailure(data) ? { ack, error: data.error } : { ack, data }
}

/** Whether an answer is a failure, as this server's are: `{ error: { code, message } }`, and nothing else. */
function isFailure(answer: unknown): answer is { error: ErrorBody } {
  if (!isObject(answer) || Object.keys(answer).length !== 1) return false
  const { error } = answer as JsonObject
  if (!isObject(error)) return false
  const { code, message } = error as JsonObject
  return typeof code === 'string' && typeof message === 'string'
}

/** Those that the callback is called with. */
function valuesOf({ data }: AckFrame): unknown[] {
  if (data instanceof Several) return [...data]
  return data === undefined ? [] : [data]
}

/** All parts are there: none is waited for. */
const NEVER_LATE = { late: () => {} }
const NO_CLOCK = { now: () => 0, setTimeout: () => undefined, clearTimeout: () => {} }
