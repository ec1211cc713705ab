import { Buffer } from 'node:buffer'
import { nameOf, type Place } from './address.ts'
import { type Argument, type Client, theLibrary } from './library.ts'
import { Line } from './line.ts'
import type { Terms } from './options.ts'
import { type ScriptName, scripts } from './scripts.ts'
import { Subscriber, type SubscriberEvents } from './subscriber.ts'

/** What a server tells of itself. */
export interface ServerEvents extends SubscriberEvents {
  /** It can be asked; that it can be listened to is told by `listening`. */
  up(server: Server): void
  /** Its connections, or one of them, are gone. */
  down(server: Server, error: Error, wasUp: boolean): void
  /** Every subscription that was wanted is in force. */
  listening(server: Server): void
}

/**
 * One Redis server: a connection for commands, and one for listening, since one that has subscribed can do nothing
 * else. What it can do is found out each time that there is a connection, because it may be another server by then.
 */
export class Server {
  readonly name: string
  readonly commands: Line
  readonly subscriber: Subscriber
  /** Whether it belongs to a cluster. */
  isCluster = false
  /** Whether it has sharded channels: Redis 7 has. Without them all channels are plain ones, which a cluster tells all its nodes. */
  isSharded = false
  /** Of this run of the server; empty where it does not tell. */
  run = ''
  #hashes = new Map<ScriptName, string>()
  #isActive = false

  constructor(place: Place, terms: Terms, events: ServerEvents) {
    this.name = nameOf(place)
    const connect = (): Client => connectTo(place, terms)
    this.commands = new Line(connect, terms, {
      prepare: (client) => this.#prepare(client),
      up: () => {
        // What it can do is known now.
        if (this.#isActive) this.subscriber.start()
        events.up(this)
      },
      down: (error, wasUp) => events.down(this, error, wasUp),
    })
    this.subscriber = new Subscriber(this, connect, terms, {
      ...events,
      listening: () => events.listening(this),
      down: (error, wasUp) => events.down(this, error, wasUp),
    })
  }

  /** Whether it can be asked, and everything that was wanted is being listened to. */
  get isUp(): boolean {
    return this.commands.isUp && this.subscriber.isSettled
  }

  start(): void {
    this.commands.start()
  }

  /** Listens too: there are slots of ours here. */
  activate(): void {
    this.#isActive = true
    if (this.commands.isUp) this.subscriber.start()
  }

  stop(): void {
    this.commands.stop()
    this.subscriber.stop()
  }

  /** The command that runs a script. */
  script(name: ScriptName, keys: readonly string[], args: readonly Argument[]): Argument[] {
    return ['EVALSHA', this.#hashes.get(name) ?? '', String(keys.length), ...keys, ...args]
  }

  /** Teaches it the scripts, which it forgets when it restarts. */
  async teach(client: Client | undefined = this.commands.client): Promise<void> {
    if (client === undefined) return
    const names = Object.keys(scripts) as ScriptName[]
    const hashes = await Promise.all(
      names.map((name) => client.sendCommand(['SCRIPT', 'LOAD', scripts[name]])),
    )
    this.#hashes = new Map(names.map((name, i) => [name, String(hashes[i])]))
  }

  async #prepare(client: Client): Promise<void> {
    const [info, commands] = await Promise.all([
      // Neither has to be allowed; then it is taken for a single server that was never restarted.
      client.sendCommand(['INFO', 'server']).catch(() => ''),
      client.sendCommand(['COMMAND', 'INFO', 'SSUBSCRIBE', 'SPUBLISH']).catch(() => []),
      this.teach(client),
    ])
    const text = String(info)
    this.isCluster = /^redis_mode:cluster\r?$/m.test(text)
    this.run = /^run_id:(\w+)/m.exec(text)?.[1] ?? ''
    this.isSharded = Array.isArray(commands) && commands.length === 2 && commands.every(Array.isArray)
  }
}

/** A client that does what it is told once, and leaves the rest to us. */
function connectTo(place: Place, { client, isTls, timeout }: Terms): Client {
  const { createClient, RESP_TYPES } = theLibrary()
  const socket = { ...client.socket, ...place, ...(isTls && { tls: true }) }
  return createClient({
    ...client,
    // In version 3 of the protocol nothing is gained here, and older servers do not know it.
    RESP: 2,
    socket: { ...socket, connectTimeout: timeout, reconnectStrategy: false } as typeof client.socket,
    disableOfflineQueue: true,
    maintNotifications: 'disabled',
    // Its own timeout makes an AbortSignal for each command, and does not notice a server that is silent.
    commandOptions: { timeout: undefined, typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } },
  }) as Client
}
