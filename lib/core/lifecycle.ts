import type { Container } from '../container/mod.ts'
import { type CloseReason, closeCodes } from '../protocol/close.ts'
import { inTime } from './deadline.ts'
import type { Dispatch } from './dispatch.ts'
import type { Method } from './handler.ts'
import type { Session } from './session.ts'
import { isThenable } from './thenable.ts'

/** How often `@OnSuspend` and `@OnResume` may be called before those called first are done. */
const MOST = 32

/**
 * A session as its gateway lives through it: what is built for it, `@OnOpen`, `@OnSuspend` and `@OnResume` as often as its line
 * breaks and comes back, `@OnClose`, and the end of what was built. One after another, whatever takes its time.
 */
export class Lifecycle {
  readonly #session: Session
  readonly #dispatch: Dispatch
  #container: Container | undefined
  /** Whether the gateway is there: what was never handed to it needs no `@OnClose`. */
  #isWelcome = false
  /** Whether the end waits for no handlers any more; and what ends that wait, while it lasts. */
  #isHurried = false
  #giveUp: (() => void) | undefined
  #whenEnded: (() => void)[] | undefined
  /** While the gateway is built and `@OnOpen` runs. */
  #welcoming: Promise<void> | undefined
  /** What happened last, while it has not finished. */
  #latest: Promise<void> | undefined
  /** How much has happened that has not finished. */
  #unfinished = 0

  constructor(session: Session, dispatch: Dispatch) {
    this.#session = session
    this.#dispatch = dispatch
  }

  /** What is built for this session alone; where each event has a gateway, that is built in it. */
  get container(): Container | undefined {
    return this.#container
  }

  /** Builds what serves it, and calls `@OnOpen`, unless another node has done that. */
  welcome(isNew = true): void {
    this.#welcoming = this.#welcome(isNew).then(() => {
      this.#welcoming = undefined
    })
  }

  /** Waits only where a factory or `@OnOpen` does. Never rejects. */
  async #welcome(isNew: boolean): Promise<void> {
    const session = this.#session
    const { instances, handlers } = session.route
    let failure = 'what lives for the connection failed to build'
    try {
      // Kept before it is filled: what was built is disposed of at the end, though the rest fails.
      this.#container = instances.connect(session.socket)
      const building = instances.prepare(this.#container)
      if (building !== undefined) await building
      if (session.isLive) {
        session.gateway = instances.of(this.#container)
        this.#isWelcome = true
        session.shared.signals.connected(session.socket)
        failure = '@OnOpen failed'
        const opened = isNew && handlers.open && session.invoke(handlers.open, [])
        if (isThenable(opened)) await opened
      }
    } catch (error) {
      session.log(error, failure)
      session.close(closeCodes.internal.code, 'the server failed')
    }
    // Gone before it was welcome: nothing of it is handled, as no `@OnClose` will follow.
    if (!this.#isWelcome) this.#dispatch.abandon()
    this.#dispatch.ready()
  }

  /** The line has broken, and may come back. */
  suspended(reason: CloseReason): void {
    this.#next(() => this.#tellLater('@OnSuspend', this.#session.route.handlers.suspend, [reason]))
  }

  /** The client is back; its events wait until `@OnResume` is done. */
  resumed(): void {
    if (this.#session.route.handlers.resume === undefined) return
    this.#dispatch.hold()
    this.#next(async () => {
      await this.#tellLater('@OnResume', this.#session.route.handlers.resume, [])
      this.#dispatch.ready()
    })
  }

  /** Whether so much has happened to it that the gateway does not keep up: whose line breaks all the time, and comes back. */
  get isBehind(): boolean {
    return this.#unfinished > MOST
  }

  /** Resolves when all that has happened to it is finished. */
  async untilSettled(): Promise<void> {
    while (this.#unfinished > 0) await this.#latest
  }

  get isSettled(): boolean {
    return this.#unfinished === 0 && this.#welcoming === undefined
  }

  /** Another node has it: what was built for it ends, and `@OnClose` is not called. */
  moved(reason: CloseReason): void {
    this.#next(() => this.#end(reason, false))
  }

  /** Nobody comes any more: `@OnClose`, after the events that came before the end, unless one does not come to its own. */
  ended(reason: CloseReason): void {
    this.#next(() => this.#end(reason, true))
  }

  /** Leaves handlers behind that have not finished, so that `@OnClose` can come: the app that goes away waits no more. */
  hurry(): void {
    this.#isHurried = true
    this.#giveUp?.()
  }

  /** Resolves when `@OnClose` has finished. */
  untilEnded(): Promise<void> {
    if (!this.#session.shared.sessions.has(this.#session)) return Promise.resolve()
    return new Promise((resolve) => {
      this.#whenEnded = [...(this.#whenEnded ?? []), resolve]
    })
  }

  async #end(reason: CloseReason, isOver: boolean): Promise<void> {
    const session = this.#session
    if (!this.#dispatch.isIdle) await this.#inTime(this.#untilHandled())
    this.#dispatch.abandon()
    if (this.#isWelcome) {
      if (isOver) await this.#tell('@OnClose', session.route.handlers.close, [reason])
      session.shared.signals.disconnected(session.socket, reason)
    }
    await this.#container
      ?.dispose()
      .catch((error) => session.log(error, 'what lived for the connection failed to dispose'))
    session.shared.sessions.delete(session)
    for (const resolve of this.#whenEnded ?? []) resolve()
  }

  /** As `#tell`, after `@OnOpen`, unless that does not come to its end. */
  async #tellLater(name: string, method: Method | undefined, args: readonly unknown[]): Promise<void> {
    if (this.#welcoming !== undefined) await this.#inTime(this.#welcoming)
    await this.#tell(name, method, args)
  }

  /** Calls a method of the gateway, and waits for it, but not for ever. Never rejects. */
  async #tell(name: string, method: Method | undefined, args: readonly unknown[]): Promise<void> {
    if (method === undefined || !this.#isWelcome) return
    const session = this.#session
    try {
      const result = session.invoke(method, args)
      if (isThenable(result) && !(await this.#inTime(result)))
        session.log(new Error('it took too long'), `${name} did not end`)
    } catch (error) {
      session.log(error, `${name} failed`)
    }
  }

  /** Begins a task in a turn of its own, or when the one before has finished: what caused it comes to its end first. */
  #next(task: () => Promise<void>): void {
    this.#unfinished++
    const latest = (this.#latest ?? Promise.resolve()).then(task).then(() => {
      this.#unfinished--
      if (this.#latest === latest) this.#latest = undefined
    })
    this.#latest = latest
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
    const { clock, limits } = this.#session.shared
    return inTime(task, clock, limits.farewell)
  }
}
