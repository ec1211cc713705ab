import type { Payload } from '../protocol/codec.ts'
import { PartylineError } from '../protocol/error.ts'
import {
  type AnyEvent,
  argsOfCall,
  type EmitArgs,
  type EventDescriptor,
  nameOf,
  type Reply,
} from '../protocol/event.ts'
import {
  type AckFrame,
  argsOf,
  type EventFrame,
  eventFrame,
  type FailureFrame,
  type Frame,
  type Hello,
} from '../protocol/frame.ts'
import type { Beside } from './beside.ts'
import { type CallArgs, Calls } from './calls.ts'
import { Dialer } from './dialer.ts'
import { type Callback, Listeners } from './listeners.ts'
import { type ClientOptions, type Finder, type Settings, settingsFrom } from './options.ts'
import { Outbox } from './outbox.ts'
import { Receipts } from './receipts.ts'
import { Requests } from './requests.ts'
import { Session } from './session.ts'
import type { ClientState, StateChanges } from './state.ts'

/** Sends what is worthless later. */
export interface Volatile {
  /** Sends an event if there is a line now, and drops it if not. Throws only for data that cannot be sent. */
  emit<E extends AnyEvent>(event: E, ...args: EmitArgs<E>): Client
}

/**
 * Connects to a gateway, and stays connected: when the line is lost the client comes back by itself, until `close()` or
 * until the server says that it need not. It can be used at once; what is sent before there is a line waits for it.
 *
 * @param url of ws, wss, http or https; in a browser a path will do. A function is asked for each attempt, for tickets
 * that are good once.
 * @throws TypeError for a url that leads nowhere.
 *
 * @example
 * ```ts no-run
 * import { connect, event } from 'partyline/client'
 * import { z } from 'zod'
 *
 * const said = event('said', { data: z.object({ who: z.string(), text: z.string() }) })
 *
 * const chat = connect('ws://localhost:3000/chat')
 * chat.when('open', ({ recovered }) => recovered || chat.emit('enter', 'lobby'))
 * chat.on(said, ({ who, text }) => console.log(`${who}: ${text}`))
 * ```
 */
export function connect(url: Finder<string | URL>, options: ClientOptions = {}): Client {
  return new Client(url, options)
}

/**
 * A client of one gateway, over as many lines as it takes; made by `connect`.
 *
 * @example
 * ```ts
 * import type { Client } from 'partyline/client'
 *
 * export async function take(shop: Client, seat: number): Promise<void> {
 *   shop.handle('confirm', (text: string) => globalThis.confirm?.(text) ?? false)
 *   const ticket = await shop.call('book', seat, { timeout: 5_000 })
 *   shop.emit('thanks', ticket)
 * }
 * ```
 */
export class Client {
  /** Sends what is worthless later: it is dropped while there is no line, and not sent again. */
  readonly volatile: Volatile = {
    emit: (event, ...args) => {
      this.#outbox.pushVolatile(eventFrame(nameOf(event), args))
      return this
    },
  }
  readonly #settings: Settings
  readonly #outbox: Outbox
  readonly #calls: Calls
  readonly #session: Session
  readonly #requests: Requests
  readonly #events: Listeners
  /** Apart from the events, so that no event that is called `open` is taken for a change of state. */
  readonly #changes: Listeners
  readonly #dialer: Dialer

  constructor(url: Finder<string | URL>, options: ClientOptions) {
    this.#settings = settingsFrom(options)
    const { codec, clock, report } = this.#settings
    this.#outbox = new Outbox(codec, options.queue)
    this.#calls = new Calls(clock, options.timeout)
    const over = () => this.#calls.disconnected((id) => this.#outbox.isWaiting(id))
    const receipts = new Receipts(clock, (received) => this.#send({ received }))
    this.#session = new Session(clock, this.#outbox, receipts, over)
    this.#requests = new Requests(report)
    this.#events = new Listeners(report)
    this.#changes = new Listeners(report)
    this.#dialer = new Dialer(url, this.#settings, {
      offer: () => this.#session.offer(),
      message: (message) => this.#receive(message),
      lost: () => this.#session.suspend(),
      ping: () => this.#send({ ping: 1 }),
      changed: (state, ...change) => {
        if (state === 'closed') {
          this.#session.end()
          this.#calls.disconnected(() => false)
        }
        this.#changes.tell(state, change)
        this.#changes.tell('line', [state])
      },
    })
  }

  /** Where it is now; `when` tells of changes. */
  get state(): ClientState {
    return this.#dialer.state
  }

  /** The id of this client's socket at the server; undefined before the first line, and another for each session. */
  get sid(): string | undefined {
    return this.#session.sid
  }

  /**
   * Calls back for each event of that name, with its arguments; several callbacks in the order in which they came. One
   * that throws, or rejects, holds up no other: `onError` hears of it. What arrives is not validated.
   */
  on<E extends EventDescriptor>(event: E, callback: (...args: EmitArgs<E>) => unknown): this
  on<A extends unknown[]>(event: string, callback: (...args: A) => unknown): this
  on(event: AnyEvent, callback: Callback): this {
    this.#events.add(nameOf(event), callback)
    return this
  }

  /** As `on`, for the next event only. */
  once<E extends EventDescriptor>(event: E, callback: (...args: EmitArgs<E>) => unknown): this
  once<A extends unknown[]>(event: string, callback: (...args: A) => unknown): this
  once(event: AnyEvent, callback: Callback): this {
    this.#events.add(nameOf(event), callback, true)
    return this
  }

  /** Takes a callback of an event away; without one, all of them. */
  off(event: AnyEvent, callback?: Callback): this {
    this.#events.remove(nameOf(event), callback)
    return this
  }

  /**
   * Calls back when that becomes the state: `open` with whether anything is `recovered`, which is the place to load
   * your state; `reconnecting` for each attempt, with why; `suspended`; `closed` with how it ended, which is for ever.
   * No event of the server's is ever taken for one of these.
   */
  when<S extends keyof StateChanges>(state: S, callback: (...change: StateChanges[S]) => unknown): this {
    this.#changes.add(state, callback)
    return this
  }

  /** Takes a callback of `when` away; without one, all of that state. */
  forget<S extends keyof StateChanges>(state: S, callback?: (...change: StateChanges[S]) => unknown): this {
    this.#changes.remove(state, callback)
    return this
  }

  /**
   * Sends an event. Without a line it waits for one, as it is now. In a session that can be resumed it arrives once and in
   * order, or is counted as `lost`; in others, what was sent when the line broke may be lost.
   *
   * @throws PartylineError OVERLOADED where too much waits already (`queue`), DISCONNECTED where the client is closed.
   * @throws TypeError for data that cannot be sent.
   */
  emit<E extends AnyEvent>(event: E, ...args: EmitArgs<E>): this {
    this.#push(eventFrame(nameOf(event), args))
    return this
  }

  /**
   * Sends an event and waits for what the server's handler returns. For an event that is described by `args` the data is
   * the list of them.
   *
   * Always settles. Rejects with the `PartylineError` that the server answered; with `TIMEOUT`; with `DISCONNECTED` where
   * the line went and the session could not be resumed, so that it may have run or not, or where the client was closed;
   * with the signal's reason; and with what `emit` throws.
   */
  call<E extends AnyEvent>(
    event: E,
    ...[data, options]: CallArgs<E>
  ): Promise<E extends EventDescriptor ? Reply<E> : unknown> {
    const name = nameOf(event)
    const frame = eventFrame(name, argsOfCall(event, data))
    const answer = this.#calls.begin(
      name,
      (id) => this.#push({ ...frame, id }),
      (id) => this.#outbox.withdraw(id),
      options,
    )
    return answer as Promise<E extends EventDescriptor ? Reply<E> : unknown>
  }

  /**
   * Answers the server's requests of that name: with what the handler returns, or the `PartylineError` that it throws;
   * anything else that it throws goes to `onError`, and the server learns `INTERNAL`. Another handler takes its place.
   */
  handle<E extends EventDescriptor>(
    event: E,
    handler: (...args: EmitArgs<E>) => Reply<E> | PromiseLike<Reply<E>>,
  ): this
  handle<A extends unknown[]>(event: string, handler: (...args: A) => unknown): this
  handle(event: AnyEvent, handler: Callback): this {
    this.#requests.handle(nameOf(event), handler)
    return this
  }

  /**
   * Ends it for good. What waits for its answer rejects with `DISCONNECTED`; what waits for a line is dropped.
   *
   * @param code 1000, or one of your own from 3000 on.
   */
  close(code = 1000, reason = ''): void {
    this.#dialer.close(code, reason)
  }

  /** Not for apps: what `channels` and `presence` are made of. */
  get '~beside'(): Beside {
    return {
      settings: this.#settings,
      calls: this.#calls,
      outbox: this.#outbox,
      dialer: this.#dialer,
      news: this.#changes,
    }
  }

  #push(frame: EventFrame): void {
    if (this.state === 'closed') throw new PartylineError('DISCONNECTED', 'the client is closed')
    this.#outbox.push(frame)
  }

  /** Sends what belongs to the line alone. */
  #send(frame: Frame): void {
    this.#dialer.line?.send(this.#settings.codec.encode(frame))
  }

  #receive(message: Payload): void {
    let frame: Frame
    try {
      frame = this.#settings.codec.decode(message)
    } catch (error) {
      return this.#settings.report(error)
    }
    const isOpen = this.state === 'open'
    if ('event' in frame || 'ack' in frame || 'error' in frame) {
      if (!isOpen || !this.#session.admits(frame)) return
      if ('event' in frame) this.#hear(frame)
      else this.#settle(frame)
    } else if ('ping' in frame) this.#send({ pong: frame.ping })
    else if ('received' in frame) this.#outbox.acknowledge(frame.received)
    else if (isOpen) this.#changes.tell('frame', [frame])
    else if ('hello' in frame) this.#welcome(frame.hello)
  }

  #welcome(hello: Hello): void {
    const { line } = this.#dialer
    const beginning = this.#session.begin(hello)
    this.#dialer.opened(Number(hello.heartbeat))
    // Whoever comes late by an earlier attempt of ours shows the token before, which this makes void.
    if (beginning.recovered) this.#send({ received: this.#session.last })
    if (line) this.#outbox.attach(line, this.#session.hasPositions)
    this.#changes.tell('open', [beginning])
    this.#changes.tell('line', ['open'])
  }

  #hear(frame: EventFrame): void {
    const { id } = frame
    const session = this.#session.number
    this.#events.tell(frame.event, argsOf(frame))
    if (id === undefined) return
    void this.#requests.answer(frame, id, (answer) => {
      // In the next session it would answer another request of that id.
      if (session === this.#session.number) this.#outbox.push(answer)
    })
  }

  #settle(frame: AckFrame | FailureFrame): void {
    if (!('error' in frame)) return this.#calls.answer(frame.ack, frame.data)
    const { code, message, details, event } = frame.error
    const error = new PartylineError(code, message, details)
    if (frame.ack === undefined) this.#settings.report(error, event)
    else this.#calls.fail(frame.ack, error)
  }
}
