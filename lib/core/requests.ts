import { PartylineError } from '../protocol/error.ts'
import { type AnyEvent, argsOfCall, type CallData, nameOf, type Schema } from '../protocol/event.ts'
import type { AckFrame, EventFrame, FailureFrame } from '../protocol/frame.ts'
import { LONGEST } from './clock.ts'
import { outgoing } from './outgoing.ts'
import { parse } from './pipeline.ts'
import type { Session } from './session.ts'

/** How long the server waits for a client's answer. */
export interface CallOptions {
  /** Milliseconds; `Infinity` for as long as the session lasts. Default 10,000. */
  timeout?: number
}

/** What is given to `call` after the event. */
export type CallArgs<E extends AnyEvent> =
  undefined extends CallData<E>
    ? [data?: CallData<E>, options?: CallOptions]
    : [data: CallData<E>, options?: CallOptions]

/** How long a client is waited for, in milliseconds. */
export const TIMEOUT = 10_000

interface Waiting {
  resolve(data: unknown): void
  reject(error: unknown): void
}

/** The requests to one client that wait for its answers. Each ends in one way, and exactly once. */
export class Requests {
  readonly #session: Session
  readonly #waiting = new Map<number, Waiting>()
  /** Never given twice, so that an answer that comes late is taken for no other's. */
  lastId = 0

  constructor(session: Session) {
    this.#session = session
  }

  get size(): number {
    return this.#waiting.size
  }

  /** Sends a request, and resolves to what the client answers, as the event's schema makes of it. */
  async call(event: AnyEvent, data: unknown, { timeout = TIMEOUT }: CallOptions = {}): Promise<unknown> {
    const frame = requestFrame(event, data, this.#session.route.around.checkOutgoing)
    return fitting(event, await this.ask(frame, timeout))
  }

  /** Sends a request, and resolves to what the client answers. */
  async ask(frame: EventFrame, timeout: number): Promise<unknown> {
    const session = this.#session
    const { limits, stats, clock } = session.shared
    const name = frame.event
    if (session.route.options.protocol === 'raw')
      throw new TypeError('a raw gateway has no frames in which a client could answer: use send')
    // What a dialect's client is asked while its line is broken is not kept for it.
    if (!session.isLive || (session.isLooped && session.isSuspended)) throw gone(name)
    if (this.#waiting.size >= limits.pending) {
      stats.count('callsRefused')
      throw new PartylineError(
        'OVERLOADED',
        `${limits.pending} requests to this client wait for their answers already`,
      )
    }
    const id = ++this.lastId
    const answer = new Promise<unknown>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
    })
    const timer =
      timeout === Number.POSITIVE_INFINITY
        ? undefined
        : clock.setTimeout(
            () => {
              this.#take(id)?.reject(
                new PartylineError('TIMEOUT', `"${name}" was not answered within ${timeout} ms`),
              )
            },
            Math.min(timeout, LONGEST),
          )
    try {
      session.send({ ...frame, id })
      // An answer may stand behind what waits for its turn.
      session.dispatch.readOn()
      return await answer
    } finally {
      this.#waiting.delete(id)
      clock.clearTimeout(timer)
    }
  }

  /** Takes an answer of the client's; false where nothing waits for it. */
  settle(frame: AckFrame | FailureFrame): boolean {
    const waiting = frame.ack === undefined ? undefined : this.#take(frame.ack)
    if (waiting !== undefined) {
      if ('error' in frame)
        waiting.reject(new PartylineError(frame.error.code, frame.error.message, frame.error.details))
      else waiting.resolve(frame.data)
    }
    // One that comes too late is no mistake of the client's.
    return waiting !== undefined || (frame.ack !== undefined && frame.ack > 0 && frame.ack <= this.lastId)
  }

  /** The client has gone for good. */
  abandon(): void {
    for (const [id, { reject }] of [...this.#waiting]) {
      this.#waiting.delete(id)
      reject(gone())
    }
  }

  #take(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    return waiting
  }
}

/** A request as it travels, held against its descriptor where the app says so. */
export function requestFrame(event: AnyEvent, data: unknown, isChecked: boolean): EventFrame {
  return outgoing(event, argsOfCall(event, data), isChecked)
}

/** An answer to an event's request, as its schema makes of it. */
export function fitting(event: AnyEvent, answered: unknown): unknown {
  const reply = typeof event === 'string' ? undefined : event.shape.reply
  return reply === undefined ? answered : fitted(reply, answered, nameOf(event))
}

/** What a schema makes of an answer. Where it throws, that is the answer's fault as well: it came from a client. */
async function fitted(reply: Schema, answered: unknown, name: string): Promise<unknown> {
  const complaint = `the answer to "${name}" does not fit`
  try {
    return await parse(reply, answered, complaint)
  } catch (error) {
    if (error instanceof PartylineError) throw error
    throw new PartylineError('INVALID_DATA', complaint, undefined, { cause: error })
  }
}

function gone(name?: string): PartylineError {
  const what =
    name === undefined ? 'the client went before it answered' : `"${name}" was not sent: the client is gone`
  return new PartylineError('DISCONNECTED', what)
}
