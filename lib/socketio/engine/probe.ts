import type { Clock } from '../../protocol/clock.ts'
import { closeCodes } from '../../protocol/close.ts'
import { unwanted, type WebSocketLine } from './line.ts'
import type { EngineRules } from './options.ts'
import { type Packet, PROBE_PING, PROBE_PONG, packets } from './packet.ts'
import type { Receiver } from './transport.ts'

/** What a probe needs of the session. */
export interface Probed {
  /** The probe has come, and was answered. */
  probed(): void
  upgrade(line: WebSocketLine): void
  probeLost(probe: Probe): void
}

/** A WebSocket that may take over from polling, and not for long (section "Upgrade"). */
export class Probe implements Receiver {
  readonly #line: WebSocketLine
  readonly #session: Probed
  readonly #clock: Clock
  readonly #timer: unknown
  #isAnswered = false

  constructor(line: WebSocketLine, session: Probed, { upgradeTimeout }: EngineRules, clock: Clock) {
    this.#line = line
    this.#session = session
    this.#clock = clock
    const late = (): void => this.end(closeCodes.policy.code, 'the upgrade took too long')
    this.#timer = clock.setTimeout(late, upgradeTimeout)
  }

  receive(packet: Packet): void {
    if (packet === packets.upgrade) {
      this.#clock.clearTimeout(this.#timer)
      this.#session.upgrade(this.#line)
    } else if (packet === PROBE_PING && !this.#isAnswered) {
      this.#isAnswered = true
      this.#line.send(PROBE_PONG)
      this.#session.probed()
    } else this.end(1002, 'neither a probe nor an upgrade')
  }

  lost(): void {
    this.#clock.clearTimeout(this.#timer)
    this.#session.probeLost(this)
  }

  /** Gives it up. */
  end(code: number, reason: string): void {
    this.#line.becomes(unwanted)
    this.#line.close(code, reason)
    this.lost()
  }
}
