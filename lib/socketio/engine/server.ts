import type { Admission, Peer } from '../../core/connection.ts'
import type { Clock } from '../../protocol/clock.ts'
import { closeCodes } from '../../protocol/close.ts'
import { Handshake } from '../../protocol/handshake.ts'
import { Cors } from './cors.ts'
import { Heartbeats } from './heartbeat.ts'
import { WebSocketLine } from './line.ts'
import { type EngineOptions, type EngineRules, engineRules, type TransportName } from './options.ts'
import type { Asked } from './polling.ts'
import { type EngineError, Reply } from './reply.ts'
import { EngineSession } from './session.ts'
import type { EngineHandler, EngineSocket } from './socket.ts'

/** Who asks, as far as the runtime knows, and what it can do for long polls. */
export interface EnginePeer extends Peer {
  /** Has the runtime keep the connection although nothing passes on it, until the request is answered. */
  hold?: () => void
  /** Aborted when nobody waits for the answer any more. Default: the request's own. */
  signal?: AbortSignal
}

/** Why somebody is not let in. */
export interface EngineRefusal {
  /** Default 403. */
  status?: number
  /** For the client. Default `Forbidden`. */
  message?: string
}

/** What an Engine.IO server is put together with. */
export interface EngineParts {
  readonly clock: Clock
  /** A session has begun. Messages that are sent in it leave after the handshake. */
  opened(socket: EngineSocket, handshake: Handshake): EngineHandler
  /** Decides who may begin a session; undefined lets in. Default: everybody. */
  admit?(
    handshake: Handshake,
    request: Request,
    peer: EnginePeer,
  ): EngineRefusal | undefined | Promise<EngineRefusal | undefined>
  /** Asked right before a session begins, once `admit` has taken its time. */
  full?(handshake: Handshake): EngineRefusal | undefined
  /** Something of the app's own failed. */
  failed(error: unknown): void
  /** A request was refused. */
  refused?(error: EngineError): void
}

/** A request, as far as it was read. */
interface Query {
  readonly request: Request
  readonly url: URL
  readonly peer: EnginePeer
  readonly reply: Reply
  readonly upgrade: boolean
}

/** An Engine.IO server: protocol version 4, over HTTP long-polling and WebSocket. */
export class EngineServer {
  readonly rules: EngineRules
  readonly #parts: EngineParts
  readonly #cors: Cors | undefined
  readonly #sessions = new Map<string, EngineSession>()
  /** Those of them that have ended, and whose clients are still to learn that. */
  readonly #ended = new Set<EngineSession>()
  readonly #own: ConstructorParameters<typeof EngineSession>[1]
  /** By which the latest came. */
  #href = ''
  #isStopped = false

  constructor(options: EngineOptions | undefined, parts: EngineParts) {
    this.rules = engineRules(options)
    this.#parts = parts
    const failed = (error: unknown): void => parts.failed(error)
    this.#cors = this.rules.cors && new Cors(this.rules.cors, failed)
    const lingers = (session: EngineSession): void => void this.#ended.add(session)
    const left = (session: EngineSession): void => {
      this.#sessions.delete(session.id)
      this.#ended.delete(session)
    }
    const { rules } = this
    const { clock } = parts
    this.#own = { rules, clock, heartbeats: new Heartbeats(rules, clock), lingers, left, failed }
  }

  /** How many sessions there are, those included that have not fetched their last packets yet. */
  get size(): number {
    return this.#sessions.size
  }

  /** Whether a path is this server's; a slash at its end makes no difference. */
  serves(path: string): boolean {
    const bare = (one: string): string => one.replace(/\/$/, '')
    return bare(path) === bare(this.rules.path)
  }

  /**
   * Answers a request to its path, or takes a WebSocket in, which the runtime then MUST do or drop. Never throws or rejects.
   *
   * @param upgrade whether it asks for a WebSocket, with a handshake that is right by RFC 6455
   */
  handle(
    request: Request,
    peer: EnginePeer,
    upgrade: boolean,
  ): Response | Admission | Promise<Response | Admission> {
    let reply = new Reply({})
    try {
      if (!upgrade && this.#cors !== undefined) {
        if (request.method === 'OPTIONS') return this.#cors.preflight(request)
        reply = new Reply(this.#cors.headers(request))
      }
      const url = URL.parse(request.url, 'http://localhost')
      if (url === null) return this.#refuse(reply, 'badRequest')
      const verdict = this.#decide({ request, url, peer, reply, upgrade })
      return verdict instanceof Promise ? verdict.catch((error) => this.#failed(reply, error)) : verdict
    } catch (error) {
      return this.#failed(reply, error)
    }
  }

  /** Ends all sessions, and begins no more. Where it is to be orderly, close the sockets first. */
  stop(): void {
    this.#isStopped = true
    const { code } = closeCodes.goingAway
    for (const session of [...this.#sessions.values()])
      session.drop({ cause: 'forced close', code, reason: 'the server is going away' })
  }

  /** In the order in which the reference server looks, so that the same mistakes get the same codes. */
  #decide(query: Query): Response | Admission | Promise<Response | Admission> {
    const { request, url, reply, upgrade } = query
    const { transports, allowUpgrades } = this.rules
    const asked = url.searchParams
    const transport = asked.get('transport') as TransportName
    if (!transports.includes(transport)) return this.#refuse(reply, 'unknownTransport')
    const sid = asked.get('sid')
    const session = sid ? this.#sessions.get(sid) : undefined
    if (sid && session === undefined) return this.#refuse(reply, 'unknownSession')
    if (session === undefined && request.method !== 'GET') return this.#refuse(reply, 'badMethod')
    // Section "Query parameters".
    if (asked.get('EIO') !== '4') return this.#refuse(reply, 'badVersion')
    if (upgrade !== (transport === 'websocket')) return this.#refuse(reply, 'badRequest')
    if (session === undefined) return this.#handshake(query)
    if (!upgrade) return this.#continue(session, query)
    if (!allowUpgrades) return this.#refuse(reply, 'badRequest')
    return this.#take(query, (line) => session.welcome(line))
  }

  /** A request of a session that polls. */
  #continue(session: EngineSession, { request, peer, reply }: Query): Response | Promise<Response> {
    const { method } = request
    const asked: Asked = { request, reply, signal: peer.signal ?? request.signal, hold: peer.hold }
    if (session.transport !== 'polling') return this.#refuse(reply, 'badRequest')
    if (method === 'GET') return session.poll(asked)
    return method === 'POST' ? session.post(asked) : this.#refuse(reply, 'badRequest')
  }

  /** Section "Handshake". */
  #handshake(query: Query): Response | Admission | Promise<Response | Admission> {
    const { request, url, peer, reply } = query
    const { href } = url
    // Most come by the same url, which is kept for each of them, and so need not be the text of each of them.
    if (href !== this.#href) this.#href = href
    // A copy: the request's own headers may be gone, or keep the request alive.
    const headers = new Headers(request.headers)
    const handshake = new Handshake(this.#href, headers, peer.ip, this.#parts.clock.now(), NO_PARAMS)
    const verdict = this.#full(handshake) ?? this.#parts.admit?.(handshake, request, peer)
    if (!(verdict instanceof Promise)) return this.#admit(query, handshake, verdict)
    return verdict.then((late) => {
      const { aborted } = peer.signal ?? request.signal
      if (aborted) return this.#refuse(reply, 'badRequest')
      return this.#admit(query, handshake, late ?? this.#full(handshake))
    })
  }

  #admit(query: Query, handshake: Handshake, refusal: EngineRefusal | undefined): Response | Admission {
    const { reply, upgrade } = query
    if (refusal !== undefined) return this.#forbid(reply, refusal)
    if (upgrade) {
      const admission = this.#take(query, (line) => this.#open(handshake, line))
      const refusal = (): Response | undefined => {
        const late = this.#full(handshake)
        return late && this.#forbid(reply, late)
      }
      return { ...admission, refusal }
    }
    const session = this.#open(handshake)
    // It may have been terminated by who was told of it.
    return this.#sessions.has(session.id) ? reply.packets(session.openPacket) : this.#forbid(reply, {})
  }

  #full(handshake: Handshake): EngineRefusal | undefined {
    if (this.#isStopped) return { status: 503, message: 'the server is going away' }
    const refusal = this.#parts.full?.(handshake)
    if (refusal !== undefined) return refusal
    const [ended] = this.#ended
    // Whoever has it closed by a mistake, and never comes for that, must not keep others out.
    if (this.size >= this.rules.maxSessions) ended?.terminate()
    if (this.size >= this.rules.maxSessions) return { status: 503, message: 'the server is full' }
    return undefined
  }

  #open(handshake: Handshake, line?: WebSocketLine): EngineSession {
    const session = new EngineSession(sessionId(), this.#own, line)
    this.#sessions.set(session.id, session)
    line?.becomes(session)
    line?.send(session.openPacket)
    session.begin((socket) => this.#parts.opened(socket, handshake))
    return session
  }

  #take({ url }: Query, begin: ConstructorParameters<typeof WebSocketLine>[2]): Admission {
    const line = new WebSocketLine(this.rules, url.searchParams.get('b64') === '1', begin)
    return { handler: line, subprotocol: undefined }
  }

  #refuse(reply: Reply, error: EngineError): Response {
    this.#parts.refused?.(error)
    return reply.refused(error)
  }

  #forbid(reply: Reply, { status = 403, message }: EngineRefusal): Response {
    this.#parts.refused?.('forbidden')
    return reply.refused('forbidden', { status, message })
  }

  #failed(reply: Reply, error: unknown): Response {
    this.#parts.failed(error)
    return reply.refused('badRequest', { status: 500, message: 'the server failed to handle this' })
  }
}

/** One for all: it is kept for every session. */
const NO_PARAMS = Object.freeze({})

/** Nobody guesses one: 15 bytes of chance, as text that needs no escaping in a url (RFC 4648, section 5). */
function sessionId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(15))
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
}
