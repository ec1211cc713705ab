import type { Connection, ConnectionHandler } from '../../lib/core/connection.ts'
import type { DialectPlace, Knock, Verdict } from '../../lib/core/dialect.ts'
import { limitsOf } from '../../lib/core/limits.ts'
import type { Payload } from '../../lib/protocol/codec.ts'
import { PartylineError } from '../../lib/protocol/error.ts'
import type { Frame, Hello } from '../../lib/protocol/frame.ts'
import { Handshake } from '../../lib/protocol/handshake.ts'
import { SocketioCodec } from '../../lib/socketio/codec.ts'
import { type ConnectionParts, SocketioConnection } from '../../lib/socketio/connection.ts'
import type { EngineSocket } from '../../lib/socketio/engine/socket.ts'
import type { EngineEnd } from '../../lib/socketio/engine/transport.ts'
import { Offsets } from '../../lib/socketio/offset.ts'
import { HandClock } from '../support/clock.ts'

/** A session of Engine.IO without a network: keeps the packets that it is given. */
export class FakeEngine implements EngineSocket {
  readonly id = 'engine'
  readonly transport = 'websocket'
  readonly connection = undefined
  readonly writable = true
  readonly sent: Payload[] = []
  bufferedAmount = 0
  isPaused = false
  end: EngineEnd | undefined
  /** Who takes what comes. */
  handler: SocketioConnection | undefined

  get isOpen(): boolean {
    return this.end === undefined
  }

  /** What was sent since the last time. */
  take(): Payload[] {
    return this.sent.splice(0)
  }

  send(): boolean {
    throw new Error('packets are sent as they were encoded')
  }

  sendPacket(packet: Payload): boolean {
    if (this.isOpen) this.sent.push(packet)
    return this.isOpen
  }

  sendPackets(packets: readonly Payload[]): boolean {
    for (const packet of packets) this.sendPacket(packet)
    return this.isOpen
  }

  pause(): void {
    this.isPaused = true
  }

  resume(): void {
    this.isPaused = false
  }

  close(code = 1000, reason = ''): void {
    this.finish({ cause: 'forced close', code, reason })
  }

  terminate(): void {
    this.finish({ cause: 'forced close', code: 1006, reason: '' })
  }

  /** Ends as the transport does. */
  finish(end: EngineEnd): void {
    if (this.end !== undefined) return
    this.end = end
    this.handler?.closed(end)
  }
}

/** What serves one socket: keeps the frames that come, and is told to send others. */
export class FakeSession implements ConnectionHandler {
  readonly frames: Frame[] = []
  readonly failures: PartylineError[] = []
  readonly ends: [code: number, reason: string][] = []
  readonly knock: Knock
  readonly codec: SocketioCodec
  readonly #hello: Hello
  connection: Connection | undefined

  constructor(knock: Knock, codec: SocketioCodec, hello: Hello) {
    this.knock = knock
    this.codec = codec
    this.#hello = hello
  }

  opened(connection: Connection): void {
    if (this.connection !== undefined) throw new Error('opened twice')
    this.connection = connection
    this.send({ hello: this.#hello })
  }

  message(payload: Payload): void {
    if (this.connection === undefined) throw new Error('a message before opened')
    if (this.ends.length > 0) throw new Error('a message after closed')
    try {
      this.frames.push(this.codec.decode(payload))
    } catch (error) {
      if (!(error instanceof PartylineError)) throw error
      this.failures.push(error)
    }
  }

  closed(code: number, reason: string): void {
    this.ends.push([code, reason])
    if (this.ends.length > 1) throw new Error('closed twice')
  }

  send(frame: Frame): void {
    this.connection?.send(this.codec.encode(frame))
  }
}

/** What a fake app decides about who knocks; by default everybody is welcome at the gateways of its places. */
export type Decide = (knock: Knock, welcome: () => Verdict) => Verdict | Promise<Verdict>

/** How a world differs from the default. */
export interface WorldOptions extends Partial<Pick<ConnectionParts, 'isDraining'>> {
  places?: readonly (Partial<DialectPlace> & { path: string })[]
  decide?: Decide
  recovery?: boolean
  rate?: number
  burst?: number
  url?: string
}

/** One client's connection between a fake session of Engine.IO and a fake app. */
export class World implements ConnectionParts {
  readonly engine = new FakeEngine()
  readonly clock = new HandClock()
  readonly sessions: FakeSession[] = []
  readonly reports: unknown[] = []
  readonly knocks: Knock[] = []
  readonly codecs = new Map<string, SocketioCodec>()
  readonly offsets: Offsets | undefined
  readonly rules: ConnectionParts['rules']
  readonly assembly: ConnectionParts['assembly'] = { depth: 64, attachments: 10, timeout: 500 }
  readonly host: ConnectionParts['host']
  readonly connection: SocketioConnection
  isDraining: boolean

  constructor({ places = [{ path: '/' }, { path: '/admin' }], ...options }: WorldOptions = {}) {
    const { decide = (_, welcome) => welcome(), recovery = false, rate, burst } = options
    const offsets = new Offsets('00000000')
    this.offsets = recovery ? offsets : undefined
    for (const place of places) {
      const whole = { isFixed: true, depth: 64, recovers: false, isShared: false, ...place }
      this.codecs.set(place.path, new SocketioCodec(whole, { attachments: 10, offsets, recovery }))
    }
    this.isDraining = options.isDraining ?? false
    this.rules = { connectTimeout: 1_000, maxNamespaces: 4 }
    this.host = {
      clock: this.clock,
      limits: limitsOf({ rate, burst }),
      report: (error) => void this.reports.push(error),
      expect: () => () => {},
      knock: (knock) => {
        this.knocks.push(knock)
        return decide(knock, () => this.welcome(knock))
      },
    }
    const { url = 'http://localhost/socket.io/?EIO=4&transport=websocket' } = options
    const handshake = new Handshake(url, new Headers({ cookie: 'a=1' }), '10.0.0.1', this.clock.now(), {})
    this.connection = new SocketioConnection(this.engine, handshake, this)
    this.engine.handler = this.connection
  }

  /** As a host would, for the gateway whose path fits; parameters are whole segments. */
  welcome(knock: Knock): Verdict {
    const path = [...this.codecs.keys()].find((one) =>
      new RegExp(`^${one.replace(/:\w+/g, '[^/]+')}$`).test(knock.path),
    )
    if (path === undefined) return 'unknown'
    const id = `s${this.sessions.length + 1}`
    const hello = { sid: id, heartbeat: 1, recovery: { token: `token-of-${id}`, window: 1, pos: 0 } }
    const session = new FakeSession(knock, this.codecs.get(path) as SocketioCodec, hello)
    this.sessions.push(session)
    return { path, handler: session }
  }

  get session(): FakeSession {
    return this.sessions.at(-1) as FakeSession
  }

  /** Has the client send messages of Engine.IO: texts without its `4`. */
  receive(...messages: Payload[]): void {
    for (const message of messages) if (this.engine.isOpen) this.connection.message(message)
  }

  /** The client sends these, and what it is sent then. */
  exchange(...messages: Payload[]): Payload[] {
    this.engine.take()
    this.receive(...messages)
    return this.engine.take()
  }

  /** Why the connection was closed, if it was. */
  get fault(): string | undefined {
    return this.engine.end?.reason
  }
}

/** Who is connected to these namespaces, in this order. */
export function connected(namespaces: readonly string[] = ['/'], options?: WorldOptions): World {
  const world = new World(options)
  for (const namespace of namespaces) world.receive(namespace === '/' ? '0' : `0${namespace},`)
  world.engine.take()
  return world
}
