import { Client } from '../client/client.ts'
import type { ClientOptions, ClientState, StateChanges } from '../client/mod.ts'
import type { CloseReason } from '../protocol/close.ts'
import type { Codec, Payload } from '../protocol/codec.ts'
import { PartylineError } from '../protocol/error.ts'
import { type AnyEvent, type EmitArgs, type EventDescriptor, nameOf, type Schema } from '../protocol/event.ts'
import { argsOf, type EventFrame, type Frame } from '../protocol/frame.ts'
import { type Circumstances, failureOf } from './failure.ts'
import { difference, type Expected } from './match.ts'
import type { Network } from './network.ts'
import { show } from './show.ts'
import { type Dial, type Tap, webSocketOn } from './socket.ts'
import { until } from './turn.ts'

/** What an event carries, as `expectEvent` sees it: its data, or the list of its arguments where it has not exactly one. */
export type Carried<E extends AnyEvent> =
  E extends EventDescriptor<string, infer Shape>
    ? Shape['args'] extends Schema
      ? EmitArgs<E>
      : EmitArgs<E>[0]
    : unknown

/** An event that has arrived. */
export interface Arrival {
  readonly event: string
  readonly args: readonly unknown[]
}

/** Something that the client reported: an emit that the server refused, what a callback threw. */
export interface Report {
  readonly error: unknown
  readonly event: string | undefined
}

/** What a client in a test is made of. */
export interface ClientParts {
  readonly circumstances: Circumstances
  readonly network: Network
  readonly dial: Dial
  readonly url: string
  readonly codec: Codec
  readonly options: ClientOptions
  /** How long to wait for what the outside world does, in milliseconds of real time. */
  readonly patience: number
}

interface Change {
  readonly state: ClientState
  readonly what: unknown
}

/** The client of `partyline/client` in memory, which can be told what to expect. Made by `app.connect`. */
export class TestClient extends Client {
  /** By which it is called in messages. */
  readonly name: string
  /** Its own way to the app, with what can go wrong on it. */
  readonly network: Network
  readonly #circumstances: Circumstances
  readonly #patience: number
  readonly #heard = new Set<string>()
  readonly #events: Arrival[] = []
  readonly #errors: Report[] = []
  readonly #changes: Change[] = []
  /** The event that is being told. */
  #current: EventFrame | undefined
  #closed: CloseReason | undefined

  constructor({ circumstances, network, dial, url, codec, options, patience }: ClientParts) {
    const reports: Report[] = []
    let tap: Tap = (_, tell) => tell()
    super(url, {
      ...options,
      onError(error, { event }) {
        reports.push({ error, event })
        options.onError?.(error, { event })
      },
      WebSocket: webSocketOn(dial, (payload, tell) => tap(payload, tell)),
    })
    this.name = circumstances.name
    this.network = network
    this.#circumstances = circumstances
    this.#patience = patience
    this.#errors = reports
    tap = (payload, tell) => this.#hear(codec, payload, tell)
    for (const state of STATES) this.when(state, (what?: unknown) => this.#changes.push({ state, what }))
    this.when('closed', (reason) => {
      this.#closed = reason
    })
  }

  /** How it ended; undefined while it may come back. */
  get closed(): CloseReason | undefined {
    return this.#closed
  }

  /** The events that have arrived and no expectation took, oldest first. */
  get events(): readonly Arrival[] {
    return this.#events
  }

  override off(event: AnyEvent, callback?: (...args: never[]) => unknown): this {
    super.off(event, callback)
    // Its own callback went with the others, and comes back with the next event.
    if (callback === undefined) this.#heard.delete(nameOf(event))
    return this
  }

  /**
   * Takes the oldest event of that name that has arrived, or arrives without time passing, and returns what it carries.
   * Events of other names stay for other expectations.
   *
   * @param expected what it carries; in any place of it may stand a function that checks what is there.
   * @throws Error that says what came in its place, where none came, or its data is not as expected.
   *
   * @example
   * ```ts no-run
   * import type { TestClient } from 'partyline/testing'
   *
   * declare const ann: TestClient
   *
   * await ann.expectEvent('joined', { user: 'Ann', at: Number.isInteger })
   * ```
   */
  async expectEvent<E extends EventDescriptor>(event: E, expected?: Expected<Carried<E>>): Promise<Carried<E>>
  async expectEvent<T = unknown>(event: string, expected?: Expected<T>): Promise<T>
  async expectEvent(event: AnyEvent, ...expected: unknown[]): Promise<unknown> {
    const name = nameOf(event)
    const failure = failureOf(this.expectEvent, this.#circumstances)
    const wanted = `expected ${this.name} to receive "${name}"${expected.length > 0 ? ` with ${show(expected[0])}` : ''}`
    const found = await this.#find(this.#events, (one) => one.event === name)
    if (found === undefined) throw failure(`${wanted}, and it did not come`, this.#untaken())
    const data = carriedBy(event, found)
    const fault = expected.length > 0 ? difference(expected[0], data) : undefined
    if (fault !== undefined) throw failure(`${wanted}, and got ${show(data)}: ${fault}`, this.#untaken())
    return data
  }

  /**
   * Makes sure that nothing has come by now that no expectation took: no event (but for requests, which have handlers), or
   * none of that name; and without a name, nothing that the client reported.
   *
   * @throws Error that says what came.
   */
  async expectNothing(event?: AnyEvent): Promise<void> {
    const failure = failureOf(this.expectNothing, this.#circumstances)
    await until(() => false, 0)
    const untaken = this.#untaken(event && nameOf(event))
    const what = event === undefined ? 'nothing' : `no "${nameOf(event)}"`
    if (untaken.length > 0)
      throw failure(`expected ${this.name} to receive ${what}, and something came`, untaken)
  }

  /**
   * Takes the oldest change to that state, with those to others before it, and returns what was told with it, as to
   * `when`. The first `open` was taken by `app.connect`.
   *
   * @throws Error where there was none, or it is not as expected.
   */
  async expectState<S extends keyof StateChanges>(
    state: S,
    ...expected: [] | [Expected<Partial<StateChanges[S][0]>>]
  ): Promise<StateChanges[S][0]> {
    const failure = failureOf(this.expectState, this.#circumstances)
    const wanted = `expected ${this.name} to become ${state}${expected.length > 0 ? ` with ${show(expected[0])}` : ''}`
    const isThere = (): boolean => this.#changes.some((one) => one.state === state)
    if (!(await until(isThere, this.#patience))) throw failure(`${wanted}, and it is ${this.state}`)
    let change: Change | undefined
    do change = this.#changes.shift()
    while (change?.state !== state)
    const { what } = change
    const fault = expected.length > 0 ? difference(expected[0], pick(what, expected[0])) : undefined
    if (fault !== undefined) throw failure(`${wanted}, and got ${show(what)}: ${fault}`)
    return what as StateChanges[S][0]
  }

  /**
   * Waits until it is closed for good, and returns how.
   *
   * @throws Error where it is not, or by another code.
   */
  async expectClosed(code?: number): Promise<CloseReason> {
    const failure = failureOf(this.expectClosed, this.#circumstances)
    const wanted = `expected ${this.name} to be closed${code === undefined ? '' : ` with ${code}`}`
    await until(() => this.#closed !== undefined, this.#patience)
    if (this.#closed === undefined) throw failure(`${wanted}, and it is ${this.state}`)
    if (code !== undefined && this.#closed.code !== code)
      throw failure(`${wanted}, and it was with ${this.#closed.code} ${this.#closed.reason}`)
    return this.#closed
  }

  /**
   * Takes the oldest error that the client reported to `onError`: an emit that the server refused, what a callback threw.
   *
   * @throws Error where there was none, or it has another code.
   */
  async expectError(code?: string): Promise<unknown> {
    const failure = failureOf(this.expectError, this.#circumstances)
    const wanted = `expected ${this.name} to report an error${code === undefined ? '' : ` ${code}`}`
    const found = await this.#find(this.#errors, () => true)
    if (found === undefined) throw failure(`${wanted}, and there was none`, this.#untaken())
    const { error } = found
    if (code !== undefined && !(error instanceof PartylineError && error.code === code))
      throw failure(`${wanted}, and got ${reportText(found)}`, this.#untaken())
    return error
  }

  async #find<T>(list: T[], isWanted: (one: T) => boolean): Promise<T | undefined> {
    await until(() => list.some(isWanted), this.#patience)
    const index = list.findIndex(isWanted)
    return index < 0 ? undefined : list.splice(index, 1)[0]
  }

  /** Listens to an event before it is told, since a client has no callback for all of them. */
  #hear(codec: Codec, payload: Payload, tell: () => void): void {
    let frame: Frame | undefined
    try {
      frame = codec.decode(payload)
    } catch {
      // The client itself will report it.
    }
    if (frame !== undefined && 'event' in frame) {
      this.#current = frame
      this.#listen(frame.event)
    }
    tell()
    this.#current = undefined
  }

  #listen(event: string): void {
    if (this.#heard.has(event)) return
    this.#heard.add(event)
    this.on(event, () => {
      const frame = this.#current
      // What is handled needs no expectation; the server waits for its answer.
      if (frame !== undefined && frame.id === undefined) this.#events.push({ event, args: argsOf(frame) })
    })
  }

  /** What nobody took, in words. */
  #untaken(event?: string): string[] {
    const events = this.#events.filter((one) => event === undefined || one.event === event)
    return [
      ...events.map((one) => `"${one.event}" with ${show(carriedBy(one.event, one))}`),
      ...(event === undefined ? this.#errors.map(reportText) : []),
    ]
  }
}

const STATES: readonly (keyof StateChanges)[] = ['open', 'reconnecting', 'suspended', 'closed']

function carriedBy(event: AnyEvent, { args }: Arrival): unknown {
  const isList = typeof event !== 'string' && event.shape.args !== undefined
  return isList || args.length > 1 ? args : args[0]
}

/** The members that were asked for. */
function pick(value: unknown, like: unknown): unknown {
  if (typeof value !== 'object' || value === null || typeof like !== 'object' || like === null) return value
  return Object.fromEntries(Object.keys(like).map((key) => [key, (value as Record<string, unknown>)[key]]))
}

function reportText({ error, event }: Report): string {
  const what = error instanceof PartylineError ? `${error.code}: ${error.message}` : show(error)
  return `the error ${what}${event === undefined ? '' : `, of "${event}"`}`
}
