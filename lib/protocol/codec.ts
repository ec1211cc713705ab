import { PartylineError } from './error.ts'
import type { Frame } from './frame.ts'

/** What a connection carries: text or bytes. */
export type Payload = string | Uint8Array

/**
 * Turns frames into payloads and back. One instance serves all connections of a gateway that chose its subprotocol,
 * so it keeps no state between calls.
 */
export interface Codec {
  /** The WebSocket subprotocol by which a client asks for this codec; absent where none can ask for it. */
  readonly subprotocol?: string
  /**
   * Reads one message. MUST throw a `PartylineError` with code `MALFORMED_FRAME`, and nothing else, for what is no
   * frame, with the id under which it can be answered where there is one; MUST NOT allocate more than the message's size
   * warrants.
   */
  decode(message: Payload): Frame
  /**
   * Writes one frame. Throws a `TypeError` for data that this codec cannot carry. The payload MUST NOT change afterwards,
   * whatever becomes of the frame's data: it may wait, and be sent several times.
   */
  encode(frame: Frame): Payload
  /**
   * What `encode` made of an event without id and position, with a position: the same as if that had been encoded with it.
   * Where several nodes share an order, a place in it is known only afterwards. Absent: such events are written anew.
   */
  position?(payload: Payload, pos: number): Payload
  /**
   * The same codec within an app's limits, for a codec that bounds what it reads; a bound that it was given itself stays.
   * Asked at boot, before the limits were checked: MUST NOT throw for any of them.
   */
  within?(limits: { readonly depth: number }): Codec
}

/** What is wrong with a message that is no frame. */
export class MalformedFrame extends PartylineError {
  /** The id that it asks to be answered under, where that much can be read. */
  readonly id: number | undefined

  constructor(message: string, id: number | undefined) {
    super('MALFORMED_FRAME', message)
    this.id = id
  }
}

/** The error for a message that is no frame; `id` is what stands where a request's id would. */
export function malformed(message: string, id?: unknown): MalformedFrame {
  return new MalformedFrame(message, isId(id) ? id : undefined)
}

/** Whether a request can have this id. */
export function isId(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

/** An event that was encoded without a position, with one. */
export function withPosition(codec: Codec, payload: Payload, pos: number): Payload {
  if (codec.position !== undefined) return codec.position(payload, pos)
  return codec.encode({ ...codec.decode(payload), pos } as Frame)
}
