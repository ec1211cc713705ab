import { PartylineError } from '../protocol/error.ts'
import { argsOf, type EventFrame } from '../protocol/frame.ts'
import { MESSAGE } from '../protocol/raw.ts'
import { SocketEvent } from './event.ts'
import { Line } from './line.ts'
import type { Method } from './route.ts'
import type { Session } from './session.ts'

/**
 * The events of one socket on their way to the gateway: in order, as many at a time as the gateway allows, each request
 * answered exactly once.
 */
export class Dispatch {
  readonly #session: Session
  readonly #concurrency: number
  /** How many handlers have begun and not finished. */
  #running = 0
  /** Made when first something has to wait. */
  #line: Line | undefined
  #ready = false
  #draining = false
  #paused = false
  #whenIdle: (() => void)[] | undefined
  #firstMessageSeen = false

  constructor(session: Session) {
    this.#session = session
    this.#concurrency = session.route.options.concurrency ?? 1
  }

  /** Lets events through: the gateway is there and `@OnOpen` is done. */
  ready(): void {
    this.#ready = true
    this.#advance()
  }

  /** Takes no more events; what came before goes on. */
  drain(): void {
    this.#draining = true
  }

  /** Forgets what has not begun. */
  abandon(): void {
    this.#line?.clear()
  }

  get isIdle(): boolean {
    return this.#ready && this.#running === 0 && !this.#line?.length
  }

  untilIdle(): Promise<void> {
    if (this.isIdle) return Promise.resolve()
    return new Promise((resolve) => {
      this.#whenIdle = [...(this.#whenIdle ?? []), resolve]
    })
  }

  /** Reads on where reading was held back, so that the connection's end is noticed; what is too much is refused. */
  readOn(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#session.connection.resume?.()
  }

  arrive(frame: EventFrame): void {
    if (this.#draining) return this.#fail(frame, new PartylineError('OVERLOADED', 'the server is going away'))
    if (this.#ready && this.#running < this.#concurrency && !this.#line?.length) return this.#start(frame)
    const { waiting } = this.#session.shared.limits
    this.#line ??= new Line(waiting)
    if (!this.#line.push(frame)) {
      this.#fail(
        frame,
        new PartylineError('OVERLOADED', `${waiting} events of this socket wait for their turn already`),
      )
    } else if (this.#line.isLong && !this.#paused) {
      this.#paused = true
      this.#session.connection.pause?.()
    }
  }

  #start(frame: EventFrame): void {
    const { route, shared } = this.#session
    const handler = route.handlers.events.get(frame.event)
    if (!route.handlers.direct || shared.signals.heard) return this.#startObserved(frame, handler)
    if (handler === undefined) return this.#unknown(frame)
    let result: unknown
    try {
      result = this.#session.handle(handler, frame)
    } catch (error) {
      return this.#fail(frame, error)
    }
    if (isThenable(result)) this.#await(frame, result)
    else if (frame.id !== undefined) this.#answer(frame, frame.id, result)
  }

  /** The longer way, for events that others than their handler see. */
  #startObserved(frame: EventFrame, handler: Method | undefined): void {
    const { id } = frame
    const answer = id === undefined ? undefined : (data: unknown) => this.#answer(frame, id, data)
    const event = new SocketEvent(frame.event, argsOf(frame), answer)
    let result: unknown
    try {
      this.#session.shared.signals.event(this.#session.socket, event, frame.event === MESSAGE)
      result = this.#run(frame, event, handler)
    } catch (error) {
      return this.#fail(frame, error, event)
    }
    if (isThenable(result)) this.#await(frame, result, event)
    else if (id !== undefined && event.settle()) this.#answer(frame, id, result)
  }

  #run(frame: EventFrame, event: SocketEvent, handler: Method | undefined): unknown {
    const { any, firstMessage } = this.#session.route.handlers
    const first = this.#firstMessageSeen ? undefined : firstMessage
    this.#firstMessageSeen = true
    // A raw gateway has no `@OnAny`, any other no `@OnFirstMessage`: at most one of them comes before the handler.
    const before = first ?? any
    if (before !== undefined) return this.#runBoth(frame, before, first ? argsOf(frame) : [event], handler)
    if (handler !== undefined) return this.#session.handle(handler, frame)
    const heard = event.acknowledged || this.#session.shared.signals.hears(frame.event)
    if (!heard) this.#unknown(frame, event)
    return undefined
  }

  /** Calls what comes before the handler and then the handler, on the same gateway. */
  #runBoth(
    frame: EventFrame,
    before: Method,
    args: readonly unknown[],
    handler: Method | undefined,
  ): unknown {
    const { socket, route } = this.#session
    const isFirst = before === route.handlers.firstMessage
    return this.#session.withGateway((gateway) =>
      then(before.call(gateway, socket, ...args), (value) => {
        // What `@OnFirstMessage` returns ends the message's way.
        if (handler === undefined || (isFirst && value !== undefined)) return value
        return handler.call(gateway, socket, ...argsOf(frame))
      }),
    )
  }

  #await(frame: EventFrame, result: PromiseLike<unknown>, event?: SocketEvent): void {
    this.#running++
    const done = (): void => {
      this.#running--
      this.#advance()
    }
    // A foreign thenable may call back twice or throw; a promise does not.
    const promise = result instanceof Promise ? result : Promise.resolve(result)
    void promise.then(
      (data) => {
        if (frame.id !== undefined && event?.settle() !== false) this.#answer(frame, frame.id, data)
        done()
      },
      (error: unknown) => {
        this.#fail(frame, error, event)
        done()
      },
    )
  }

  /** Begins what waits, as far as it may. */
  #advance(): void {
    while (this.#ready && this.#running < this.#concurrency) {
      const frame = this.#line?.shift()
      if (frame === undefined) break
      this.#start(frame)
    }
    if (!this.#line?.isLong) this.readOn()
    if (!this.isIdle || this.#whenIdle === undefined) return
    const listeners = this.#whenIdle
    this.#whenIdle = undefined
    for (const listener of listeners) listener()
  }

  #unknown(frame: EventFrame, event?: SocketEvent): void {
    const { path, options } = this.#session.route
    const ignored = options.unknownEvents === 'ignore' || options.protocol === 'raw'
    if (ignored && frame.id === undefined) return
    this.#fail(
      frame,
      new PartylineError('UNKNOWN_EVENT', `no handler for ${quote(frame.event)} at ${path}`),
      event,
    )
  }

  #answer(frame: EventFrame, id: number, data: unknown): void {
    try {
      this.#session.send({ ack: id, data })
    } catch (error) {
      this.#fail(frame, error)
    }
  }

  #fail(frame: EventFrame, error: unknown, event?: SocketEvent): void {
    if (frame.id === undefined) this.#session.sendFailure(undefined, error, frame.event)
    else if (event?.settle() !== false) this.#session.sendFailure(frame.id, error, frame.event)
    else this.#session.log(error, 'a handler failed after its request was acknowledged', frame.event)
  }
}

/** Whether a value is a promise of whatever make. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
  )
}

function then(value: unknown, next: (value: unknown) => unknown): unknown {
  return isThenable(value) ? Promise.resolve(value).then(next) : next(value)
}

function quote(name: string): string {
  return JSON.stringify(name.length > 64 ? `${name.slice(0, 64)}…` : name)
}
