import type { CloseReason } from '../protocol/close.ts'
import type { Codec, Payload } from '../protocol/codec.ts'
import type { Hello, PositionedFrame } from '../protocol/frame.ts'
import { checkSize } from './buffer.ts'
import type { Clock } from './clock.ts'
import { Journal } from './journal.ts'
import { positioned } from './log.ts'
import type { Restored } from './moving.ts'
import { fromWhere, type Recovery } from './recovery.ts'
import { nameOf } from './room-relay.ts'
import type { Session } from './session.ts'
import type { SessionRecord } from './session-record.ts'
import type { SessionState } from './session-state.ts'

/** How a line ends whose client may come back; after any other end the session is over (docs/protocol.md). */
const MAY_RETURN: ReadonlySet<number> = new Set([1006, 1008, 1011, 1012, 1013, 1014, 4408])

/** Whether a client may come back after its line ended so. */
export function mayReturn(code: number): boolean {
  return MAY_RETURN.has(code)
}

/** Whether a line ended so because somebody wanted it to: not because it broke, the page went, or the server. */
export function isOnPurpose(code: number): boolean {
  return !MAY_RETURN.has(code) && code !== 1001 && code !== 1005
}

/** What lets one session outlive its line: what it sent and received, by what it is known again, and for how long. */
export class Resumable {
  readonly journal: Journal
  /** What other nodes are told of it, where there are any. */
  readonly record: SessionRecord | undefined
  readonly #recovery: Recovery
  readonly #session: Session
  readonly #clock: Clock
  /** The one told last, and the one used last until the client is heard of: the hello may not have reached it. */
  #tokens: string[] = []
  #expiry: unknown
  /** How its last line ended. */
  #broken: CloseReason | undefined

  /** `restored` is what another node has told of it. */
  constructor(session: Session, recovery: Recovery, restored?: Restored) {
    this.journal = new Journal(session.id, session.codecIndex, recovery)
    this.#recovery = recovery
    this.#session = session
    this.#clock = session.shared.clock
    const record = recovery.sessions?.record(session, restored)
    this.record = record
    this.journal.changed = record && ((what) => record.changed(what))
    if (restored === undefined) return
    this.#tokens = [restored.token]
    recovery.adopt(restored.token, session)
  }

  /** Goes on where another node was, and waits for the client, as far as is left of its time. */
  restore({ journal, kept }: SessionState): void {
    this.journal.restore(journal, kept)
    this.suspend({ code: 1006, reason: '' })
  }

  /** The position after which its client has missed things, which says that it has everything up to `pos`. */
  from(pos: number | undefined): number {
    return fromWhere(pos, this.journal.begin, this.#session.isLooped)
  }

  get codecName(): string {
    return nameOf(this.#session.route.codecs[this.#session.codecIndex] as Codec)
  }

  /** By which it is known. */
  get tokens(): readonly string[] {
    return this.#tokens
  }

  /** Another for each hello; but clients of dialects know their session by the one that they had first. */
  #token(): string {
    const [first] = this.#tokens
    if (this.#session.isLooped && first !== undefined) return first
    const token = this.#recovery.issue(this.#session)
    this.#tokens.push(token)
    this.record?.changed('terms')
    return token
  }

  /** What a hello says of it; `recovered` is undefined where nobody asked. */
  terms(recovered: boolean | undefined, pos: number): Partial<Hello> {
    const token = this.#token()
    return {
      recovery: { token, window: this.#recovery.window, pos },
      recovered,
      received: recovered ? this.journal.received : undefined,
    }
  }

  /**
   * Something comes from the client. It has its latest token, then, so that the one before is void. False where it must not be heard,
   * since another node may have the session by now.
   */
  hears(): boolean {
    if (this.record !== undefined && this.#recovery.sessions?.isAwake() === false) return false
    if (this.#tokens.length > 1) this.#keepOnly(this.#tokens.at(-1))
    return true
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
    this.#forget()
    this.record?.end()
  }

  /** Another node has it. */
  moved(): void {
    this.#forget()
    this.record?.forget()
  }

  #forget(): void {
    this.#awake()
    this.#keepOnly(undefined)
    this.journal.changed = undefined
    this.journal.end()
    if (this.record !== undefined) this.#recovery.sessions?.dropped(this.record)
  }

  #keepOnly(token: string | undefined): void {
    for (const one of this.#tokens) if (one !== token) this.#recovery.revoke(one)
    this.#tokens = token === undefined ? [] : [token]
    this.record?.changed('terms')
  }

  #awake(): void {
    this.#recovery.suspended.delete(this.#session)
    this.#clock.clearTimeout(this.#expiry)
  }
}
