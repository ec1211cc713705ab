import { closeCodes } from '../protocol/close.ts'
import { malformed } from '../protocol/codec.ts'
import { PartylineError } from '../protocol/error.ts'
import { argsOf, type EventFrame } from '../protocol/frame.ts'
import { MESSAGE } from '../protocol/raw.ts'
import { Budget } from './budget.ts'
import { EventCall } from './call.ts'
import { SocketEvent } from './event.ts'
import type { Handler } from './handler.ts'
import { Line } from './line.ts'
import { compose, type Run } from './pipeline.ts'
import type { Session } from './session.ts'
import { isThenable, then } from './thenable.ts'

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
  #budget: Budget | undefined
  /** What it may be refused before it is closed. */
  #patience: Budget | undefined
  /** The ids of the requests that wait for their answers. */
  #pending: Set<number> | undefined
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
    const { limits, clock } = this.#session.shared
    this.#budget ??= new Budget(limits.rate, limits.burst, clock)
    if (!this.#budget.take()) return this.#limitRate(frame)
    if (frame.event.length > limits.eventName) return this.#refuseName(frame)
    if (frame.id !== undefined && this.#pending !== undefined && !this.#mayAsk(frame, frame.id)) return
    if (this.#draining) return this.#fail(frame, new PartylineError('OVERLOADED', 'the server is going away'))
    if (this.#ready && this.#running < this.#concurrency && !this.#line?.length) return this.#start(frame)
    const { waiting } = limits
    this.#line ??= new Line(waiting)
    if (this.#line.push(frame)) this.#expect(frame.id)
    else {
      this.#session.shared.stats.count('overloaded')
      this.#fail(
        frame,
        new PartylineError('OVERLOADED', `${waiting} events of this socket wait for their turn already`),
      )
    }
    if (this.#line.isLong && !this.#paused) {
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
      const { run } = handler
      result = run === undefined ? this.#session.handle(handler.method, frame) : this.#call(frame, run)
    } catch (error) {
      return this.#fail(frame, error)
    }
    if (isThenable(result)) this.#await(frame, result)
    else if (frame.id !== undefined) this.#answer(frame, frame.id, result)
  }

  #call(frame: EventFrame, run: Run): unknown {
    const { socket, route } = this.#session
    return this.#session.withGateway((instance) =>
      run(new EventCall(socket, route.gateway, instance, frame.event, argsOf(frame))),
    )
  }

  /** The longer way, for events that others than their handler see. */
  #startObserved(frame: EventFrame, handler: Handler | undefined): void {
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

  #run(frame: EventFrame, event: SocketEvent, handler: Handler | undefined): unknown {
    const { handlers, around } = this.#session.route
    const first = this.#firstMessageSeen ? undefined : handlers.firstMessage
    this.#firstMessageSeen = true
    // A raw gateway has no `@OnAny`, any other no `@OnFirstMessage`: at most one of them comes before the handler.
    const before = first ?? handlers.any
    if (before !== undefined) {
      const both = (call: EventCall): unknown =>
        runBoth(call, before, first ? call.args : [event], handler, !first)
      return this.#call(frame, compose(around.guards, around.middleware, both))
    }
    if (handler !== undefined) return this.#call(frame, handler.run ?? handler.own)
    const heard = event.acknowledged || this.#session.shared.signals.hears(frame.event)
    if (!heard) this.#unknown(frame, event)
    return undefined
  }

  #await(frame: EventFrame, result: PromiseLike<unknown>, event?: SocketEvent): void {
    const { clock, limits, stats } = this.#session.shared
    this.#running++
    this.#expect(frame.id)
    let timer: unknown
    let isOver = false
    const finish = (conclude: () => void): void => {
      if (isOver) return
      isOver = true
      clock.clearTimeout(timer)
      this.#pending?.delete(frame.id ?? -1)
      conclude()
      this.#running--
      this.#advance()
    }
    if (limits.handler !== Number.POSITIVE_INFINITY) {
      timer = clock.setTimeout(() => {
        stats.count('handlerTimeouts')
        finish(() => this.#fail(frame, new PartylineError('TIMEOUT', 'the server took too long'), event))
      }, limits.handler)
    }
    // A foreign thenable may call back twice or throw; a promise does not.
    const promise = result instanceof Promise ? result : Promise.resolve(result)
    void promise.then(
      (data) =>
        finish(() => {
          if (frame.id !== undefined && event?.settle() !== false) this.#answer(frame, frame.id, data)
        }),
      (error: unknown) => finish(() => this.#fail(frame, error, event)),
    )
  }

  #expect(id: number | undefined): void {
    if (id === undefined) return
    this.#pending ??= new Set()
    this.#pending.add(id)
  }

  /** Whether one more request may wait for its answer, under that id. */
  #mayAsk(frame: EventFrame, id: number): boolean {
    const { limits, stats } = this.#session.shared
    const isTaken = this.#pending?.has(id) ?? false
    if (!isTaken && (this.#pending?.size ?? 0) < limits.pending) return true
    stats.count('pendingRefused')
    // An answer under that id would be taken for the other's.
    if (isTaken)
      this.#session.sendFailure(undefined, malformed(`"id" ${id} waits for its answer already`), frame.event)
    else
      this.#fail(
        frame,
        new PartylineError('OVERLOADED', `${limits.pending} requests wait for their answers already`),
      )
    return false
  }

  #limitRate(frame: EventFrame): void {
    const { limits, clock, stats } = this.#session.shared
    const retryAfter = this.#budget?.retryAfter
    stats.count('rateLimited')
    this.#fail(frame, new PartylineError('RATE_LIMITED', 'too many events', { retryAfter }))
    this.#patience ??= new Budget(limits.rate, limits.burst, clock)
    if (this.#patience.take()) return
    stats.count('rateClosed')
    this.#session.close(closeCodes.rate.code, 'too many events')
  }

  #refuseName(frame: EventFrame): void {
    const { limits, stats } = this.#session.shared
    stats.count('eventNamesTooLong')
    this.#fail(frame, malformed(`an event's name has ${limits.eventName} characters at most`))
  }

  /** Begins what waits, as far as it may. */
  #advance(): void {
    while (this.#ready && this.#running < this.#concurrency) {
      const frame = this.#line?.shift()
      if (frame === undefined) break
      this.#pending?.delete(frame.id ?? -1)
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

/** Calls what comes before the handler, and then the handler unless what came before has ended the message's way. */
function runBoth(
  call: EventCall,
  before: Handler,
  args: readonly unknown[],
  handler: Handler | undefined,
  goesOn: boolean,
): unknown {
  return then(before.around(call, args), (value) =>
    handler === undefined || (!goesOn && value !== undefined) ? value : handler.own(call),
  )
}

function quote(name: string): string {
  return JSON.stringify(name.length > 64 ? `${name.slice(0, 64)}…` : name)
}
