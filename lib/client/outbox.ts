import type { Codec, Payload } from '../protocol/codec.ts'
import { PartylineError } from '../protocol/error.ts'
import type { EventFrame, PositionedFrame } from '../protocol/frame.ts'
import type { Line } from './line.ts'

/** How much a client keeps of what it sends. */
export interface QueueLimits {
  /** How many events and answers. Default 1,000. */
  frames?: number
  /** How long they are together: characters of text, bytes of binary. Default 4 MiB. */
  bytes?: number
}

/** What was sent, and is kept: until there is a line for it, or until it has arrived. */
interface Kept {
  /** As it was when it was sent, where it may have to be written again. */
  readonly frame: PositionedFrame
  payload: Payload
  /** Where it stands in its session; 0 while it was on no line. */
  pos: number
}

/**
 * What an app sends, in order: it waits while there is no line. In a session that can be resumed it has positions, and is
 * kept until the server says that it arrived.
 */
export class Outbox {
  readonly #codec: Codec
  readonly #frames: number
  readonly #bytes: number
  #line: Line | undefined
  #hasPositions = false
  /** The last position that was given. */
  #pos = 0
  /** What may not have arrived, and after it what waits. */
  #kept: Kept[] = []
  /** How long that is together. */
  #size = 0

  constructor(codec: Codec, { frames = 1_000, bytes = 4_194_304 }: QueueLimits = {}) {
    this.#codec = codec
    this.#frames = frames
    this.#bytes = bytes
  }

  /** Goes on with a line: first what may not have arrived on the one before, then what waits. */
  attach(line: Line, hasPositions: boolean): void {
    this.#line = line
    this.#hasPositions = hasPositions
    for (const one of this.#kept) {
      if (hasPositions && one.pos === 0) {
        one.payload = this.#encode(one.frame)
        one.pos = ++this.#pos
      }
      line.send(one.payload)
    }
    this.#keep(() => hasPositions)
  }

  detach(): void {
    this.#line = undefined
  }

  /**
   * Sends, now or as soon as there is a line.
   *
   * @throws PartylineError OVERLOADED where too much is kept already.
   * @throws what the codec throws for data that it cannot carry.
   */
  push(frame: PositionedFrame): void {
    const line = this.#usable()
    const payload = line ? this.#encode(frame) : this.#codec.encode(frame)
    if (!line || this.#hasPositions) {
      const size = this.#size + payload.length
      if (this.#kept.length >= this.#frames || size > this.#bytes) {
        throw new PartylineError('OVERLOADED', 'too much waits to be sent already')
      }
      if (line) this.#kept.push({ frame, payload, pos: ++this.#pos })
      else this.#kept.push({ frame: this.#codec.decode(payload) as PositionedFrame, payload, pos: 0 })
      this.#size = size
    }
    line?.send(payload)
  }

  /** Sends now or never, and once. */
  pushVolatile(frame: PositionedFrame): void {
    const line = this.#usable()
    if (!line) return
    const payload = this.#encode(frame)
    this.#pos++
    line.send(payload)
  }

  /** Everything up to there has arrived. */
  acknowledge(pos: number): void {
    this.#keep((one) => one.pos === 0 || one.pos > pos)
  }

  /** Takes a request back, if it was not on any line yet. */
  withdraw(id: number): void {
    this.#keep((one) => !isWaiting(one, id))
  }

  /** Whether that request was not on any line yet. */
  isWaiting(id: number): boolean {
    return this.#kept.some((one) => isWaiting(one, id))
  }

  /**
   * The session is over: forgets what was sent in it, and what answers it. Returns how many events that nobody asked an
   * answer for may not have arrived.
   */
  restart(): number {
    const lost = this.#kept.filter(
      ({ frame, pos }) => pos > 0 && !('ack' in frame) && (frame as EventFrame).id === undefined,
    )
    this.#keep(({ frame, pos }) => pos === 0 && !('ack' in frame))
    this.#pos = 0
    return lost.length
  }

  /** The line, if what is sent on it now is in its turn and has a way. */
  #usable(): Line | undefined {
    return this.#line?.isOpen && this.#kept.at(-1)?.pos !== 0 ? this.#line : undefined
  }

  /** As it is in this session, at its next position where it has any. */
  #encode(frame: PositionedFrame): Payload {
    return this.#codec.encode(this.#hasPositions ? { ...frame, pos: this.#pos + 1 } : frame)
  }

  #keep(isKept: (one: Kept) => boolean): void {
    this.#kept = this.#kept.filter(isKept)
    this.#size = this.#kept.reduce((sum, { payload }) => sum + payload.length, 0)
  }
}

/** Answers have no ids of their own, so that none is taken for a request. */
function isWaiting({ frame, pos }: Kept, id: number): boolean {
  return pos === 0 && (frame as EventFrame).id === id
}
