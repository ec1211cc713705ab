import { type CloseReason, closeCodes } from '../protocol/close.ts'
import type { Payload } from '../protocol/codec.ts'
import { addressOf } from './address.ts'
import { Backoff } from './backoff.ts'
import { Heartbeat } from './heartbeat.ts'
import { BROKEN, Line } from './line.ts'
import type { Finder, Settings } from './options.ts'
import type { ClientState, StateChanges } from './state.ts'
import { Timer } from './timer.ts'
import { isOffline, onWake } from './wake.ts'

/** What somebody who has a dialer hears from it. */
export interface DialerListener {
  /** Subprotocols to offer beside the codec's, asked for each attempt. */
  offer(): string[]
  message(message: Payload): void
  /** There is no line any more, or still none. */
  lost(): void
  /** Asks the other side for a sign of life. */
  ping(): void
  changed<S extends Exclude<keyof StateChanges, 'open'>>(state: S, ...change: StateChanges[S]): void
}

/** Sees to it that there is a line: dials, notices when a line is lost, and dials again unless it was told not to. */
export class Dialer {
  readonly #url: Finder<string | URL>
  readonly #settings: Settings
  readonly #listener: DialerListener
  readonly #backoff: Backoff
  readonly #asleep: () => void
  state: ClientState = 'connecting'
  line: Line | undefined
  #heartbeat: Heartbeat | undefined
  #openedAt = 0
  /** For the next attempt, or for the end of this one. */
  readonly #timer: Timer
  /** Why there is no line, while no attempt is under way. */
  #reason: CloseReason | undefined
  /** Of the attempts; what comes late for one that was given up is not taken for another's. */
  #number = 0

  constructor(url: Finder<string | URL>, settings: Settings, listener: DialerListener) {
    if (typeof url !== 'function') addressOf(url)
    this.#url = url
    this.#settings = settings
    this.#listener = listener
    this.#timer = new Timer(settings.clock)
    this.#backoff = new Backoff(settings.backoff, settings.random)
    this.#asleep = onWake(() => this.#wake())
    void this.#dial()
  }

  /** The other side has said hello, and how often it wants to be heard. */
  opened(interval: number): void {
    const { clock } = this.#settings
    this.#timer.stop()
    this.state = 'open'
    this.#openedAt = clock.now()
    if (interval > 0) {
      const dead = (): void => this.#giveUp('heartbeat lost')
      this.#heartbeat = new Heartbeat(clock, interval, () => this.#listener.ping(), dead)
    }
  }

  /** @throws what the platform throws for a code or reason that cannot be sent; then nothing has happened. */
  close(code: number, reason: string): void {
    if (this.state === 'closed') return
    this.line?.close(code, reason)
    this.#clear()
    this.#finish({ code, reason })
  }

  async #dial(): Promise<void> {
    const { connectTimeout = 10_000, subprotocol, token, WebSocket } = this.#settings
    const number = ++this.#number
    const isCurrent = (): boolean => number === this.#number
    this.#reason = undefined
    this.#timer.start(connectTimeout, () => this.#giveUp('no hello in time'))
    try {
      // Without a promise where there is nothing to wait for.
      const url = typeof this.#url === 'function' ? await this.#url() : this.#url
      const bearer = typeof token === 'function' ? await token() : token
      if (!isCurrent()) return
      const protocols = [subprotocol, ...this.#listener.offer()]
      if (bearer) protocols.push(`partyline.bearer.${bearer}`)
      this.line = new Line(new WebSocket(addressOf(url), protocols), {
        message: (message) => {
          this.#heartbeat?.heard()
          this.#listener.message(message)
        },
        ended: (reason) => this.#lost(reason),
      })
    } catch (error) {
      if (!isCurrent()) return
      this.#settings.report(error)
      this.#lost({ code: BROKEN, reason: String(error) })
    }
  }

  /** Nothing was heard for too long. */
  #giveUp(reason: string): void {
    const { code } = closeCodes.heartbeatLost
    this.line?.close(code, reason)
    this.#lost({ code, reason })
  }

  #lost(reason: CloseReason): void {
    const { clock } = this.#settings
    if (this.state === 'open') this.#backoff.lasted(clock.now() - this.#openedAt)
    this.#clear()
    if (comesBack(reason.code)) this.#retry(reason)
    else this.#finish(reason)
  }

  #retry(reason: CloseReason, isNow = false): void {
    this.#reason = reason
    if (isOffline()) {
      if (this.state === 'suspended') return
      return this.#become('suspended')
    }
    // An attempt that begins now is under way: whoever else wakes it finds nothing to wake.
    if (isNow) this.#reason = undefined
    const chance = this.#backoff.next()
    const delay = isNow ? 0 : chance
    const { attempt } = this.#backoff
    this.#timer.start(delay, () => {
      if (isOffline()) this.#retry(reason)
      else void this.#dial()
    })
    this.#become('reconnecting', { attempt, reason, delay })
  }

  #wake(): void {
    this.#heartbeat?.wake()
    const reason = this.#reason
    if (reason === undefined) return
    this.#backoff.attempt = 0
    this.#retry(reason, true)
  }

  #finish(reason: CloseReason): void {
    this.#asleep()
    this.#become('closed', reason)
  }

  #become<S extends Exclude<keyof StateChanges, 'open'>>(state: S, ...change: StateChanges[S]): void {
    this.state = state
    this.#listener.changed(state, ...change)
  }

  /** Nothing of what was under way goes on. */
  #clear(): void {
    this.#number++
    this.#timer.stop()
    this.#heartbeat?.stop()
    this.#heartbeat = this.line = this.#reason = undefined
    this.#listener.lost()
  }
}

/** Whether to come back after a close code: as the table says, and where nobody chose the code; else somebody meant it. */
function comesBack(code: number): boolean {
  const known = Object.values(closeCodes).find((one) => one.code === code)
  return known?.reconnect ?? UNCHOSEN.includes(code)
}

/** They stand in no close frame, but for 1014, which is a proxy's. */
const UNCHOSEN: readonly number[] = [1005, BROKEN, 1014, 1015]
