import { malformed } from '../protocol/codec.ts'
import { PartylineError } from '../protocol/error.ts'
import { argsOf, type EventFrame } from '../protocol/frame.ts'
import { MESSAGE } from '../protocol/raw.ts'
import { EventCall } from './call.ts'
import { Chore, type Deed } from './chore.ts'
import { SocketEvent, settle } from './event.ts'
import type { Handler } from './handler.ts'
import { Intake } from './intake.ts'
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
  /** How many chores had their turn and are not answered. */
  #unanswered = 0
  /** Made when first something has to wait. */
  #line: Line | undefined
  /** What events wait for: the gateway and `@OnOpen`, and each `@OnResume` that has not ended. */
  #holds = 1
  /** Made at the first event: many sockets only listen. */
  #intake: Intake | undefined
  #draining = false
  #paused = false
  #whenIdle: (() => void)[] | undefined
  #firstMessageSeen = false

  constructor(session: Session) {
    this.#session = session
    this.#concurrency = session.route.options.concurrency ?? 1
  }

  /** Lets events through, where nothing else holds them: the gateway is there and `@OnOpen` is done. */
  ready(): void {
    this.#holds--
    this.#advance()
  }

  /** Begins nothing until `ready` is called once more. */
  hold(): void {
    this.#holds++
  }

  /** Takes no more events; what came before goes on. */
  drain(): void {
    this.#draining = true
  }

  /** Forgets what has not begun. */
  abandon(): void {
    this.#line?.clear()
  }

  /** Whether a request of that id waits for its answer. */
  waitsFor(id: number | undefined): boolean {
    return this.#intake?.isTaken(id) === true
  }

  get isIdle(): boolean {
    return this.#holds === 0 && this.#running === 0 && this.#unanswered === 0 && !this.#line?.length
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

  /** Reads no further where much waits already. */
  holdBack(): void {
    // While an answer of the client's is waited for it has to be read: it would stand behind what waits for it.
    if (!this.#line?.isLong || this.#paused || !this.#session.isOpen || this.#session.isAsking) return
    this.#paused = true
    this.#session.connection.pause?.()
  }

  /** The line that was held back is gone. */
  unpause(): void {
    this.#paused = false
  }

  /** Takes an event in, now or into the line; `size` is the length of the message that it came in. */
  arrive(frame: EventFrame, size: number): void {
    this.#intake ??= new Intake(this.#session.shared)
    if (!this.#intake.admits(frame) && this.#isRefused(frame, this.#intake)) return
    if (this.#draining)
      return this.#refuse(frame, new PartylineError('OVERLOADED', 'the server is going away'))
    if (this.#holds === 0 && this.#running < this.#concurrency && !this.#line?.length)
      return this.#start(frame)
    this.#wait(frame, size)
  }

  /** The longer look at an event that is not let in at once; a refusal is answered. */
  #isRefused(frame: EventFrame, intake: Intake): boolean {
    const isTaken = intake.isTaken(frame.id)
    const refusal = intake.refusal(frame)
    if (isTaken) this.#refuseId(frame)
    else if (refusal !== undefined) this.#refuse(frame, refusal)
    if (refusal !== undefined && intake.isOverrun) this.#overrun()
    return isTaken || refusal !== undefined
  }

  #wait(frame: EventFrame, size: number): void {
    const { limits, stats } = this.#session.shared
    this.#line ??= new Line(limits.waiting, limits.waitingSize)
    if (this.#line.push(frame, size)) this.#intake?.expect(frame.id)
    else {
      stats.count('overloaded')
      this.#refuse(
        frame,
        new PartylineError('OVERLOADED', 'too many events of this socket wait for their turn'),
      )
    }
    this.holdBack()
  }

  #start(frame: EventFrame): void {
    if (frame instanceof Chore) return this.#startChore(frame)
    const { route, shared } = this.#session
    const handler = route.handlers.events.find(frame.event)
    if (!route.handlers.direct || shared.signals.heard) return this.#startObserved(frame, handler)
    if (handler === undefined) return this.#unknown(frame)
    let result: unknown
    try {
      const { run } = handler
      result = run === undefined ? this.#session.handle(handler.method, frame) : this.#call(frame, run)
      if (isThenable(result)) return this.#await(frame, result)
    } catch (error) {
      return this.#fail(frame, error)
    }
    if (frame.id !== undefined) this.#answer(frame, frame.id, result)
  }

  #startChore(chore: Chore): void {
    try {
      const deed = chore.begin()
      if (isThenable(deed)) this.#await(chore, deed)
      else void this.#do(chore, deed)
    } catch (error) {
      this.#fail(chore, error)
    }
  }

  #call(frame: EventFrame, run: Run): unknown {
    const { socket, route, gateway } = this.#session
    const args = argsOf(frame)
    if (gateway !== undefined) return run(new EventCall(socket, route.gateway, gateway, frame.event, args))
    return this.#session.withGateway((instance) =>
      run(new EventCall(socket, route.gateway, instance, frame.event, args)),
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
      if (isThenable(result)) return this.#await(frame, result, event)
    } catch (error) {
      return this.#fail(frame, error, event)
    }
    if (id !== undefined && settle(event)) this.#answer(frame, id, result)
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
    // A foreign thenable may call back twice or throw; a promise does not.
    const promise = result instanceof Promise ? result : Promise.resolve(result)
    this.#running++
    this.#intake?.expect(frame.id)
    let isOver = false
    const finish = (conclude: () => void): void => {
      if (isOver) return
      isOver = true
      cancel()
      this.#intake?.settle(frame.id)
      conclude()
      this.#running--
      this.#advance()
    }
    const cancel = this.#timeOut(() => {
      finish(() => this.#fail(frame, new PartylineError('TIMEOUT', 'the server took too long'), event))
    })
    void promise.then(
      (data) =>
        finish(() => {
          if (frame instanceof Chore) void this.#do(frame, data as Deed)
          else if (frame.id !== undefined && settle(event)) this.#answer(frame, frame.id, data)
        }),
      (error: unknown) => finish(() => this.#fail(frame, error, event)),
    )
  }

  /** Its turn is over: what it does holds up nobody, and is waited for at the end. Never rejects. */
  async #do(chore: Chore, deed: Deed): Promise<void> {
    const { id } = chore
    this.#unanswered++
    this.#intake?.expect(id)
    try {
      const answering = await deed()
      const data = answering()
      if (id !== undefined) this.#answer(chore, id, data)
    } catch (error) {
      this.#fail(chore, error)
    }
    this.#intake?.settle(id)
    this.#unanswered--
    this.#advance()
  }

  /** Calls when a handler has taken too long, where the app has such a limit; returns how to take that back. */
  #timeOut(late: () => void): () => void {
    const { clock, limits, stats } = this.#session.shared
    if (limits.handler === Number.POSITIVE_INFINITY) return nothing
    const timer = clock.setTimeout(() => {
      stats.count('handlerTimeouts')
      late()
    }, limits.handler)
    return () => clock.clearTimeout(timer)
  }

  /** Begins what waits, as far as it may. */
  #advance(): void {
    while (this.#holds === 0 && this.#running < this.#concurrency) {
      const frame = this.#line?.shift()
      if (frame === undefined) break
      this.#intake?.settle(frame.id)
      this.#start(frame)
    }
    if (!this.#line?.isLong) this.readOn()
    if (!this.isIdle) return
    this.#session.resumable?.record?.changed('messages')
    if (this.#whenIdle === undefined) return
    const listeners = this.#whenIdle
    this.#whenIdle = undefined
    for (const listener of listeners) listener()
  }

  #unknown(frame: EventFrame, event?: SocketEvent): void {
    const { path, options } = this.#session.route
    const ignored = options.unknownEvents === 'ignore' || options.protocol === 'raw'
    if (ignored && frame.id === undefined) return
    const error = new PartylineError('UNKNOWN_EVENT', `no handler for ${quote(frame.event)} at ${path}`)
    this.#fail(frame, error, event)
  }

  /** Tells the client that an event does not come in. Nothing failed, so nothing is logged: it is counted. */
  #refuse(frame: EventFrame, error: PartylineError): void {
    if (this.#session.route.options.protocol !== 'raw') this.#fail(frame, error)
  }

  #overrun(): void {
    this.#session.shared.stats.count('rateClosed')
    this.#session.closeFlooder()
  }

  #refuseId(frame: EventFrame): void {
    this.#session.shared.stats.count('pendingRefused')
    // Not under its id: the answer would be taken for the other request's.
    this.#session.sendFailure(
      undefined,
      malformed(`"id" ${frame.id} waits for its answer already`),
      frame.event,
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
    else if (settle(event)) this.#session.sendFailure(frame.id, error, frame.event)
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

function nothing(): void {}

function quote(name: string): string {
  return JSON.stringify(name.length > 64 ? `${name.slice(0, 64)}…` : name)
}
