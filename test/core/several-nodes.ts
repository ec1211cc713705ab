import { expect } from 'bun:test'
import type { AppOptions, Clock, Root } from 'partyline'
import { type MemoryBroker, memory } from '../../lib/broker/memory.ts'
import { MemoryHub } from '../../lib/broker/memory-hub.ts'
import { App } from '../../lib/core/app.ts'
import type { ConnectOptions } from '../../lib/runtime/memory.ts'
import { MemoryRuntime } from '../../lib/runtime/memory.ts'
import { MortalClock } from '../../lib/testing/clock.ts'
import { HandClock } from '../support/clock.ts'
import { CollectingLogger, type Entry } from '../support/logger.ts'
import { nextTurn } from '../support/until.ts'
import { Guest, resuming } from './guest.ts'

/** What is due in it while it is frozen happens when it goes on, and not before the next thing that comes from outside. */
class FreezingClock implements Clock {
  readonly #clock: Clock
  #due: (() => void)[] = []
  isFrozen = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  now(): number {
    return this.#clock.now()
  }

  setTimeout(task: () => void, milliseconds: number): unknown {
    return this.#clock.setTimeout(() => {
      if (this.isFrozen) this.#due.push(task)
      else task()
    }, milliseconds)
  }

  clearTimeout(timer: unknown): void {
    this.#clock.clearTimeout(timer)
  }

  /** Does what was due. */
  catchUp(): void {
    for (const task of this.#due.splice(0)) task()
  }
}

/** One of several apps in this process that are the nodes of one. */
export class TestNode {
  readonly app: App<MemoryRuntime>
  readonly broker: MemoryBroker
  readonly log = new CollectingLogger()
  readonly clock: FreezingClock
  readonly #mortal: MortalClock
  isOver = false

  constructor(root: Root, hub: MemoryHub, clock: Clock, options: AppOptions, topics: boolean) {
    this.#mortal = new MortalClock(clock)
    this.clock = new FreezingClock(this.#mortal)
    this.broker = memory({ hub })
    this.app = new App(
      root,
      { ...options, broker: this.broker, logger: this.log, clock: this.clock },
      (host) => new MemoryRuntime(host, { topics }),
    )
  }

  /** Ends as a process does that is killed: nothing of it runs any more, and nobody is told. */
  kill(): void {
    this.isOver = true
    this.broker.cut()
    this.#mortal.die()
    this.app.runtime.crash()
  }

  /** Stands still, as a process does that is stopped by a signal, until `thaw`: nothing comes to it, and no time passes for it. */
  freeze(): void {
    this.clock.isFrozen = true
    this.broker.cut()
  }

  /** Goes on; what comes from the network comes before what is due. */
  thaw(): void {
    this.clock.isFrozen = false
    this.broker.mend()
  }

  async stop(): Promise<void> {
    this.isOver = true
    await this.app.stop()
  }
}

/** Nodes that share a broker in memory, and a time that stands still. */
export class Nodes {
  readonly clock = new HandClock()
  readonly hub = new MemoryHub()
  readonly all: TestNode[] = []
  readonly #root: Root
  readonly #options: AppOptions
  readonly #topics: boolean

  constructor(root: Root, options: AppOptions = {}, topics = false) {
    this.#root = root
    this.#options = options
    this.#topics = topics
  }

  /** Puts another node together, and starts it; where it is cut, its broker does not reach the others'. */
  async add(options: AppOptions = {}, isCut = false): Promise<TestNode> {
    const node = new TestNode(
      this.#root,
      this.hub,
      this.clock,
      { ...this.#options, ...options },
      this.#topics,
    )
    this.all.push(node)
    if (isCut) startCut(node.broker)
    await node.app.ready()
    await nextTurn()
    return node
  }

  /** Moves the time on, and lets everything happen that falls due on the way. */
  async advance(milliseconds: number): Promise<void> {
    const end = this.clock.now() + milliseconds
    await nextTurn()
    for (let { next } = this.clock; next !== undefined && next <= end; { next } = this.clock) {
      this.clock.advance(Math.max(0, next - this.clock.now()))
      await nextTurn()
    }
    this.clock.advance(Math.max(0, end - this.clock.now()))
    await nextTurn()
  }

  /** All that is logged, which a test that expects anything has to take. */
  logged(): Entry[] {
    return this.all.flatMap(({ log }) => log.take())
  }

  /** For the end of a test. */
  async finish(): Promise<void> {
    for (const node of this.all) {
      if (node.isOver) continue
      let isOver = false
      const stopping = node.stop().finally(() => {
        isOver = true
      })
      for (let i = 0; i < 50 && !isOver; i++) await this.advance(500)
      await stopping
    }
    expect(this.logged()).toEqual([])
  }
}

function startCut(broker: MemoryBroker): void {
  const start = broker.start.bind(broker)
  broker.start = (host) => {
    start(host)
    broker.cut()
  }
}

/** Somebody connects to a node. */
export async function guestOf(node: TestNode, path: string, options: ConnectOptions = {}): Promise<Guest> {
  const guest = await Guest.open(node, path, options)
  await nextTurn()
  return guest
}

/** A client goes on at another node, having seen everything up to that position. */
export async function moveTo(
  node: TestNode,
  guest: Guest,
  pos: number,
  options: ConnectOptions & { path?: string; token?: string; codec?: string } = {},
): Promise<Guest> {
  const { path = '/desk', token = guest.token, codec = 'partyline.json.v1', ...others } = options
  const next = await Guest.open(node, path, { subprotocols: [codec, resuming(token, pos)], ...others })
  for (let i = 0; i < 20 && next.client.received.length === 0 && next.client.closed === undefined; i++)
    await nextTurn()
  return next
}
