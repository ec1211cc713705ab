import { expect } from 'bun:test'
import {
  type AnyClass,
  type AppOptions,
  type Broker,
  contextOf,
  type GatewayContext,
  type Root,
} from 'partyline'
import { App } from '../../../lib/core/app.ts'
import { MemoryRuntime } from '../../../lib/runtime/memory.ts'
import { CollectingLogger, type Entry } from '../../support/logger.ts'
import { until } from '../broker/network.ts'
import { Client, type Message } from '../client.ts'

/** Brokers that reach each other, and what a test can do to them. */
export interface NodesNetwork {
  /** A broker that no app has yet. */
  make(options?: { lease?: number }): Promise<Broker>
  /** Takes everything out of a broker's reach. */
  cut(broker: Broker): void
  /** Ends that. */
  mend(broker: Broker): void
  /** What nodes listen to: of several that listen to the same, the name comes once at least. */
  channels(): Promise<readonly string[]>
  /** What is kept for them, and for how many milliseconds yet. */
  keys(): Promise<readonly [key: string, ttl: number][]>
  /** The largest message; undefined where there is none too large. */
  readonly maxPayload: number | undefined
  close(): Promise<void>
}

/** How a suite gets its nodes: anew for each test. */
export type Nodes = () => Fleet

/** The app under test. */
type Node = App<MemoryRuntime>

/** A client of one node, and what it has heard since it was last asked. */
export class Member {
  readonly client: Client
  #taken = 0

  constructor(client: Client) {
    this.client = client
  }

  /** What has come, without being taken. */
  get waiting(): readonly Message[] {
    return this.client.received.slice(this.#taken)
  }

  take(): Message[] {
    const messages = [...this.waiting]
    this.#taken += messages.length
    return messages
  }

  /** The next so many, when they have come. */
  async next(count = 1): Promise<Message[]> {
    await until(() => this.waiting.length >= count, `message ${count} of ${this.waiting.length}`)
    return this.take()
  }
}

interface Crew {
  readonly broker: Broker
  readonly log: CollectingLogger
  isDead: boolean
}

/** Several nodes of one app, in this process. */
export class Fleet {
  readonly network: NodesNetwork
  readonly #crews = new Map<Node, Crew>()

  constructor(network: NodesNetwork) {
    this.network = network
  }

  get nodes(): Node[] {
    return [...this.#crews.keys()]
  }

  /** Starts so many nodes, and waits until they are in touch. Every other one publishes by topics of the runtime. */
  async launch(
    count: number,
    root: Root,
    options: Omit<AppOptions, 'broker' | 'logger'> & { lease?: number } = {},
  ): Promise<[Node, ...Node[]]> {
    const { lease, ...rest } = options
    const nodes: Node[] = []
    for (let i = 0; i < count; i++) {
      const broker = await this.network.make(lease === undefined ? {} : { lease })
      const log = new CollectingLogger()
      const topics = (this.#crews.size + i) % 2 === 0
      const app = new App(
        root,
        { ...rest, broker, logger: log },
        (host) => new MemoryRuntime(host, { topics }),
      )
      this.#crews.set(app, { broker, log, isDead: false })
      nodes.push(app)
      await app.ready()
    }
    const all = this.#living().length
    for (const node of this.#living())
      await until(() => {
        const { state, nodes: known } = node.stats().broker ?? {}
        return state === 'ready' && known === all
      }, 'all nodes to know each other')
    return nodes as [Node, ...Node[]]
  }

  broker(node: Node): Broker {
    return this.#crew(node).broker
  }

  /** What a node has logged since the last time. */
  logged(node: Node): Entry[] {
    return this.#crew(node).log.take()
  }

  async connect(
    node: Node,
    path: string,
    options: { subprotocols?: readonly string[] } = {},
  ): Promise<Member> {
    const line = await node.runtime.connect(path, options)
    if (line instanceof Response) throw new Error(`refused with ${line.status}: ${await line.text()}`)
    return new Member(new Client(line))
  }

  context(node: Node, gateway: AnyClass): GatewayContext {
    return node.get(contextOf(gateway))
  }

  /** Waits until each node has heard of so many sockets of a gateway on all of them, and hears all that they are to hear. */
  async settled(gateway: AnyClass, sockets: number): Promise<void> {
    for (const node of this.#living()) {
      const context = this.context(node, gateway)
      await until(async () => (await context.count()) === sockets, `${sockets} sockets`)
      // It enters nobody, and resolves when what every node wants to hear is heard.
      await context.to().join('nobody')
    }
  }

  /** Waits until each member has heard so much, and until whatever else was on its way has come: then what all heard. */
  async heard(
    gateway: AnyClass,
    members: readonly Member[],
    counts: readonly number[],
  ): Promise<Message[][]> {
    const short = (): number[] =>
      members.flatMap((one, i) => (one.waiting.length < (counts[i] ?? 0) ? [i] : []))
    await until(
      () => short().length === 0,
      () => `members ${short()}`,
    )
    for (let round = 0; round < 2; round++)
      for (const node of this.#living()) await this.context(node, gateway).count()
    return members.map((member) => member.take())
  }

  /** Ends a node as a process does that is killed. */
  kill(node: Node): void {
    const crew = this.#crew(node)
    crew.isDead = true
    this.network.cut(crew.broker)
    node.runtime.crash()
  }

  /** Stops all nodes, which by then must have logged nothing that the test did not take. */
  async finish(): Promise<void> {
    const crews = [...this.#crews]
    this.#crews.clear()
    for (const [, { broker, isDead }] of crews) if (isDead) this.network.mend(broker)
    await Promise.all(crews.map(([node, { isDead }]) => node.stop(isDead ? { deadline: 100 } : {})))
    const logged = crews.flatMap(([, { isDead, log }]) => (isDead ? [] : log.take()))
    expect(logged.filter(({ level }) => level !== 'info')).toEqual([])
  }

  #living(): Node[] {
    return [...this.#crews].flatMap(([node, { isDead }]) => (isDead ? [] : [node]))
  }

  #crew(node: Node): Crew {
    const crew = this.#crews.get(node)
    if (crew === undefined) throw new Error('that node is of another fleet')
    return crew
  }
}
