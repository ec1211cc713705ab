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

/** The heartbeats of a server's sessions: they share their timers, of which one for each session would be large to keep. */
export class Heartbeats {
  readonly rules: EngineRules
  readonly clock: Clock
  /** Those that are to ping. */
  readonly resting: Queue
  /** Those that wait for a pong. */
  readonly waiting: Queue

  constructor(rules: EngineRules, clock: Clock) {
    this.rules = rules
    this.clock = clock
    this.resting = new Queue(clock)
    this.waiting = new Queue(clock)
  }
}

/** Pings the client, and ends the session where no pong comes (section "Heartbeat"). */
export class Heartbeat {
  readonly #session: Beating
  readonly #all: Heartbeats
  /** When it is to ping, or the pong is to be there. */
  due = 0
  /** Until when who has not come for the ping may come for it. */
  #deadline = 0
  #awaitsPong = false
  /** Whether anything has come since the ping. */
  #heard = false

  constructor(session: Beating, all: Heartbeats) {
    this.#session = session
    this.#all = all
  }

  start(): void {
    this.#rest()
  }

  stop(): void {
    this.#all.resting.delete(this)
    this.#all.waiting.delete(this)
  }

  /** Something came, of whatever type. */
  heard(): void {
    this.#heard = true
  }

  ponged(): void {
    if (!this.#awaitsPong) return
    this.#awaitsPong = false
    this.#rest()
  }

  /**
   * Who comes too late has come too late, though the timer is late as well.
   *
   * @param isUntaken whether the ping still waits for the client to come for it
   */
  check(isUntaken: boolean): void {
    const due = isUntaken ? this.#deadline : this.due
    if (this.#awaitsPong && this.#all.clock.now() >= due) this.beat()
  }

  /** It is due. */
  beat(): void {
    const { clock, rules, waiting } = this.#all
    const { pingTimeout } = rules
    // Where nothing is read, or something else came, the pong may stand behind it.
    if (this.#awaitsPong && !this.#heard && !this.#session.isPaused) {
      const { code } = closeCodes.heartbeatLost
      return this.#session.fail({ cause: 'ping timeout', code, reason: 'no pong came' })
    }
    this.#heard = false
    // The client counts from the beginning: timers that are a little late do not add up. Who gets the ping late has nearly all the
    // time to answer it; who has not come for it was not waiting, and is not let in because this server was busy.
    const now = clock.now()
    const late = Math.max(0, now - this.due)
    this.#deadline = now + pingTimeout - Math.min(late, pingTimeout / 2)
    this.#enter(waiting, now + pingTimeout - Math.min(late, pingTimeout / 10))
    if (this.#awaitsPong) return
    this.#awaitsPong = true
    this.#session.sendPacket(packets.ping)
  }

  #rest(): void {
    const { clock, resting, rules } = this.#all
    this.#enter(resting, clock.now() + rules.pingInterval)
  }

  #enter(queue: Queue, due: number): void {
    this.stop()
    this.due = due
    queue.add(this)
  }
}

/**
 * Heartbeats in the order in which they fall due, which is that in which they come, since all are there for the same time. Where one is
 * there for a little less than those before it, it waits for them.
 */
class Queue {
  readonly #clock: Clock
  readonly #all = new Set<Heartbeat>()
  /** For the first of them. */
  #timer: unknown

  constructor(clock: Clock) {
    this.#clock = clock
  }

  add(one: Heartbeat): void {
    this.#all.add(one)
    if (this.#all.size === 1) this.#wait()
  }

  delete(one: Heartbeat): void {
    // Where others are left the timer finds nothing due, and waits for those.
    if (!this.#all.delete(one) || this.#all.size > 0) return
    this.#clock.clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #wait(): void {
    const [first] = this.#all
    if (first === undefined) return
    this.#timer ??= this.#clock.setTimeout(() => this.#look(), first.due - this.#clock.now())
  }

  #look(): void {
    this.#timer = undefined
    const now = this.#clock.now()
    for (const one of this.#all) {
      if (one.due > now) break
      one.beat()
    }
    this.#wait()
  }
}
