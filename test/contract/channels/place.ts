import { expect } from 'bun:test'
import {
  type App,
  type AppOptions,
  type Broker,
  type ChannelOptions,
  type Class,
  Gateway,
  type GatewayOptions,
  type Handshake,
  type Identity,
  On,
  Publisher,
  type Root,
  type Socket,
} from 'partyline'
import { CollectingLogger, type Entry } from '../../support/logger.ts'
import { until } from '../broker/network.ts'
import { Client, type Message } from '../client.ts'
import type { Serve, Served } from '../start.ts'

/** Brokers that reach each other, what other programs do to what is between them, and a runtime for the apps. */
export interface ChannelsNetwork {
  readonly serve: Serve
  /** A broker that no app has yet. */
  make(): Promise<Broker>
  cut(broker: Broker): void
  mend(broker: Broker): void
  /** What other programs do. */
  publish(name: string, bytes: Uint8Array): Promise<void>
  get(name: string): Promise<Uint8Array | undefined>
  /** What nodes listen to. */
  channels(): Promise<readonly string[]>
  close(): Promise<void>
}

/** How a client introduces itself. */
export interface Caller {
  identity?: Identity
  /** Whether it speaks in frames. */
  framed?: boolean
}

/** A client, and what it has heard since it was last asked. */
export class Listener {
  readonly client: Client
  #taken = 0

  constructor(client: Client, taken = 0) {
    this.client = client
    this.#taken = taken
  }

  get waiting(): readonly Message[] {
    return this.client.received.slice(this.#taken)
  }

  /** The next so many, when they have come, as text or bytes. */
  async next(count = 1): Promise<Message[]> {
    await until(
      () => this.waiting.length >= count,
      () => `message ${count}, after ${this.waiting}`,
    )
    return this.take()
  }

  take(): Message[] {
    const messages = [...this.waiting]
    this.#taken += messages.length
    return messages
  }

  /** The next so many frames, without their positions. */
  async frames(count = 1): Promise<unknown[]> {
    const messages = await this.next(count)
    return messages.map((one) => {
      const { at, ...frame } = JSON.parse(String(one)) as { at?: unknown }
      if ('channel' in frame) expect(typeof at === 'number' || at === undefined).toBe(true)
      return frame
    })
  }

  send(...messages: Message[]): void {
    this.client.send(...messages)
  }

  /** Sends a request, and returns its answer; what came before it is gone. */
  async ask(frame: object): Promise<Record<string, unknown>> {
    const id = ++requests
    this.client.send(JSON.stringify({ ...frame, id }))
    const isAnswer = (one: Message): boolean => String(one).startsWith(`{"ack":${id}`)
    await until(() => this.waiting.some(isAnswer), `the answer to ${JSON.stringify(frame)}`)
    const { ack, ...answer } = JSON.parse(String(this.take().find(isAnswer))) as { ack: number }
    return answer
  }
}

let requests = 100

/** An app with its broker. */
export interface Node extends Served {
  readonly app: App
  readonly broker: Broker
  logged(): Entry[]
}

/** The apps of one test. */
export class Place {
  readonly network: ChannelsNetwork
  readonly #nodes: { node: Node; log: CollectingLogger }[] = []

  constructor(network: ChannelsNetwork) {
    this.network = network
  }

  /** Starts an app, whose broker is ready. */
  async serve(root: Root, options: Omit<AppOptions, 'broker' | 'logger'> = {}): Promise<Node> {
    const broker = await this.network.make()
    const log = new CollectingLogger()
    const served = await this.network.serve(root, { ...options, broker, logger: log })
    const node = { ...served, broker, logged: () => log.take() }
    this.#nodes.push({ node, log })
    await node.app.ready()
    await until(() => broker.state === 'ready', 'the broker to be there')
    return node
  }

  async connect(node: Node, path: string, { identity, framed = false }: Caller = {}): Promise<Listener> {
    const line = await node.connect(path, {
      ...(framed && { subprotocols: ['partyline.json.v1'] }),
      headers: identity === undefined ? {} : { 'x-identity': JSON.stringify(identity) },
    })
    const listener = new Listener(new Client(line))
    if (framed) expect(await listener.next()).toEqual([expect.stringContaining('"hello"')])
    return listener
  }

  /** Waits until this node hears so many channels, for so many clients. */
  async listening(count: number): Promise<void> {
    await until(async () => (await this.open()).length === count, `${count} channels to be listened to`)
  }

  /** Waits until all of these hear everything of a facility, which plain clients are not told. */
  async hearing(node: Node, facility: string, listeners: readonly Listener[]): Promise<void> {
    await node.app.get(Publisher).publish(facility, 'begin', { broadcast: true })
    for (const one of listeners) expect(await one.next()).toEqual(['begin'])
  }

  /** The channels of facilities that are listened to. */
  async open(): Promise<string[]> {
    const all = await this.network.channels()
    return [...new Set(all.filter((name) => /(?:broadcast|user|group|session):/.test(name)))]
  }

  /** Stops all, which by then must have logged nothing that the test did not take, and hear nothing. */
  async finish(): Promise<void> {
    for (const { node } of this.#nodes) this.network.mend(node.broker)
    await Promise.all(this.#nodes.map(({ node }) => node.app.stop()))
    await until(async () => (await this.open()).length === 0, 'all subscriptions to be gone')
    for (const { log } of this.#nodes.splice(0))
      expect(log.take().filter(({ level }) => level !== 'info')).toEqual([])
  }
}

/** Knows whom a header names. */
export function byHeader({ headers }: Handshake): Identity | null {
  const text = headers.get('x-identity')
  return text === null ? null : (JSON.parse(text) as Identity)
}

/** A gateway with these channels, for those whom a header names, or for everybody. */
export function gatewayWith(channels: ChannelOptions, options: GatewayOptions = {}): Class {
  @Gateway('/ws/:facility', { channels, ...options })
  class News {
    @On() echo(_: Socket, data: unknown) {
      return data
    }
  }
  return News
}

export const ann: Identity = { user: 'ann', groups: ['staff', 'ops'], session: 's1' }
export const bob: Identity = { user: 'bob', groups: ['ops'], session: 's2' }

let facilities = 0

/** A facility that no other test uses. */
export function newFacility(): string {
  return `fac${++facilities}`
}

export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)
