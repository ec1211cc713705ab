import type { Token } from '../container/mod.ts'
import type { Root } from '../core/modules.ts'
import type { SocketList } from '../core/sockets.ts'
import type { AppStats } from '../core/stats.ts'
import type { StopOptions } from '../core/stop.ts'
import { json } from '../protocol/json.ts'
import { Attempt } from './attempt.ts'
import { TestClient } from './client.ts'
import { ManualClock } from './clock.ts'
import type { Circumstances } from './failure.ts'
import { Life } from './life.ts'
import type { ClientEnd, NetworkLine } from './line.ts'
import { TestLine } from './literal.ts'
import { type Entry, Log } from './log.ts'
import { Network } from './network.ts'
import type { LineOptions, TestAppOptions, TestClientOptions } from './options.ts'
import { seeded } from './random.ts'
import { Transcript } from './transcript.ts'
import { turn, until } from './turn.ts'

/** Where the app is, for its clients. */
const ORIGIN = 'http://localhost'

/** How long a stop may take, in milliseconds, unless it is said. */
const DEADLINE = 10_000

/**
 * Runs an app in memory, as it is but for the network and the time, which are the test's.
 *
 * @throws BootError as `createApp`, and whatever fails while the app is built.
 *
 * @example
 * ```ts
 * import { Gateway, GatewayContext, On, type Socket } from 'partyline'
 * import { testApp } from 'partyline/testing'
 *
 * @Gateway('/party')
 * class Party {
 *   constructor(private readonly party: GatewayContext) {}
 *
 *   @On() join(socket: Socket) {
 *     this.party.emit('joined', { user: socket.identity?.user })
 *   }
 * }
 *
 * const app = await testApp(Party)
 * const ann = await app.connect('/party', { identity: { user: 'Ann' } })
 * await ann.call('join')
 * await ann.expectEvent('joined', { user: 'Ann' })
 * await ann.expectNothing()
 * await app.stop()
 * ```
 */
export async function testApp(root: Root, options: TestAppOptions = {}): Promise<TestApp> {
  const app = new TestApp(root, options)
  await app.ready()
  return app
}

/** An app in memory, its clients, and the network and the time between them; made by `testApp`. */
export class TestApp {
  readonly clock: ManualClock
  /** The network of all clients. */
  readonly network: Network
  readonly #root: Root
  readonly #options: TestAppOptions
  readonly #patience: number
  readonly #log = new Log()
  readonly #begin: number
  readonly #names = new Map<string, number>()
  readonly #clients: TestClient[] = []
  #life: Life

  constructor(root: Root, options: TestAppOptions) {
    const { clock = new ManualClock(), seed = 1, patience = 1_000 } = options
    this.clock = clock
    this.network = new Network(clock, seeded(seed))
    this.#root = root
    this.#options = options
    this.#patience = patience
    this.#begin = clock.now()
    this.#life = this.#newLife()
  }

  /** Everybody who is connected, on all gateways. */
  get sockets(): SocketList {
    return this.#life.app.sockets
  }

  /** The app in figures. */
  stats(): AppStats {
    return this.#life.app.stats()
  }

  /** What a token stands for in the app, as it is after the latest restart. */
  get<T>(token: Token<T>): T {
    return this.#life.app.get(token)
  }

  /** Asks for a page. */
  fetch(path: string, init?: RequestInit): Promise<Response> {
    return this.#life.app.runtime.fetch(new Request(new URL(path, ORIGIN), init))
  }

  /** Builds what lives as long as the app; `testApp` has done it. */
  ready(): Promise<void> {
    return this.#life.app.ready()
  }

  /**
   * Connects a client, and waits until it is open; where the network has a delay, time passes meanwhile.
   *
   * @throws Refused where the app did not take it in; Error where the line broke before it was open.
   */
  async connect(path: string, options: TestClientOptions = {}): Promise<TestClient> {
    const attempt = new Attempt()
    const client = this.#newClient(path, options, attempt)
    try {
      await this.#arrival(attempt, () => client.state === 'open', client.name)
    } catch (error) {
      client.close()
      throw error
    }
    await client.expectState('open')
    return client
  }

  /** A client that has begun to connect. It goes on trying, whatever becomes of it, as clients do. */
  client(path: string, options: TestClientOptions = {}): TestClient {
    return this.#newClient(path, options, new Attempt())
  }

  /**
   * A line to the app, for messages that are written by hand; where the network has a delay, time passes until it is open.
   *
   * @throws Refused where the app did not take it in; Error where the line broke before it was open.
   */
  async line(path: string, options: LineOptions = {}): Promise<TestLine> {
    const circumstances = this.#circumstances(options)
    const network = this.#newNetwork()
    const attempt = new Attempt()
    const line = new TestLine(circumstances, network, this.#patience, (end) => {
      const { pathname, search } = urlOf(path, options)
      const offer = { ...options, subprotocols: options.subprotocols ?? [] }
      return attempt.begin(this.#dial(network, circumstances, pathname + search, offer, attempt.watch(end)))
    })
    await this.#arrival(attempt, () => line.isOpen, line.name)
    return line
  }

  /** Moves the time on, and does what falls due on the way, each at its time, with all that follows from it. */
  async advance(milliseconds: number): Promise<void> {
    const end = this.clock.now() + milliseconds
    await turn()
    for (let { next } = this.clock; next !== undefined && next <= end; { next } = this.clock) {
      this.clock.advance(Math.max(0, next - this.clock.now()))
      await turn()
    }
    this.clock.advance(Math.max(0, end - this.clock.now()))
    await turn()
  }

  /** Lets everything happen that needs no time to pass. */
  settle(): Promise<void> {
    return turn()
  }

  /** Takes what the app has logged since the last time. */
  logged(): Entry[] {
    return this.#log.take()
  }

  /**
   * Ends the app as a process ends that is killed: lines break, sessions are gone, neither `@OnClose` nor disposal runs. Then
   * makes another from the same module. What was given as `useValue` is the same as before, as a database would be.
   */
  async restart(): Promise<void> {
    this.#life.crash()
    this.#life = this.#newLife()
    await this.ready()
  }

  /**
   * Stops the app in good order, then closes its clients for good. Time passes where the app waits for it, up to the
   * deadline.
   */
  async stop({ deadline = DEADLINE }: StopOptions = {}): Promise<void> {
    let isOver = false
    const stopping = this.#life.stop(deadline).finally(() => {
      isOver = true
    })
    if (!(await until(() => isOver, this.#patience))) await this.advance(deadline)
    await stopping
    for (const client of this.#clients.splice(0)) client.close()
    await turn()
  }

  #newLife(): Life {
    const { logger = this.#log, checkOutgoing = true, topics = true, ...options } = this.#options
    return new Life(this.#root, { ...options, logger, checkOutgoing }, this.clock, topics)
  }

  #newNetwork(): Network {
    return new Network(this.clock, this.network.random, this.network)
  }

  #newClient(path: string, options: TestClientOptions, first: Attempt): TestClient {
    const circumstances = this.#circumstances(options)
    const network = this.#newNetwork()
    const { codec = json() } = options
    const client = new TestClient({
      circumstances,
      network,
      url: urlOf(path, options).href,
      codec,
      options: { ...options, codec, clock: this.clock, random: network.random },
      patience: this.#patience,
      dial: (url, subprotocols, end) => {
        const offer = { ...options, subprotocols }
        if (first.hasBegun) return this.#dial(network, circumstances, url, offer, end)
        return first.begin(this.#dial(network, circumstances, url, offer, first.watch(end)))
      },
    })
    this.#clients.push(client)
    return client
  }

  #dial(
    network: Network,
    { transcript }: Circumstances,
    path: string,
    { headers, identity, ip, subprotocols }: LineOptions,
    end: ClientEnd,
  ): NetworkLine {
    const knock = async () => {
      // Asked for when the attempt arrives: by then there may be no way any more, or another app.
      if (network.isDown) return undefined
      return this.#life.knock(path, { headers, identity, ip, subprotocols })
    }
    return network.dial({ knock, transcript }, end)
  }

  /** Waits for the end of an attempt, and lets pass what time the network takes for it. */
  async #arrival(attempt: Attempt, isOpen: () => boolean, name: string): Promise<void> {
    const isDone = (): boolean => isOpen() || attempt.failure !== undefined
    while (!(await until(isDone, 0))) {
      const next = attempt.line?.next
      if (next !== undefined && next > this.clock.now()) await this.advance(next - this.clock.now())
      else if (!(await until(isDone, this.#patience))) attempt.giveUp()
    }
    if (!isOpen()) throw await attempt.error(name)
  }

  #circumstances({ name: wanted, identity }: LineOptions): Circumstances {
    const base = wanted ?? identity?.user ?? 'client'
    const count = (this.#names.get(base) ?? 0) + 1
    this.#names.set(base, count)
    const name = count === 1 ? base : `${base} (${count})`
    const transcript = new Transcript(name, this.clock, this.#begin, this.#options.trace)
    return { name, transcript, logged: () => this.#log.entries }
  }
}

function urlOf(path: string, { query = {} }: Pick<LineOptions, 'query'>): URL {
  const url = new URL(path, ORIGIN)
  for (const [key, value] of Object.entries(query)) url.searchParams.append(key, value)
  return url
}
