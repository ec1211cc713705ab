import type { Container } from '../container/mod.ts'
import { type CloseReason, closeCodes } from '../protocol/close.ts'
import { type Codec, MalformedFrame, malformed, type Payload } from '../protocol/codec.ts'
import { PartylineError } from '../protocol/error.ts'
import { argsOf, type EventFrame, type Frame } from '../protocol/frame.ts'
import type { Handshake } from '../protocol/handshake.ts'
import type { Identity } from '../protocol/identity.ts'
import { checkSize } from './buffer.ts'
import type { Connection, ConnectionHandler } from './connection.ts'
import { inTime } from './deadline.ts'
import { Dispatch } from './dispatch.ts'
import type { Method } from './handler.ts'
import type { Recipient } from './outbox.ts'
import { isRefusal } from './pipeline.ts'
import type { Route } from './route.ts'
import type { Shared } from './shared.ts'
import { Socket } from './socket.ts'
import { isThenable } from './thenable.ts'

const NO_ROOMS: ReadonlySet<string> = new Set()

/** How much of an event's name an error repeats. */
const NAME_SHOWN = 128

/** For how long a client that went on in spite of RATE_LIMITED is not read before it is closed, in milliseconds. */
const FLOODER_HELD = 1_000

/** How long to wait before looking again whether everything was sent, in milliseconds. */
const SENT_LOOK = 10

/**
 * One client on one gateway, from its arrival to the end of its `@OnClose`: what it sends is decoded and dispatched, what
 * is sent to it is encoded and leaves in order. Nothing that arrives makes it throw.
 */
export class Session implements ConnectionHandler, Recipient {
  readonly id: string = crypto.randomUUID()
  readonly socket: Socket = new Socket(this)
  readonly route: Route
  readonly codecIndex: number
  readonly handshake: Handshake
  readonly identity: Identity | undefined
  readonly shared: Shared
  /** What waits in the outbox. */
  waiting: Payload[] | undefined
  readonly #codec: Codec
  readonly #dispatch: Dispatch
  /** Whether the client chose a subprotocol, and so expects hello and pings. */
  readonly #greets: boolean
  #connection: Connection | undefined
  #state: 'new' | 'open' | 'closing' | 'closed' = 'new'
  /** Whether the gateway is there: what was never handed to it needs no `@OnClose`. */
  #isWelcome = false
  /** Whether this is inside a read of this connection, whose replies the runtime sends together anyway. */
  #reading = false
  /** How often somebody looked and nothing had arrived since the last time. */
  #quiet = 0
  #whenEnded: (() => void)[] | undefined
  /** While a client that sent too much is held: closes it. */
  #letGo: (() => void) | undefined
  /** Whether the end waits for no handlers any more; and what ends that wait, while it lasts. */
  #isHurried = false
  #giveUp: (() => void) | undefined
  /** Made when first joined: most sockets of many apps are in no room. */
  #rooms: Set<string> | undefined
  #container: Container | undefined
  /** The instance that serves this socket; none where each event has its own. */
  #gateway: unknown

  constructor(
    route: Route,
    codecIndex: number,
    handshake: Handshake,
    identity: Identity | undefined,
    greets: boolean,
    shared: Shared,
  ) {
    this.route = route
    this.codecIndex = codecIndex
    this.#codec = route.codecs[codecIndex] as Codec
    this.handshake = handshake
    this.identity = identity
    this.#greets = greets
    this.shared = shared
    this.#dispatch = new Dispatch(this)
  }

  get isOpen(): boolean {
    return this.#state === 'open'
  }

  /** From `opened` on. */
  get connection(): Connection {
    return this.#connection as Connection
  }

  get bufferedAmount(): number {
    return this.#connection?.bufferedAmount ?? 0
  }

  get roomNames(): ReadonlySet<string> {
    return this.#rooms ?? NO_ROOMS
  }

  get ownRoomNames(): Set<string> {
    this.#rooms ??= new Set()
    return this.#rooms
  }

  opened(connection: Connection): void {
    this.#connection = connection
    this.shared.sessions.add(this)
    this.shared.census.add(this.handshake.ip)
    this.#reading = true
    // Open at once: while the gateway is built, mistakes are answered, and what is built for the connection can send.
    this.#state = 'open'
    if (this.#greets) this.send({ hello: { sid: this.id, heartbeat: this.shared.limits.heartbeat } })
    this.route.rooms.enter(this)
    void this.#welcome()
    this.#reading = false
  }

  message(message: Payload): void {
    this.#quiet = 0
    if (this.#state === 'closing' || this.#state === 'closed') return
    this.#reading = true
    try {
      this.#receive(this.#codec.decode(message), message.length)
    } catch (error) {
      this.shared.stats.count('malformedFrames')
      const id = error instanceof MalformedFrame ? error.id : undefined
      // An answer under an id that waits would be taken for its own.
      this.sendFailure(this.#dispatch.waitsFor(id) ? undefined : id, error)
    }
    this.#reading = false
  }

  closed(code: number, reason: string): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    this.waiting = undefined
    this.shared.census.remove(this.handshake.ip)
    if (code === closeCodes.tooBig.code) this.shared.stats.count('payloadTooBig')
    this.route.rooms.exit(this)
    // The handler that closed its own socket is in the middle of it, and comes to its end first.
    queueMicrotask(() => void this.#end({ code, reason }))
  }

  /** The gateway that serves this socket; undefined where each event has one of its own. */
  get gateway(): unknown {
    return this.#gateway
  }

  /** Calls a method of the gateway with the socket and an event's arguments. */
  handle(method: Method, frame: EventFrame): unknown {
    const gateway = this.#gateway
    // Almost all events are so; spreading costs more than the rest of the call.
    if (gateway !== undefined && frame.data !== undefined)
      return method.call(gateway, this.socket, frame.data)
    return this.invoke(method, argsOf(frame))
  }

  /** Calls a method of the gateway with the socket and these arguments. */
  invoke(method: Method, args: readonly unknown[]): unknown {
    return this.withGateway((gateway) => method.call(gateway, this.socket, ...args))
  }

  /** Calls with the gateway that handles one event: with one of its own where each event has one, in a promise. */
  withGateway(task: (gateway: unknown) => unknown): unknown {
    if (this.#gateway !== undefined) return task(this.#gateway)
    return this.route.instances.forEvent(this.#container, task)
  }

  /** Encodes a frame and sends it. Throws only for data that the codec cannot carry, or that is too large. */
  send(frame: Frame): void {
    if (this.#state !== 'open') return
    const payload = this.#codec.encode(frame)
    checkSize(payload, this.shared.limits.buffer)
    this.transmit(payload)
  }

  /** Sends at once inside a read of this connection, else with the rest of the turn. */
  transmit(payload: Payload): void {
    if (this.#state !== 'open') return
    if (!this.#reading || this.waiting !== undefined) this.shared.outbox.push(this, payload)
    else if (!this.connection.send(payload)) this.checkBuffer()
  }

  deliver(payloads: Payload[]): void {
    if (this.#state === 'open' && !this.connection.sendAll(payloads)) this.checkBuffer()
  }

  /** Tells the client what went wrong, as far as it may know; `id` is undefined where nothing was requested. */
  sendFailure(id: number | undefined, error: unknown, event?: string): void {
    const isRaw = this.route.options.protocol === 'raw'
    const known = error instanceof PartylineError && !isRaw
    if (!known) this.log(error, 'a handler failed', event)
    // Without frames there is nothing that an error could be told in.
    if (isRaw) return
    const shown = known ? error : new PartylineError('INTERNAL', 'the server failed to handle this')
    const body = shown.toBody(id === undefined ? event?.slice(0, NAME_SHOWN) : undefined)
    try {
      this.send({ ack: id, error: body })
    } catch (cause) {
      this.log(cause, 'the details of an error cannot be encoded', event)
      this.send({ ack: id, error: { ...body, details: undefined } })
    }
  }

  log(error: unknown, message: string, event?: string): void {
    // It was counted. Who is refused could fill the log with it, where there is nothing that it could be told in.
    if (isRefusal(error)) return
    try {
      this.shared.report(error, message, { gateway: this.route.gateway.name, event, socket: this.socket })
    } catch {
      // A log that fails must not take the connection with it, and there is nowhere left to say so.
    }
  }

  /** Looks whether too much waits for this client. */
  checkBuffer(): void {
    if (this.#state !== 'open' || this.connection.bufferedAmount <= this.shared.limits.buffer) return
    this.shared.watch.isBehind(this)
  }

  /** Closes a client that does not read what is sent to it: what waits for it is everybody's memory. */
  closeSlow(): void {
    if (this.#state !== 'open') return
    const { connection } = this
    const { stats, logger, clock, limits } = this.shared
    stats.count('slowConsumers')
    logger.warn(
      { gateway: this.route.gateway.name, socket: this.id, waiting: connection.bufferedAmount },
      'a client does not keep up with what is sent to it, and is closed',
    )
    this.close(closeCodes.policy.code, 'slow consumer')
    // The close frame stands behind all that the client does not read.
    clock.setTimeout(() => connection.terminate(), limits.farewell)
  }

  /** Looks whether anything arrived since the last look; asks after two, and gives up after four. */
  checkPulse(): void {
    this.#quiet++
    if (this.#quiet > 1) this.#dispatch.readOn()
    if (!this.#greets || this.#state !== 'open') return
    if (this.#quiet > 3) {
      this.shared.stats.count('heartbeatsLost')
      this.close(closeCodes.heartbeatLost.code, 'heartbeat lost')
    } else if (this.#quiet > 1) this.send({ ping: this.#quiet - 1 })
  }

  /** Closes a client that sends too much, after a while in which it is not read: else it would be back at once with more. */
  closeFlooder(): void {
    if (!this.#sendAway()) return
    const { connection } = this
    const { clock } = this.shared
    connection.pause?.()
    const timer = clock.setTimeout(() => this.#letGo?.(), FLOODER_HELD)
    this.#letGo = () => {
      this.#letGo = undefined
      clock.clearTimeout(timer)
      connection.resume?.()
      connection.close(closeCodes.rate.code, 'too many events')
    }
  }

  /** Closes after what was sent; does nothing where that has begun. */
  close(code: number, reason: string): void {
    this.#letGo?.()
    if (this.#sendAway()) this.connection.close(code, reason)
  }

  /** Sends what waits, and serves this client no more; false where that has been done. */
  #sendAway(): boolean {
    if (this.#state !== 'open') return false
    this.shared.outbox.flushOne(this)
    this.#state = 'closing'
    // Whom we send away is not served any more: what it sent and is not begun may be the reason for it.
    this.#dispatch.abandon()
    return true
  }

  /**
   * Takes no more events, and resolves when those that came before are handled and their answers have left, or have waited
   * so many milliseconds for a client that does not read.
   */
  async drain(patience: number): Promise<void> {
    this.#dispatch.drain()
    await this.#dispatch.untilIdle()
    this.shared.outbox.flushOne(this)
    // A client that is behind still gets what waits for it: when the runtime stops, that is lost.
    for (let waited = 0; waited < patience && this.isOpen && this.bufferedAmount > 0; waited += SENT_LOOK) {
      await new Promise<void>((resolve) => this.shared.clock.setTimeout(resolve, SENT_LOOK))
    }
  }

  /** Leaves handlers behind that have not finished, so that `@OnClose` can come: the app that goes away waits no more. */
  hurry(): void {
    this.#isHurried = true
    this.#giveUp?.()
  }

  /** Resolves when `@OnClose` has finished. */
  untilEnded(): Promise<void> {
    if (!this.shared.sessions.has(this)) return Promise.resolve()
    return new Promise((resolve) => {
      this.#whenEnded = [...(this.#whenEnded ?? []), resolve]
    })
  }

  /** Waits only where a factory or `@OnOpen` does. */
  async #welcome(): Promise<void> {
    let failure = 'what lives for the connection failed to build'
    try {
      const { instances, handlers } = this.route
      // Kept before it is filled: what was built is disposed of at the end, though the rest fails.
      this.#container = instances.connect(this.socket)
      const building = instances.prepare(this.#container)
      if (building !== undefined) await building
      if (this.isOpen) {
        this.#gateway = instances.of(this.#container)
        this.#isWelcome = true
        this.shared.signals.connected(this.socket)
        failure = '@OnOpen failed'
        const opened = handlers.open && this.invoke(handlers.open, [])
        if (isThenable(opened)) await opened
      }
    } catch (error) {
      this.log(error, failure)
      this.close(closeCodes.internal.code, 'the server failed')
    }
    // Gone before it was welcome: nothing of it is handled, as no `@OnClose` will follow.
    if (!this.#isWelcome) this.#dispatch.abandon()
    this.#dispatch.ready()
  }

  async #end(reason: CloseReason): Promise<void> {
    // The events that came before the end are handled before it, unless one does not come to its own.
    if (!this.#dispatch.isIdle) await this.#inTime(this.#untilHandled())
    this.#dispatch.abandon()
    if (this.#isWelcome) {
      try {
        const { close } = this.route.handlers
        const closed = close && this.invoke(close, [reason])
        if (isThenable(closed) && !(await this.#inTime(closed))) {
          this.log(new Error('it took too long'), '@OnClose did not end')
        }
      } catch (error) {
        this.log(error, '@OnClose failed')
      }
      this.shared.signals.disconnected(this.socket, reason)
    }
    await this.#container
      ?.dispose()
      .catch((error) => this.log(error, 'what lived for the connection failed to dispose'))
    this.shared.sessions.delete(this)
    for (const resolve of this.#whenEnded ?? []) resolve()
  }

  #untilHandled(): Promise<void> {
    if (this.#isHurried) return Promise.resolve()
    return new Promise((resolve) => {
      this.#giveUp = resolve
      void this.#dispatch.untilIdle().then(resolve)
    })
  }

  /** Waits for something that is part of the end, but not for ever: false if it took too long. */
  #inTime(task: PromiseLike<unknown>): Promise<boolean> {
    return inTime(task, this.shared.clock, this.shared.limits.farewell)
  }

  #receive(frame: Frame, size: number): void {
    if ('event' in frame) return this.#dispatch.arrive(frame, size)
    if ('ping' in frame) return this.send({ pong: frame.ping })
    if ('pong' in frame) return
    if ('hello' in frame) throw malformed('"hello" comes from the server only')
    if ('received' in frame) throw malformed('"received" is for sessions that can be resumed')
    if (frame.ack === undefined)
      throw malformed('an "error" of the client\'s answers a request, whose "ack" it has')
    throw malformed(`"ack" ${frame.ack} answers no request of the server's`)
  }
}
