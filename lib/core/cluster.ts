import type { Broker } from '../broker/broker.ts'
import { ChannelHub } from '../channels/hub.ts'
import { Publisher } from '../channels/publisher.ts'
import type { RoomSender } from '../channels/room-sender.ts'
import { Asking } from '../nodes/asking.ts'
import type { Codec } from '../protocol/codec.ts'
import type { Errand } from './errand.ts'
import { Everywhere } from './everywhere.ts'
import type { Move } from './moving.ts'
import { outgoing } from './outgoing.ts'
import type { GatewayPresence } from './presence.ts'
import type { Recovery } from './recovery.ts'
import { RoomRelay } from './room-relay.ts'
import type { Rooms } from './rooms.ts'
import type { Session } from './session.ts'
import type { Shared } from './shared.ts'
import { SharedSessions } from './shared-sessions.ts'
import type { BrokerStats } from './stats.ts'

/** How an app and its broker stand, for those who look after it. */
export type ClusterHealth = 'alone' | 'starting' | 'ready' | 'away'

/** Somebody wants to go on with a session on another node. */
interface MoveErrand {
  readonly path: string
  readonly move: Move
}

type ClusterShared = Pick<Shared, 'stats' | 'logger' | 'clock' | 'limits' | 'outbox'>

/** The app as one of the nodes that serve it together; alone, where it was given no broker. */
export class Cluster {
  readonly broker: Broker
  readonly #asking: Asking | undefined
  readonly #shared: ClusterShared
  readonly #gateways = new Map<string, Everywhere>()
  /** The channels that this node listens to. */
  readonly hub: ChannelHub
  /** What keeps up who is where, of each gateway that wants to know. */
  readonly presences: GatewayPresence[] = []
  #publisher: Publisher | undefined
  /** The longest that any of the gateways keeps. */
  #kept: { history: number; expiry: number } | undefined
  /** Of the gateways with recovery. */
  readonly #sessions = new Map<string, SharedSessions>()
  #hasBegun = false
  #wasReady = false
  /** Of what kinds of garbage it was said that they came. */
  readonly #said = new Set<string>()

  /** `isShared` is whether other nodes may have the same broker. */
  constructor(broker: Broker, isShared: boolean, shared: ClusterShared) {
    this.broker = broker
    this.#shared = shared
    const { clock, logger } = shared
    this.hub = new ChannelHub({
      broker,
      clock,
      failed: (error) => logger.error({ error }, 'what hears a channel threw'),
    })
    if (!isShared) return
    this.#asking = new Asking({
      broker,
      clock,
      answer: (question) => this.#perform(question as Errand | MoveErrand),
      failed: (error) => {
        shared.stats.count('nodeErrors')
        this.#once('what another node asked', { error }, 'what another node asked for could not be done')
      },
    })
    broker.onState((state) => {
      this.#wasReady ||= state === 'ready'
    })
  }

  /** What providers are given that ask for a `Publisher`: it keeps what the gateways keep. Once all of these are known. */
  get publisher(): Publisher {
    this.#publisher ??= new Publisher({ hub: this.hub, rooms: this.#roomSender() }, this.#kept)
    return this.#publisher
  }

  /** So much is kept of a gateway's channels: the app's publisher is not to shorten it. */
  keeps({ history, expiry }: { history: number; expiry: number }): void {
    const { history: most = 1, expiry: longest = 0 } = this.#kept ?? {}
    this.#kept = { history: Math.max(history, most), expiry: Math.max(expiry, longest) }
  }

  get health(): ClusterHealth {
    if (this.#asking === undefined) return 'alone'
    if (this.broker.state === 'ready') return 'ready'
    return this.#wasReady ? 'away' : 'starting'
  }

  /** Undefined where it is alone. */
  get stats(): BrokerStats | undefined {
    if (!this.isShared) return undefined
    const { counters, state, nodes } = this.broker
    return { ...counters, state, nodes: nodes.live.length }
  }

  /** Whether other nodes may be there. */
  get isShared(): boolean {
    return this.#asking !== undefined
  }

  /** Makes a gateway's rooms one with those of the other nodes. */
  connect(path: string, rooms: Rooms, codecs: readonly Codec[], recovery?: Recovery): void {
    const { clock, stats } = this.#shared
    rooms.everywhere = new Everywhere(path, rooms, this.#asking, () => stats.count('nodesMissed'))
    this.#gateways.set(path, rooms.everywhere)
    if (this.#asking === undefined) return
    if (recovery !== undefined) return this.#share(this.#asking, path, rooms, codecs, recovery)
    const { publishing } = rooms
    publishing.relay = new RoomRelay({
      broker: this.broker,
      clock,
      path,
      codecs,
      deliver: (outgoing) => publishing.deliver(outgoing),
      dropped: (bytes) => {
        const fields = { gateway: path, bytes }
        this.#once(
          `dropped ${path}`,
          fields,
          'a broadcast did not go to other nodes: too large, or too much waits',
        )
      },
      garbage: (from) => this.#garbage(path, from),
    })
  }

  /** Makes the sessions of a gateway with recovery those of all nodes. */
  #share(asking: Asking, path: string, rooms: Rooms, codecs: readonly Codec[], recovery: Recovery): void {
    const { broker } = this
    const sessions = new SharedSessions({
      broker,
      asking,
      path,
      codecs,
      rooms,
      recovery,
      shared: this.#shared,
      garbage: (from) => this.#garbage(path, from),
      unmovable: (session) => this.#unmovable(path, session),
    })
    recovery.sessions = sessions
    rooms.publishing.relay = sessions.relay
    this.#sessions.set(path, sessions)
  }

  #garbage(path: string, from: string | undefined): void {
    this.#shared.stats.count('nodeErrors')
    this.#once(`garbage ${path}`, { gateway: path, from }, 'what came from another node is no broadcast')
  }

  #unmovable(path: string, { id }: Session): void {
    const message =
      "a socket's data has more in it than JSON carries, such as functions, dates or maps, so that its session cannot go on on " +
      'another node'
    this.#once(`unmovable ${path}`, { gateway: path, socket: id }, message)
  }

  /**
   * Begins; again after a start of the app that failed, it does nothing.
   *
   * @throws Error where the broker was given to another app as well.
   */
  start(): void {
    if (this.#hasBegun) return
    this.broker.start({ clock: this.#shared.clock, log: this.#shared.logger })
    this.#hasBegun = true
    this.#wasReady ||= this.broker.state === 'ready'
    this.#asking?.start()
    for (const sessions of this.#sessions.values()) sessions.start()
  }

  /** The app stops: no session of another node's is taken any more. */
  leave(): void {
    for (const { moving } of this.#sessions.values()) moving.leave()
  }

  /** Resolves when nothing of this node is left at the broker. Never rejects. */
  async stop(): Promise<void> {
    this.hub.stop()
    for (const presence of this.presences) presence.close()
    // One that has not begun may be another app's.
    if (!this.#hasBegun) return
    for (const sessions of this.#sessions.values()) sessions.stop()
    this.#asking?.stop()
    try {
      await this.broker.stop()
    } catch (error) {
      this.#shared.logger.error({ error }, 'the broker failed to stop')
    }
  }

  /** A publisher's way to the sockets of this app's gateways. */
  #roomSender(): RoomSender {
    return {
      emit: (path, rooms, event, args) => {
        const everywhere = this.#gateways.get(path)
        if (everywhere === undefined)
          throw new TypeError(`no gateway is at ${path}: there are ${[...this.#gateways.keys()].join(', ')}`)
        everywhere.publish(rooms, outgoing(event, args, false))
      },
    }
  }

  #perform(errand: Errand | MoveErrand): unknown {
    if ('move' in errand) return this.#sessions.get(errand.path)?.moving.asked(errand.move)
    return this.#gateways.get(errand.path)?.perform(errand.selection, errand.deed)
  }

  #once(kind: string, fields: object, message: string): void {
    if (this.#said.has(kind)) return
    this.#said.add(kind)
    this.#shared.logger.warn(fields, `${message} (said once)`)
  }
}
