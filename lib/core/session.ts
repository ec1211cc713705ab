import { type CloseReason, closeCodes } from '../protocol/close.ts'
import { type Codec, MalformedFrame, type Payload } from '../protocol/codec.ts'
import { argsOf, type EventFrame, type Frame, type PositionedFrame } from '../protocol/frame.ts'
import type { Handshake } from '../protocol/handshake.ts'
import type { Identity } from '../protocol/identity.ts'
import { isNew, receiveAside } from './aside.ts'
import { checkSize } from './buffer.ts'
import type { Connection, ConnectionHandler } from './connection.ts'
import { type DialectCodec, isDialects } from './dialect.ts'
import { Dispatch } from './dispatch.ts'
import { reportOf, tellFailure } from './failing.ts'
import { closeLater } from './flooder.ts'
import type { Method } from './handler.ts'
import { restore } from './handover.ts'
import { Lifecycle } from './lifecycle.ts'
import type { Link } from './link.ts'
import type { Restored } from './moving.ts'
import type { Recipient } from './outbox.ts'
import { Pulse } from './pulse.ts'
import type { Comeback, Resumption } from './recovery.ts'
import { Requests } from './requests.ts'
import { isOnPurpose, mayReturn, Resumable } from './resumable.ts'
import type { Route } from './route.ts'
import type { Shared } from './shared.ts'
import { Socket } from './socket.ts'
import { Subscriber } from './subscriber.ts'

const NO_ROOMS: ReadonlySet<string> = new Set()

/** `moving`: what is known of it is being given to another node. */
type State = 'new' | 'open' | 'suspended' | 'closing' | 'moving' | 'closed'

/**
 * One client on one gateway, from its arrival to the end of its `@OnClose`, over one line or, where the gateway has
 * `recovery`, over several: what it sends is decoded and dispatched, what is sent to it is encoded and leaves in order.
 * Nothing that arrives makes it throw.
 */
export class Session implements ConnectionHandler, Recipient {
  readonly id: string
  readonly socket: Socket = new Socket(this)
  readonly route: Route
  readonly codecIndex: number
  /** Those of its latest line. */
  handshake: Handshake
  identity: Identity | undefined
  readonly shared: Shared
  /** What it asks of channels and presence, where the gateway has them. */
  readonly subscriber: Subscriber | undefined
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
  #state: State = 'new'
  /** Whether this is inside a read of this connection, whose replies the runtime sends together anyway. */
  #reading = false
  readonly #pulse = new Pulse()
  /** Its codec, where that is another protocol's. */
  readonly #dialect: DialectCodec | undefined
  /** Whether what is published goes to it by itself: its connections have no topics. */
  readonly isLooped: boolean
  /** Whether no other node knows of it: else what happens to it is written before anything is sent. */
  readonly #isAlone: boolean
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
    restored?: Restored,
  ) {
    this.id = restored?.id ?? crypto.randomUUID()
    this.route = route
    this.codecIndex = codecIndex
    this.#codec = route.codecs[codecIndex] as Codec
    this.#dialect = isDialects(this.#codec) ? this.#codec : undefined
    this.isLooped = this.#dialect !== undefined
    this.handshake = handshake
    this.identity = identity
    this.#greets = greets
    this.shared = shared
    this.dispatch = new Dispatch(this)
    this.lifecycle = new Lifecycle(this, this.dispatch)
    const { channels, presence, recovery } = route
    this.subscriber = !this.isLooped && (channels || presence) ? new Subscriber(this, greets) : undefined
    const mayResume = greets && this.#dialect?.resumes !== false
    this.resumable = mayResume && recovery ? new Resumable(this, recovery, restored) : undefined
    this.#isAlone = this.resumable?.record === undefined
    if (restored === undefined) return
    this.#state = 'suspended'
    restore(this, restored)
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

  /** From its first line on. */
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
    this.subscriber?.begin()
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
    if (!this.#reading) for (const payload of missed.missed) this.transmit(payload)
    else if (missed.missed.length > 0) this.deliver(missed.missed)
    this.route.rooms.resubscribe(this)
    this.dispatch.holdBack()
    this.subscriber?.begin()
    this.#reading = false
  }

  message(message: Payload): void {
    this.#pulse.quiet = 0
    if (this.#state === 'closing' || this.#state === 'closed') return
    if (this.subscriber?.takesBare) return this.subscriber.publishBare(message)
    if (this.resumable !== undefined && !this.resumable.hears()) return
    this.#reading = this.#isAlone
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
    if (resumable === undefined || this.#dialect?.keeps(frame) === false) this.sendNow(frame)
    else if (this.isLive) this.transmit(resumable.write(frame, this.#codec, this.shared.limits.buffer))
  }

  /** Sends what has no position, and is worth nothing on another line. */
  sendNow(frame: Frame): void {
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
    tellFailure(this, id, error, event)
  }

  log(error: unknown, message: string, event?: string): void {
    reportOf(this, error, message, event)
  }

  /** Looks whether too much waits for this client. */
  checkBuffer(): void {
    if (this.#state !== 'open' || this.connection.bufferedAmount <= this.shared.limits.buffer) return
    this.shared.watch.isBehind(this)
  }

  /** Looks whether anything arrived since the last look. */
  checkPulse(): void {
    this.#pulse.check(this, this.#greets && !this.isLooped)
  }

  /** Closes a client that sends too much. */
  closeFlooder(): void {
    if (!this.#sendAway()) return
    this.#letGo = closeLater(this.connection, this.shared.clock, () => {
      this.#letGo = undefined
    })
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
    if (this.isOpen) this.shared.outbox.flushOne(this)
    // What waited may have been too much for the line, which is left then.
    if (!this.isOpen) return false
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

  /** The id of the last request to the client. */
  get lastRequest(): number {
    return this.#requests?.lastId ?? 0
  }

  /** Waits for no answers of the client's any more. */
  abandonRequests(): void {
    this.#requests?.abandon()
  }

  /** Takes an answer of the client's; false where nothing waits for it. */
  settle(frame: Parameters<Requests['settle']>[0]): boolean {
    return this.#requests?.settle(frame) ?? false
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
    this.#pulse.quiet = 0
    this.#reading = this.#isAlone
    // Open at once: while the gateway is built, mistakes are answered, and what is built for the connection can send.
    this.#state = 'open'
  }

  /** Nothing is sent to it any more, since what is known of it is being given to another node. */
  beginMove(): void {
    this.#state = 'moving'
  }

  /** It is another node's. */
  endMove(reason: CloseReason): void {
    if (this.#state === 'closed') return
    if (this.#state === 'open') this.leaveLine(reason.code, reason.reason)
    this.#state = 'closed'
    this.resumable?.moved()
    this.abandonRequests()
    this.route.rooms.exit(this, true)
    this.lifecycle.moved(reason)
  }

  #greet(recovered: boolean | undefined, pos = 0): void {
    if (!this.#greets) return
    const hello = { sid: this.id, heartbeat: this.shared.limits.heartbeat }
    this.sendNow({ hello: { ...hello, ...this.resumable?.terms(recovered, pos) } })
  }

  #suspend(reason: CloseReason): void {
    this.#state = 'suspended'
    // It is in the journal.
    this.waiting = undefined
    this.dispatch.unpause()
    this.subscriber?.end()
    this.route.rooms.absent(this, true)
    this.resumable?.suspend(reason)
    this.lifecycle.suspended(reason)
  }

  /** The line has ended for good, or nobody has come back. */
  end(reason: CloseReason): void {
    this.#state = 'closed'
    this.waiting = undefined
    this.resumable?.end()
    this.abandonRequests()
    this.subscriber?.end()
    // Nobody comes back to a session that is over: where no user is known behind it, there is nobody to wait for.
    this.route.rooms.exit(this, !isOnPurpose(reason.code) && this.identity?.user !== undefined)
    this.lifecycle.ended(reason)
  }

  #receive(frame: Frame, size: number): void {
    const { resumable } = this
    if (resumable !== undefined && !isNew(this, resumable, frame)) return
    if ('event' in frame) return this.dispatch.arrive(frame, size)
    if ('ping' in frame) return this.sendNow({ pong: frame.ping })
    if ('pong' in frame) return
    receiveAside(this, frame, size)
  }
}
