import type { CloseReason } from '../protocol/close.ts'
import type { Codec, Payload } from '../protocol/codec.ts'
import type { Hello, PositionedFrame } from '../protocol/frame.ts'
import { checkSize } from './buffer.ts'
import type { Clock } from './clock.ts'
import { Journal } from './journal.ts'
import { positioned } from './log.ts'
import type { Recovery } from './recovery.ts'
import type { Session } from './session.ts'

/** How a line ends whose client may come back; after any other end the session is over (docs/protocol.md). */
const MAY_RETURN: ReadonlySet<number> = new Set([1006, 1008, 1011, 1012, 1013, 1014, 4408])

/** Whether a client may come back after its line ended so. */
export function mayReturn(code: number): boolean {
  return MAY_RETURN.has(code)
}

/** What lets one session outlive its line: what it sent and received, by what it is known again, and for how long. */
export class Resumable {
  readonly journal: Journal
  readonly #recovery: Recovery
  readonly #session: Session
  readonly #clock: Clock
  /** The one told last, and the one used last until the client is heard of: the hello may not have reached it. */
  #tokens: string[] = []
  #expiry: unknown
  /** How its last line ended. */
  #broken: CloseReason | undefined

  constructor(session: Session, recovery: Recovery) {
    this.journal = new Journal(session.id, session.codecIndex, recovery)
    this.#recovery = recovery
    this.#session = session
    this.#clock = session.shared.clock
  }

  /** What a hello says of it; `recovered` is undefined where nobody asked. */
  terms(recovered: boolean | undefined, pos: number): Partial<Hello> {
    const token = this.#recovery.issue(this.#session)
    this.#tokens.push(token)
    return {
      recovery: { token, window: this.#recovery.window, pos },
      recovered,
      received: recovered ? this.journal.received : undefined,
    }
  }

  /** The client has its latest token, since it has something to say: the one before is void. */
  confirm(): void {
    if (this.#tokens.length > 1) this.#keepOnly(this.#tokens.at(-1))
  }

  /** A frame as it is sent, under a position, and kept until the client has it. */
  write(frame: PositionedFrame, codec: Codec, buffer: number): Payload {
    const payload = positioned(this.#recovery.log, (pos) => {
      frame.pos = pos
      return codec.encode(frame)
    })
    checkSize(payload, buffer)
    this.journal.keep(frame.pos as number, payload)
    return payload
  }

  /** Waits for the client, and ends the session where it does not come. */
  suspend(reason: CloseReason): void {
    this.#broken = reason
    this.#session.shared.watch.forget(this.#session)
    this.#recovery.suspended.add(this.#session)
    this.#expiry = this.#clock.setTimeout(() => this.expire(), this.#recovery.window)
  }

  /** The client is back. It has no other token than the one that it used: who never says anything keeps no more than two. */
  resume(pos: number, token: string): void {
    this.#awake()
    this.#keepOnly(token)
    this.journal.acknowledge(pos)
  }

  /** Ends a session whose client has not come back, or cannot. */
  expire(): void {
    if (!this.#recovery.suspended.has(this.#session)) return
    this.#recovery.count('sessionsExpired')
    this.#session.end(this.#broken ?? { code: 1006, reason: '' })
  }

  end(): void {
    this.#awake()
    this.#keepOnly(undefined)
    this.journal.end()
  }

  #keepOnly(token: string | undefined): void {
    for (const one of this.#tokens) if (one !== token) this.#recovery.revoke(one)
    this.#tokens = token === undefined ? [] : [token]
  }

  #awake(): void {
    this.#recovery.suspended.delete(this.#session)
    this.#clock.clearTimeout(this.#expiry)
  }
}
