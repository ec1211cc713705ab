import { Budget } from '../core/budget.ts'
import type { DialectHost, Refused, Verdict } from '../core/dialect.ts'
import { closeCodes } from '../protocol/close.ts'
import type { Payload } from '../protocol/codec.ts'
import type { Handshake } from '../protocol/handshake.ts'
import { Assembler, type AssemblyRules, type Waiting } from './assembler.ts'
import { readAuth } from './auth.ts'
import type { SocketioCodec } from './codec.ts'
import { closesAll, codeOf, PROTOCOL_ERROR } from './ends.ts'
import type { EngineHandler, EngineSocket } from './engine/socket.ts'
import type { EngineEnd } from './engine/transport.ts'
import { Namespace, type NamespaceParts } from './namespace.ts'
import type { Offsets } from './offset.ts'
import {
  awaitsMore,
  type ConnectPacket,
  InvalidPacket,
  type ListPacket,
  type Packet,
  parsePacket,
} from './packet.ts'
import { connectError, disconnect } from './reply.ts'

/** What the connections of one dialect have in common. */
export interface ConnectionParts {
  readonly host: Pick<DialectHost, 'clock' | 'limits' | 'expect' | 'knock' | 'report'>
  /** By the paths of their gateways. */
  readonly codecs: ReadonlyMap<string, SocketioCodec>
  /** Where sessions can go on. */
  readonly offsets: Offsets | undefined
  readonly rules: ConnectionRules
  readonly assembly: AssemblyRules
  /** Whether the app goes away: namespaces leave one by one, and the last takes the connection with it. */
  readonly isDraining: boolean
}

/** What bounds a connection. */
export interface ConnectionRules {
  /** For how many milliseconds it may be in no namespace. */
  readonly connectTimeout: number
  readonly maxNamespaces: number
}

/** Who asks for a namespace, and waits for the decision. */
interface Pending {
  readonly name: string
  isGivenUp: boolean
}

const NOBODY: readonly never[] = []

/** One client of Socket.IO: the namespaces that it is in, over one session of Engine.IO. */
export class SocketioConnection implements EngineHandler, NamespaceParts, Waiting {
  readonly socket: EngineSocket
  // Of its handshake, what its namespaces are told.
  readonly #href: string
  readonly #headers: Headers
  readonly #ip: string
  readonly #parts: ConnectionParts
  /** While a packet is not whole. */
  #assembler: Assembler | undefined
  /** Few: most clients are in one. */
  #joined: readonly Namespace[] = NOBODY
  #pending: readonly Pending[] = NOBODY
  /** Those that the server has left: what was on its way to them is no mistake of the client's. */
  #left: Set<string> | undefined
  #hasAsked = false
  /** How often it may ask for namespaces; from the second time on. */
  #budget: Budget | undefined
  #pauses = 0
  /** While it is in no namespace: ends it, where that is for long. */
  #timer: unknown
  /** Ends that it counts as connected, which in a namespace that counts for it. */
  #expected: (() => void) | undefined
  #end: { readonly code: number; readonly reason: string } | undefined

  constructor(socket: EngineSocket, { href, headers, ip }: Handshake, parts: ConnectionParts) {
    this.socket = socket
    this.#href = href
    this.#headers = headers
    this.#ip = ip
    this.#parts = parts
    this.#expectNamespace()
    this.#count()
  }

  message(message: Payload): void {
    this.#take(message, 0)
  }

  textPacket(packet: string): void {
    this.#take(packet, 1)
  }

  /** @param start where the packet of Socket.IO begins, where it is text */
  #take(message: Payload, start: number): void {
    if (this.#end !== undefined) return
    try {
      this.#assemble(message, start)
    } catch (error) {
      if (!(error instanceof InvalidPacket)) throw error
      this.#fail(error.message)
    }
  }

  #assemble(message: Payload, start: number): void {
    const { assembly, host } = this.#parts
    if (this.#assembler === undefined && typeof message === 'string') {
      const packet = parsePacket(message, assembly, start)
      // Almost all are whole; an assembler for each connection would be in vain.
      if (!awaitsMore(packet)) return this.#receive(packet, message)
      this.#assembler = new Assembler(assembly, host.clock, this)
      return this.#assembler.begin(packet, message)
    }
    this.#assembler ??= new Assembler(assembly, host.clock, this)
    const assembled = this.#assembler.take(message, start)
    if (assembled === undefined) return
    this.#assembler = undefined
    this.#receive(assembled.packet, assembled.payload)
  }

  late(): void {
    this.#fail('an attachment did not come in time')
  }

  closed(end: EngineEnd): void {
    this.#end ??= end
    const { clock } = this.#parts.host
    clock.clearTimeout(this.#timer)
    this.#assembler?.end()
    this.#expected?.()
    this.#left = undefined
    const joined = this.#joined
    this.#joined = NOBODY
    for (const one of joined) one.end(codeOf(end, one.codec.resumes), end.reason)
  }

  // What its namespaces ask for.

  leave(namespace: Namespace, code: number, reason: string): void {
    const isLast = this.#joined.length === 1 && this.#pending.length === 0
    const waits = code === closeCodes.goingAway.code && this.#parts.isDraining && !isLast
    if (closesAll(code) && !waits) return this.#close(code, reason)
    // A client that was told so would not come back to a server that only restarts.
    if (!waits) this.socket.sendPacket(disconnect(namespace.name))
    this.#remember(namespace.name)
    this.#drop(namespace)
    namespace.end(code, reason)
  }

  get isOver(): boolean {
    return this.#end !== undefined
  }

  terminate(): void {
    this.socket.terminate()
  }

  pause(): void {
    if (++this.#pauses === 1) this.socket.pause()
  }

  resume(): void {
    if (--this.#pauses === 0 && this.#end === undefined) this.socket.resume()
  }

  #receive(packet: Packet, payload: Payload): void {
    if (packet.kind === 'connect') return this.#connect(packet)
    const { namespace: name } = packet
    const namespace = this.#find(name)
    if (namespace !== undefined) {
      if (packet.kind === 'disconnect') this.#disconnected(namespace)
      else this.#deliver(namespace, packet, payload)
    } else if (packet.kind === 'disconnect' && this.#giveUp(name)) return
    else if (this.#left?.has(name) !== true) {
      // Section "Connection to a namespace": the server MUST close the connection immediately.
      throw new InvalidPacket('a packet for a namespace before CONNECT')
    }
  }

  #deliver(namespace: Namespace, packet: ListPacket, payload: Payload): void {
    namespace.codec.hand(packet, payload)
    namespace.receive(payload)
    namespace.codec.hand(undefined, '')
  }

  /** Section "Disconnection from a namespace": no answer is expected. */
  #disconnected(namespace: Namespace): void {
    this.#drop(namespace)
    namespace.end(closeCodes.normal.code, 'client namespace disconnect')
  }

  #connect({ namespace: name, query, auth: data, fault }: ConnectPacket): void {
    const { host, offsets, rules } = this.#parts
    if (this.#find(name) !== undefined || this.#pending.some((one) => one.name === name && !one.isGivenUp))
      throw new InvalidPacket('CONNECT to a namespace that it asked for already')
    if (!this.#mayAsk()) return this.#close(closeCodes.rate.code, 'too many CONNECT packets')
    this.#left?.delete(name)
    if (fault !== undefined) return this.#refuse(name, { code: 'MALFORMED_FRAME', message: fault })
    if (this.#joined.length + this.#pending.length >= rules.maxNamespaces) {
      const message = `a connection is in ${rules.maxNamespaces} namespaces at most`
      return this.#refuse(name, { code: 'OVERLOADED', message })
    }
    const asked = query === '' ? this.#href : withQuery(this.#href, query)
    const pending = { name, isGivenUp: false }
    this.#pending = [...this.#pending, pending]
    this.#expected?.()
    const verdict = host.knock({
      path: name,
      url: asked,
      headers: this.#headers,
      ip: this.#ip,
      ...readAuth(data, offsets),
    })
    if (verdict instanceof Promise) this.#await(pending, verdict)
    else this.#decide(pending, verdict)
    this.#count()
  }

  #await(pending: Pending, verdict: Promise<Verdict>): void {
    verdict
      .then((late) => {
        this.#expected?.()
        this.#decide(pending, late)
        this.#count()
      })
      .catch((error: unknown) => {
        this.#parts.host.report(error, 'a connection to a namespace failed')
        this.#close(closeCodes.internal.code, 'the server failed')
      })
  }

  /** Section "Connection to a namespace": either CONNECT, which is the hello of its session, or CONNECT_ERROR. */
  #decide(pending: Pending, verdict: Verdict): void {
    this.#pending = this.#pending.length === 1 ? NOBODY : this.#pending.filter((one) => one !== pending)
    if (this.#end !== undefined || pending.isGivenUp) return
    const { name } = pending
    if (verdict === 'unknown') return this.#refuse(name, undefined)
    if (!('handler' in verdict)) return this.#refuse(name, verdict)
    const refusal = verdict.refusal?.()
    if (refusal !== undefined) return this.#refuse(name, refusal)
    const codec = this.#parts.codecs.get(verdict.path)
    if (codec === undefined) throw new Error(`no codec was made for the gateway at ${verdict.path}`)
    const namespace = new Namespace(name, codec, this, verdict.handler)
    this.#joined = [...this.#joined, namespace]
    this.#parts.host.clock.clearTimeout(this.#timer)
    this.#timer = undefined
    namespace.open()
  }

  #refuse(name: string, refused: Pick<Refused, 'code' | 'message' | 'details'> | undefined): void {
    this.socket.sendPacket(connectError(name, refused))
  }

  #find(name: string): Namespace | undefined {
    for (const one of this.#joined) if (one.name === name) return one
    return undefined
  }

  #drop(namespace: Namespace): void {
    this.#joined = this.#joined.filter((one) => one !== namespace)
    if (this.#joined.length === 0) this.#expectNamespace()
    this.#count()
  }

  /** The client wants a namespace no more before it is in it. */
  #giveUp(name: string): boolean {
    const pending = this.#pending.find((one) => one.name === name && !one.isGivenUp)
    if (pending !== undefined) pending.isGivenUp = true
    return pending !== undefined
  }

  #remember(name: string): void {
    this.#left ??= new Set()
    this.#left.add(name)
    const [oldest] = this.#left
    if (this.#left.size > this.#parts.rules.maxNamespaces) this.#left.delete(oldest as string)
  }

  /** Authenticators are asked each time: whoever asks without end is sent away. */
  #mayAsk(): boolean {
    if (!this.#hasAsked) {
      this.#hasAsked = true
      return true
    }
    if (this.#budget === undefined) {
      const { limits, clock } = this.#parts.host
      this.#budget = new Budget(limits.rate, limits.burst, clock)
      // For the first time, when there was none: most clients ask but once.
      this.#budget.take()
    }
    return this.#budget.take()
  }

  /** Closes it, where it is in no namespace for long. */
  #expectNamespace(): void {
    const { host, rules } = this.#parts
    if (this.#end !== undefined || this.#timer !== undefined) return
    this.#timer = host.clock.setTimeout(() => {
      this.#timer = undefined
      if (this.#joined.length > 0) return
      if (this.#pending.length > 0) this.#expectNamespace()
      else this.#close(closeCodes.policy.code, 'in no namespace')
    }, rules.connectTimeout)
  }

  /** Sees to it that it counts as connected, in a namespace or not. */
  #count(): void {
    this.#expected?.()
    const isNowhere = this.#end === undefined && this.#joined.length === 0
    this.#expected = isNowhere ? this.#parts.host.expect(this.#ip) : undefined
  }

  #fail(reason: string): void {
    this.#close(PROTOCOL_ERROR, reason)
  }

  /** After what was sent. All namespaces end with it. */
  #close(code: number, reason: string): void {
    if (this.#end !== undefined) return
    this.#end = { code, reason }
    this.socket.close(code, reason)
  }
}

/** What a client writes after its namespace, beside what it wrote in the url. */
function withQuery(href: string, query: string): string {
  const asked = new URL(href)
  for (const [name, value] of new URLSearchParams(query)) asked.searchParams.append(name, value)
  return asked.href
}
