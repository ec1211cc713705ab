import type { Clock } from '../../protocol/clock.ts'
import { closeCodes } from '../../protocol/close.ts'
import type { EngineRules } from './options.ts'
import { type Packet, packets } from './packet.ts'
import type { EngineEnd } from './transport.ts'

/** What the heartbeat needs of its session. */
export interface Beating {
  /** Whether nothing is read, and so no pong either. */
  readonly isPaused: boolean
  sendPacket(packet: Packet): boolean
  fail(end: EngineEnd): void
}

/** Pings the client, and ends the session where no pong comes (section "Heartbeat"). */
export class Heartbeat {
  readonly #session: Beating
  readonly #rules: EngineRules
  readonly #clock: Clock
  /** To ping, or for the pong. */
  #timer: unknown
  /** When that is. */
  #due = 0
  /** Until when who has not come for the ping may come for it. */
  #deadline = 0
  #awaitsPong = false
  /** Whether anything has come since the ping. */
  #heard = false

  constructor(session: Beating, rules: EngineRules, clock: Clock) {
    this.#session = session
    this.#rules = rules
    this.#clock = clock
  }

  start(): void {
    this.#arm(this.#rules.pingInterval)
  }

  stop(): void {
    this.#clock.clearTimeout(this.#timer)
  }

  /** Something came, of whatever type. */
  heard(): void {
    this.#heard = true
  }

  ponged(): void {
    if (!this.#awaitsPong) return
    this.#awaitsPong = false
    this.#arm(this.#rules.pingInterval)
  }

  /**
   * Who comes too late has come too late, though the timer is late as well.
   *
   * @param isUntaken whether the ping still waits for the client to come for it
   */
  check(isUntaken: boolean): void {
    const due = isUntaken ? this.#deadline : this.#due
    if (this.#awaitsPong && this.#clock.now() >= due) this.#beat()
  }

  readonly #beat = (): void => {
    const { pingTimeout } = this.#rules
    // Where nothing is read, or something else came, the pong may stand behind it.
    if (this.#awaitsPong && !this.#heard && !this.#session.isPaused) {
      const { code } = closeCodes.heartbeatLost
      return this.#session.fail({ cause: 'ping timeout', code, reason: 'no pong came' })
    }
    this.#heard = false
    // The client counts from the beginning: timers that are a little late do not add up. Who gets the ping late has nearly all the
    // time to answer it; who has not come for it was not waiting, and is not let in because this server was busy.
    const now = this.#clock.now()
    const late = Math.max(0, now - this.#due)
    this.#deadline = now + pingTimeout - Math.min(late, pingTimeout / 2)
    this.#arm(pingTimeout - Math.min(late, pingTimeout / 10))
    if (this.#awaitsPong) return
    this.#awaitsPong = true
    this.#session.sendPacket(packets.ping)
  }

  #arm(milliseconds: number): void {
    this.stop()
    this.#due = this.#clock.now() + milliseconds
    this.#timer = this.#clock.setTimeout(this.#beat, milliseconds)
  }
}
