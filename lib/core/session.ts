import { type CloseReason, closeCodes } from '../protocol/close.ts'
import { type Codec, MalformedFrame, malformed, type Payload } from '../protocol/codec.ts'
import { PartylineError } from '../protocol/error.ts'
import { argsOf, type EventFrame, type Frame, type PositionedFrame } from '../protocol/frame.ts'
import type { Handshake } from '../protocol/handshake.ts'
import type { Identity } from '../protocol/identity.ts'
import { checkSize } from './buffer.ts'
import type { Connection, ConnectionHandler } from './connection.ts'
import { Dispatch } from './dispatch.ts'
import type { Method } from './handler.ts'
import { Lifecycle } from './lifecycle.ts'
import type { Link } from './link.ts'
import type { Recipient } from './outbox.ts'
import { isRefusal } from './pipeline.ts'
import type { Comeback, Resumption } from './recovery.ts'
import { Requests } from './requests.ts'
import { mayReturn, Resumable } from './resumable.ts'
import type { Route } from './route.ts'
import type { Shared } from './shared.ts'
import { Socket } from './socket.ts'

const NO_ROOMS: ReadonlySet<string> = new Set()

/** How much of an event's name an error repeats. */
const NAME_SHOWN = 128

/** For how long a client that went on in spite of RATE_LIMITED is not read before it is closed, in milliseconds. */
const FLOODER_HELD = 1_000

/**
 * One client on one gateway, from its arrival to the end of its `@OnClose`, over one line or, where the gateway has
 * `recovery`, over several: what it sends is decoded and dispatched, what is sent to it is encoded and leaves in order.
 * Nothing that arrives makes it throw.
 */
export class Session implements ConnectionHandler, Recipient {
  readonly id: string = crypto.randomUUID()
  readonly socket: Socket = new Socket(this)
  readonly route: Route
  readonly codecIndex: number
  /** Those of its latest line. */
  handshake: Handshake
  identity: Identity | undefined
  readonly shared: Shared
  /** What lets it outlive its line, where it may. */
  readonly resumable: Resumable | undefined
  /** The line that it is on, where it may have several. */
  link: Link | undefined
  /** The instance that serves this socket; none where each event has its own. */
  gateway: unknown
  /** What waits in the outbox. */
  waiting: Payload[] | undefined
  readonly #codec: Codec
  readonly dispatch: Dispatch
  /** Whether the client chose a subprotocol, and so expects hello and pings. */
  readonly #greets: boolean
  readonly lifecycle: Lifecycle
  /** Made when the first request is sent to the client. */
  #requests: Requests | undefined
  #connection: Connection | undefined
  #state: 'new' | 'open' | 'suspended' | 'closing' | 'closed' = 'new'
  /** Whether this is inside a read of this connection, whose replies the runtime sends together anyway. */
  #reading = false
  /** How often somebody looked and nothing had arrived since the last time. */
  #quiet = 0
  /** While a client that sent too much is held: closes it. */
  #letGo: (() => void) | undefined
  /** Made when first joined: most sockets of many apps are in no room. */
  #rooms: Set<string> | undefined

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
    this.dispatch = new Dispatch(this)
    this.lifecycle = new Lifecycle(this, this.dispatch)
    this.resumable = greets && route.recovery !== undefined ? new Resumable(this, route.recovery) : undefined
  }

  get isOpen(): boolean {
    return this.#state === 'open'
  }

  /** Whether it is open, or may be again: what is sent to it will arrive, or it will be said that it did not. */
  get isLive(): boolean {
    return this.#state === 'open' || this.#state === 'suspended'
  }

  get isSuspended(): boolean {
    return this.#state === 'suspended'
  }

  /** From `opened` on. */
  get connection(): Connection {
    return this.#connection as Connection
  }

  get bufferedAmount(): number {
    return this.isSuspended ? 0 : (this.#connection?.bufferedAmount ?? 0)
  }

  get roomNames(): ReadonlySet<string> {
    return this.#rooms ?? NO_ROOMS
  }

  get ownRoomNames(): Set<string> {
    this.#rooms ??= new Set()
    return this.#rooms
  }

  /** `recovered` is false where the client had asked for another session. */
  opened(connection: Connection, link?: Link, recovered?: false): void {
    this.shared.sessions.add(this)
    this.#take(connection, link)
    this.#greet(recovered, this.resumable?.journal.begin)
    this.route.rooms.enter(this)
    this.route.recovery?.makeRoom()
    this.lifecycle.welcome()
    this.#reading = false
  }

  /** Goes on over another line: first comes what was missed, then whatever is newer. */
  resumed(connection: Connection, link: Link, { handshake, identity }: Comeback, missed: Resumption): void {
    const { takenOver } = closeCodes
    if (this.#state === 'open') this.leaveLine(takenOver.code, 'resumed elsewhere')
    this.handshake = handshake
    this.identity = identity
    this.#take(connection, link)
    this.resumable?.resume(missed.pos, missed.token)
    // Before anything is sent, which may be too much for this line, too, so that it is left again.
    this.lifecycle.resumed()
    this.#greet(true, missed.pos)
    if (missed.missed.length > 0) this.deliver(missed.missed)
    this.route.rooms.resubscribe(this)
    this.dispatch.holdBack()
    this.#reading = false
  }

  message(message: Payload): void {
    this.#quiet = 0
    if (this.#state === 'closing' || this.#state === 'closed') return
    this.resumable?.confirm()
    this.#reading = true
    try {
      this.#receive(this.#codec.decode(message), message.length)
    } catch (error) {
      this.shared.stats.count('malformedFrames')
      const id = error instanceof MalformedFrame ? error.id : undefined
      // An answer under an id that waits would be taken for its own.
      this.sendFailure(this.dispatch.waitsFor(id) ? undefined : id, error)
    }
    this.#reading = false
  }

  closed(code: number, reason: string): void {
    if (this.#state === 'closed') return
    if (this.#state === 'open') this.shared.stats.countEnd(code)
    this.shared.census.remove(this.handshake.ip)
    if (this.resumable !== undefined && this.#state === 'open' && mayReturn(code))
      this.#suspend({ code, reason })
    else this.end({ code, reason })
  }

  /** Calls a method of the gateway with the socket and an event's arguments. */
  handle(method: Method, frame: EventFrame): unknown {
    const { gateway } = this
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
    if (this.gateway !== undefined) return task(this.gateway)
    return this.route.instances.forEvent(this.lifecycle.container, task)
  }

  /** Encodes a frame and sends it. Throws only for data that the codec cannot carry, or that is too large. */
  send(frame: PositionedFrame): void {
    const { resumable } = this
    if (resumable === undefined) this.#sendNow(frame)
    else if (this.isLive) this.transmit(resumable.write(frame, this.#codec, this.shared.limits.buffer))
  }

  /** What has no position, and is worth nothing on another line. */
  #sendNow(frame: Frame): void {
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

  /** Looks whether anything arrived since the last look; asks after two, and gives up after four. */
  checkPulse(): void {
    this.#quiet++
    if (this.#quiet > 1) this.dispatch.readOn()
    if (!this.#greets || this.#state !== 'open') return
    if (this.#quiet > 3) {
      this.shared.stats.count('heartbeatsLost')
      return this.leaveLine(closeCodes.heartbeatLost.code, 'heartbeat lost')
    }
    if (this.#quiet > 1) this.#sendNow({ ping: this.#quiet - 1 })
    this.#tellReceived(true)
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
    else if (this.#state === 'suspended') this.end({ code, reason })
  }

  /** Ends it now: its client has asked for it, and cannot have it. */
  giveUp(): void {
    if (this.#state === 'open') this.close(closeCodes.takenOver.code, 'not recovered')
    else this.resumable?.expire()
  }

  /** Closes the line. Where the session can be resumed, that is all that ends. */
  leaveLine(code: number, reason: string): void {
    if (this.resumable === undefined) return this.close(code, reason)
    const { connection } = this
    // What still comes on it is not heard: whoever comes back sends it again. What waits to leave is in the journal.
    this.link = undefined
    this.shared.census.remove(this.handshake.ip)
    this.#suspend({ code, reason })
    connection.close(code, reason)
  }

  /** Sends what waits, and serves this client no more; false where it has no line. */
  #sendAway(): boolean {
    if (this.#state === 'open') this.shared.outbox.flushOne(this)
    // What waited may have been too much for the line, which is left then.
    if (this.#state !== 'open') return false
    this.#state = 'closing'
    // Whom we send away is not served any more: what it sent and is not begun may be the reason for it.
    this.dispatch.abandon()
    return true
  }

  /** The requests to the client that wait for its answers. */
  get requests(): Requests {
    this.#requests ??= new Requests(this)
    return this.#requests
  }

  /** Whether answers of the client's are waited for: then it has to be read. */
  get isAsking(): boolean {
    return this.#requests !== undefined && this.#requests.size > 0
  }

  /** On a line from now on, inside a read of it, so that what is sent now leaves in order. */
  #take(connection: Connection, link: Link | undefined): void {
    this.#connection = connection
    this.link = link
    this.shared.census.add(this.handshake.ip)
    this.waiting = undefined
    this.#quiet = 0
    this.#reading = true
    // Open at once: while the gateway is built, mistakes are answered, and what is built for the connection can send.
    this.#state = 'open'
  }

  #greet(recovered: boolean | undefined, pos = 0): void {
    if (!this.#greets) return
    const hello = { sid: this.id, heartbeat: this.shared.limits.heartbeat }
    this.#sendNow({ hello: { ...hello, ...this.resumable?.terms(recovered, pos) } })
  }

  #suspend(reason: CloseReason): void {
    this.#state = 'suspended'
    // It is in the journal.
    this.waiting = undefined
    this.dispatch.unpause()
    this.resumable?.suspend(reason)
    this.lifecycle.suspended(reason)
  }

  /** The line has ended for good, or nobody has come back. */
  end(reason: CloseReason): void {
    this.#state = 'closed'
    this.waiting = undefined
    this.resumable?.end()
    this.#requests?.abandon()
    this.route.rooms.exit(this)
    this.lifecycle.ended(reason)
  }

  #tellReceived(any: boolean): void {
    const received = this.resumable?.journal.owed(any)
    if (received !== undefined) this.#sendNow({ received })
  }

  /** Whether something has not come before, in a session where things may come twice. */
  #isNew({ pos }: Partial<PositionedFrame>, { journal }: Resumable): boolean {
    if (pos === undefined) return true
    if (!journal.accept(pos)) return false
    this.#tellReceived(false)
    return true
  }

  #receive(frame: Frame, size: number): void {
    const { resumable } = this
    if (resumable !== undefined && !this.#isNew(frame as Partial<PositionedFrame>, resumable)) return
    if ('event' in frame) return this.dispatch.arrive(frame, size)
    if ('ping' in frame) return this.#sendNow({ pong: frame.ping })
    if ('pong' in frame) return
    if ('hello' in frame) throw malformed('"hello" comes from the server only')
    if ('received' in frame) {
      if (resumable === undefined) throw malformed('"received" is for sessions that can be resumed')
      if (!resumable.journal.acknowledge(frame.received))
        throw malformed(`"received" ${frame.received} was never sent`)
    } else if (frame.ack === undefined) {
      throw malformed('an "error" of the client\'s answers a request, whose "ack" it has')
    } else if (!this.#requests?.settle(frame)) {
      throw malformed(`"ack" ${frame.ack} answers no request of the server's`)
    }
  }
}
