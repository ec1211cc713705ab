import type { MemoryClient } from '../../lib/runtime/memory.ts'

/** What a frame asked for, as far as a reader of docs/protocol.md can tell. */
interface Asked {
  /** Requests of good form. */
  requests: number
  /** Messages that are no frames, and yet have a readable id. */
  malformed: number
}

/** A client with a tally of what it asked and what it was answered. */
export class Line {
  readonly client: MemoryClient
  readonly #asked = new Map<number, Asked>()
  readonly #acks = new Map<number, number>()
  /** How often a request was refused because its id was waiting: such a refusal has no ack, and names the id. */
  readonly #taken = new Map<number, number>()
  #read = 0

  constructor(client: MemoryClient) {
    this.client = client
  }

  get isOpen(): boolean {
    return this.client.closed === undefined
  }

  send(message: string | Uint8Array): void {
    const asked = askedBy(message)
    if (asked !== undefined) {
      const before = this.#asked.get(asked.id) ?? { requests: 0, malformed: 0 }
      before[asked.kind]++
      this.#asked.set(asked.id, before)
    }
    this.client.send(message)
  }

  /** Reads what has come; gives how many ids have fewer answers than requests. */
  unanswered(): number {
    const { received } = this.client
    for (; this.#read < received.length; this.#read++) this.#take(String(received[this.#read]))
    return [...this.#asked].filter(([id, { requests }]) => this.#answers(id) < requests).length
  }

  /** Fails where anything was answered that was not asked, or more often; and, while it lives, less often. */
  check(): void {
    this.unanswered()
    for (const id of this.#acks.keys())
      if (!this.#asked.has(id)) throw new Error(`${id} was answered unasked`)
    for (const [id, { requests, malformed }] of this.#asked) {
      const answers = this.#answers(id)
      if (answers > requests + malformed) throw new Error(`${id} was answered ${answers} times: ${requests}`)
      if (this.isOpen && answers < requests)
        throw new Error(`${id} was answered ${answers} times: ${requests}`)
    }
  }

  /** How often that id was answered with an ack. */
  acks(id: number): number {
    return this.#acks.get(id) ?? 0
  }

  #answers(id: number): number {
    return this.acks(id) + (this.#taken.get(id) ?? 0)
  }

  #take(text: string): void {
    const frame = JSON.parse(text) as { ack?: number; error?: { code: string; message: string } }
    if (frame.ack !== undefined) this.#acks.set(frame.ack, this.acks(frame.ack) + 1)
    const taken = /^"id" (\d+) waits for its answer already$/.exec(frame.error?.message ?? '')
    if (taken === null || frame.ack !== undefined) return
    const id = Number(taken[1])
    this.#taken.set(id, (this.#taken.get(id) ?? 0) + 1)
  }
}

/** The id that a message asks to be answered under. */
function askedBy(message: string | Uint8Array): { id: number; kind: keyof Asked } | undefined {
  if (typeof message !== 'string') return undefined
  let value: unknown
  try {
    value = JSON.parse(message)
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const { id, event, data, args, ack, ping, pong } = value as Record<string, unknown>
  if (typeof id !== 'number' || !Number.isSafeInteger(id) || id < 0) return undefined
  if (event === undefined && (ack !== undefined || ping !== undefined || pong !== undefined)) return undefined
  const isFrame =
    typeof event === 'string' &&
    event !== '' &&
    ack === undefined &&
    (args === undefined || (Array.isArray(args) && data === undefined)) &&
    depthOf(value) <= DEPTH
  return { id, kind: isFrame ? 'requests' : 'malformed' }
}

export const DEPTH = 16

function depthOf(one: unknown): number {
  if (typeof one !== 'object' || one === null) return 0
  return 1 + Math.max(0, ...Object.values(one).map(depthOf))
}
