import type { Broker } from '../broker/broker.ts'
import type { Subscription } from '../broker/messages.ts'
import type { Watching } from '../broker/rosters.ts'
import type { Clock } from '../protocol/clock.ts'
import { LONGEST } from '../protocol/clock.ts'
import { type Letter, packLetter, unpackLetter } from './letter.ts'

/** What every node of the app listens to. */
const EVERYBODY = 'app'

/** Who they are. A process that only publishes is none of them. */
export const ROSTER = 'app'

/** How many questions may wait for their answers at a time. */
const MOST = 10_000

/** A list that is longer, in bytes, is answered in parts: brokers carry no message of any size. */
const PART = 1 << 18

/** What a node answered. */
export interface NodeAnswer {
  readonly node: string
  readonly data: unknown
}

/** All that was answered. */
export interface Answers {
  readonly answers: readonly NodeAnswer[]
  /** The nodes that live and have not answered in time, or failed to. */
  readonly missing: readonly string[]
}

/** What asking needs of its node. */
export interface AskingParts {
  readonly broker: Broker
  readonly clock: Clock
  /** Answers another node's question, with plain data and bytes. May throw or reject. */
  answer(question: unknown, from: string): unknown
  /** Something could not be answered, or what came is none of ours. */
  failed(error: unknown): void
}

interface Waiting {
  readonly nodes: Set<string>
  /** What has come of lists that come in parts, by node. */
  readonly parts: Map<string, unknown[]>
  readonly answers: NodeAnswer[]
  readonly failed: string[]
  readonly done: () => void
}

/**
 * What nodes of one app ask each other, and tell each other: each question is answered by every node that is known to live, and
 * waits for none that has died. What is told, and not asked, is not answered.
 */
export class Asking {
  readonly #parts: AskingParts
  readonly #waiting = new Map<number, Waiting>()
  #subscriptions: Subscription[] = []
  #roster: Watching | undefined
  #lastId = 0

  constructor(parts: AskingParts) {
    this.#parts = parts
  }

  /** The other nodes of the app that live, as far as is known. */
  get others(): string[] {
    const nodes = this.#roster?.entries.map(({ node }) => node) ?? []
    return nodes.filter((node) => node !== this.#parts.broker.node)
  }

  start(): void {
    const { broker } = this.#parts
    const subscriber = {
      message: (bytes: Uint8Array, from: string | undefined): void => {
        if (from !== undefined) this.#receive(bytes, from)
      },
    }
    this.#subscriptions = [EVERYBODY, channelOf(broker.node)].map((channel) =>
      broker.messages.subscribe(channel, subscriber),
    )
    this.#roster = broker.rosters.watch(ROSTER, {
      changed: ({ left }) => {
        for (const { node } of left) this.#gone(node)
      },
    })
    // Whoever finds it there is answered.
    void Promise.all(this.#subscriptions.map(({ ready }) => ready)).then(() => {
      if (this.#roster !== undefined) broker.rosters.enter(ROSTER, broker.node, new Uint8Array())
    })
  }

  /** Takes leave. To be called only where it was started. */
  stop(): void {
    const { broker } = this.#parts
    broker.rosters.leave(ROSTER, broker.node)
    for (const subscription of this.#subscriptions) subscription.close()
    this.#roster?.close()
    this.#roster = undefined
    for (const { done } of [...this.#waiting.values()]) done()
  }

  /**
   * Asks all others, or one node; resolves when each has answered, died, or let that many milliseconds pass. Rejects with a
   * TypeError for a question that JSON cannot carry, and for nothing else.
   */
  async ask(question: unknown, timeout: number, node?: string): Promise<Answers> {
    const { broker, clock } = this.#parts
    const { others } = this
    const nodes = node === undefined ? others : others.filter((one) => one === node)
    const isFutile = nodes.length === 0 || broker.state === 'away' || this.#waiting.size >= MOST
    if (isFutile) return { answers: [], missing: node === undefined ? nodes : [node] }
    const id = ++this.#lastId
    const bytes = packLetter({ ask: id, question })
    return new Promise((resolve) => {
      let timer: unknown
      const waiting: Waiting = {
        nodes: new Set(nodes),
        parts: new Map(),
        answers: [],
        failed: [],
        done: () => {
          clock.clearTimeout(timer)
          this.#waiting.delete(id)
          resolve({ answers: waiting.answers, missing: [...waiting.nodes, ...waiting.failed] })
        },
      }
      this.#waiting.set(id, waiting)
      if (timeout !== Number.POSITIVE_INFINITY)
        timer = clock.setTimeout(waiting.done, Math.min(timeout, LONGEST))
      if (!this.#send(node === undefined ? EVERYBODY : channelOf(node), bytes)) waiting.done()
    })
  }

  /**
   * Tells all others something, or one node, without an answer: it arrives once at most.
   *
   * @throws TypeError for what JSON cannot carry.
   */
  tell(question: unknown, node?: string): void {
    this.#send(node === undefined ? EVERYBODY : channelOf(node), packLetter({ question }))
  }

  /** Whether the broker took it. What is too large it drops at once. */
  #send(channel: string, bytes: Uint8Array): boolean {
    const { counters, messages } = this.#parts.broker
    const before = counters.dropped
    messages.publish(channel, bytes)
    return counters.dropped === before
  }

  #receive(bytes: Uint8Array, from: string): void {
    const letter = unpackLetter(bytes)
    if (letter === undefined)
      this.#parts.failed(new Error(`node ${from} sent what is no question and no answer`))
    else if (letter.answers !== undefined) this.#settle(letter, letter.answers, from)
    else void this.#answer(letter, from)
  }

  /** It does not reject. */
  async #answer({ ask, question }: Letter, from: string): Promise<void> {
    const { answer, failed } = this.#parts
    try {
      const data = await answer(question, from)
      if (ask === undefined || this.#reply(from, ask, data, false)) return
      failed(new Error(`the answer to node ${from} is more than the broker carries`))
    } catch (error) {
      failed(error)
    }
    if (ask !== undefined) this.#send(channelOf(from), packLetter({ answers: ask, hasFailed: true }))
  }

  /** Whether the broker took it, in as many parts as it takes. */
  #reply(to: string, answers: number, data: unknown, hasMore: boolean): boolean {
    const bytes = packLetter({ answers, data, ...(hasMore && { hasMore }) })
    if (bytes.length <= PART || !Array.isArray(data) || data.length < 2)
      return this.#send(channelOf(to), bytes)
    const half = data.length >> 1
    return (
      this.#reply(to, answers, data.slice(0, half), true) &&
      this.#reply(to, answers, data.slice(half), hasMore)
    )
  }

  #settle({ data, hasMore, hasFailed }: Letter, id: number, from: string): void {
    const waiting = this.#waiting.get(id)
    if (waiting === undefined || !waiting.nodes.has(from)) return
    if (hasMore && Array.isArray(data)) {
      waiting.parts.set(from, [...(waiting.parts.get(from) ?? []), ...data])
      return
    }
    const parts = waiting.parts.get(from)
    waiting.nodes.delete(from)
    if (hasFailed) waiting.failed.push(from)
    else waiting.answers.push({ node: from, data: parts && Array.isArray(data) ? [...parts, ...data] : data })
    if (waiting.nodes.size === 0) waiting.done()
  }

  #gone(node: string): void {
    for (const waiting of [...this.#waiting.values()])
      if (waiting.nodes.delete(node) && waiting.nodes.size === 0) waiting.done()
  }
}

/** What one node listens to. */
export function channelOf(node: string): string {
  return `node:${node}`
}
