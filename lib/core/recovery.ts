import type { Class } from '../container/mod.ts'
import type { GatewayOptions, RecoveryOptions } from '../decorators/gateway.ts'
import type { Payload } from '../protocol/codec.ts'
import { isId } from '../protocol/codec.ts'
import type { Handshake } from '../protocol/handshake.ts'
import { RESUME } from '../protocol/handshake.ts'
import type { Identity } from '../protocol/identity.ts'
import { expectFrom } from './census.ts'
import { LONGEST } from './clock.ts'
import type { JournalRules } from './journal.ts'
import type { EventLog } from './log.ts'
import { MemoryLog } from './memory-log.ts'
import type { Session } from './session.ts'
import type { Shared } from './shared.ts'
import type { SharedSessions } from './shared-sessions.ts'

/** What is kept where the gateway does not say how much. */
export const defaultRecovery: Required<RecoveryOptions> = {
  window: 120_000,
  limit: 1_000,
  bytes: 64 * 1024 * 1024,
}

/** For how many heartbeats a line can be dead before that is noticed, and somewhat more. */
const UNNOTICED = 6

/** Random bytes of a token: nobody guesses 192 bits. */
const TOKEN = 24

/** Who asks to go on with a session, and what is known of them by now. */
export interface Comeback {
  readonly handshake: Handshake
  readonly identity: Identity | undefined
  readonly codecIndex: number
  /** The session that a dialect's client asks for; others say so by the handshake's subprotocols. */
  readonly resume?: Resume | undefined
}

/** By what a session is asked for, and the last position of it that the client has; undefined where it has none. */
export interface Resume {
  readonly token: string
  readonly pos: number | undefined
}

/** A session that goes on, and what it has missed. */
export interface Resumption {
  readonly session: Session
  /** By what it was asked for. */
  readonly token: string
  /** The last position that the client has. */
  readonly pos: number
  readonly missed: Payload[]
}

/** The sessions of one gateway that can be resumed, and by what tokens. */
export class Recovery implements JournalRules {
  readonly window: number
  readonly limit: number
  readonly bytes: number
  /** For how long a broadcast can be asked for, in milliseconds. */
  readonly age: number
  readonly log: EventLog
  /** What other nodes are told of the sessions; undefined where there are none. Set at boot. */
  sessions: SharedSessions | undefined
  readonly #shared: Pick<Shared, 'stats' | 'limits' | 'census'>
  readonly #byToken = new Map<string, Session>()
  /** The sessions that wait for their clients. */
  readonly suspended: Set<Session> = new Set()

  constructor(
    options: RecoveryOptions,
    shared: Pick<Shared, 'stats' | 'clock' | 'limits' | 'watch' | 'census'>,
  ) {
    const { window, limit, bytes } = withDefaults(options)
    this.window = window
    this.limit = limit
    this.bytes = bytes
    this.#shared = shared
    this.age = window + UNNOTICED * shared.limits.heartbeat
    this.log = new MemoryLog({ age: this.age, bytes }, shared.clock, (what) => shared.stats.count(what))
    shared.watch.logs.push(this.log)
  }

  count(what: Parameters<JournalRules['count']>[0]): void {
    this.#shared.stats.count(what)
  }

  /** A new token for a session; those before go on working until they are revoked. */
  issue(session: Session): string {
    const bytes = crypto.getRandomValues(new Uint8Array(TOKEN))
    const secret = btoa(String.fromCharCode(...bytes))
      .replaceAll('+', '-')
      .replaceAll('/', '_')
    // By the id another node finds whose it is.
    const token = this.sessions === undefined ? secret : `${session.id}${AFTER_ID}${secret}`
    this.#byToken.set(token, session)
    return token
  }

  /** A session of another node's goes on here: it is known by the token that it was asked for with. */
  adopt(token: string, session: Session): void {
    this.#byToken.set(token, session)
  }

  revoke(token: string): void {
    this.#byToken.delete(token)
  }

  /** Whether somebody asks to resume a session. */
  asks({ handshake, resume }: Comeback): boolean {
    return resume !== undefined || handshake.subprotocols.some((name) => name.startsWith(RESUME))
  }

  /** Whether somebody asks for a session that this node knows nothing of, so that another may have it. */
  isElsewhere(comeback: Comeback): boolean {
    const token = resumeOf(comeback)?.token
    return token !== undefined && !this.#byToken.has(token)
  }

  /** Counts somebody as connected who has to wait for a session; what it returns ends that. */
  expect({ ip }: Handshake): () => void {
    return expectFrom(this.#shared.census, ip)
  }

  /**
   * For a new session: ends the one that has waited longest, where as many wait as there may be connections. Else who comes
   * and goes could have any number.
   */
  makeRoom(): void {
    if (this.suspended.size < this.#shared.limits.connections) return
    const [longest] = this.suspended
    longest?.giveUp()
  }

  /** The session that a handshake asks for, where whoever asks may have it, and nothing of what it missed is gone. */
  find(comeback: Comeback): Resumption | undefined {
    const found = this.#find(comeback)
    this.count(found === undefined ? 'resumesRefused' : 'sessionsResumed')
    return found
  }

  #find(comeback: Comeback): Resumption | undefined {
    const { handshake, identity, codecIndex } = comeback
    const { token = '', pos: known } = resumeOf(comeback) ?? {}
    const session = this.#byToken.get(token)
    if (session === undefined) return undefined
    const pos = session.resumable?.from(known) ?? 0
    if (!session.isLive || session.codecIndex !== codecIndex) return undefined
    if (session.identity?.user !== identity?.user || !isSame(session.handshake.params, handshake.params))
      return undefined
    const missed = session.lifecycle.isBehind ? undefined : session.resumable?.journal.missed(pos)
    if (missed !== undefined) return { session, token, pos, missed }
    // Its own client will have another: nobody can come back to this one.
    session.giveUp()
    return undefined
  }
}

/** What a gateway says of recovery; mistakes go to `problems`. */
export function recoveryOf(
  { name }: Class,
  { recovery, protocol }: GatewayOptions,
  shared: Shared,
  problems: string[],
): Recovery | undefined {
  if (recovery === undefined) return undefined
  if (protocol === 'raw')
    problems.push(
      `${name} has recovery and protocol: 'raw': without frames nothing has a position. Leave one of them out.`,
    )
  for (const [option, value] of Object.entries(withDefaults(recovery))) {
    if (!(Number.isInteger(value) && value > 0))
      problems.push(`${name}'s recovery.${option} is ${value}: it is a whole number from 1 on.`)
    else if (option === 'window' && value > LONGEST)
      problems.push(
        `${name}'s recovery.window is ${value}: a timer waits for ${LONGEST} milliseconds at most, which is 24 days.`,
      )
  }
  return new Recovery(recovery, shared)
}

function withDefaults(given: RecoveryOptions): Required<RecoveryOptions> {
  const said = Object.entries(given).filter(([, value]) => value !== undefined)
  return { ...defaultRecovery, ...Object.fromEntries(said) }
}

/** Stands between a session's id and what nobody guesses, where other nodes may be asked for it. */
const AFTER_ID = '~'

const FORM = new RegExp(`^${RESUME.replaceAll('.', '\\.')}([\\w~-]+)\\.(\\d+)$`)

/**
 * The position after which a client has missed things, which says that it has everything up to `known`. One that says nothing has
 * nothing of this session; and that of a dialect tells of the last that it ever got, which may be of a session before.
 */
export function fromWhere(known: number | undefined, begin: number, isDialects: boolean): number {
  if (known === undefined) return begin
  return isDialects ? Math.max(known, begin) : known
}

/** What session somebody asks for; undefined for none, and where it is not asked for properly. */
export function resumeOf({ handshake: { subprotocols }, resume }: Comeback): Resume | undefined {
  if (resume !== undefined) return resume
  const [, token, position] = FORM.exec(subprotocols.find((name) => name.startsWith(RESUME)) ?? '') ?? []
  const pos = Number(position)
  return token !== undefined && isId(pos) ? { token, pos } : undefined
}

/** Whose token it is, as it says itself. */
export function sidIn(token: string): string | undefined {
  const end = token.indexOf(AFTER_ID)
  return end > 0 ? token.slice(0, end) : undefined
}

/** Whether two have the same parameters in their paths. */
export function isSame(one: Handshake['params'], other: Handshake['params']): boolean {
  const names = Object.keys(one)
  return names.length === Object.keys(other).length && names.every((name) => one[name] === other[name])
}
