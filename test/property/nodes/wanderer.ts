import type { Codec, Frame } from 'partyline'
import type { MemoryClient } from '../../../lib/runtime/memory.ts'
import type { TestNode } from '../../core/several-nodes.ts'
import type { Word } from './gateway.ts'

/** How a line of a client began. */
export interface Opening {
  readonly sid: string
  readonly recovered: boolean
}

interface Sent {
  readonly sid: string | undefined
  readonly n: number
  readonly isCall: boolean
  answer?: unknown
}

/** How often a client says what it has, in positions. */
const TELL = 8

/** A client that goes from node to node, by the wire and by hand: it gives positions, sends again, and drops what comes twice. */
export class Wanderer {
  readonly openings: Opening[] = []
  /** What came, by session. */
  readonly heard = new Map<string, number[]>()
  readonly sent: Sent[] = []
  /** How often each request of the server's was answered. */
  readonly ran = new Map<number, number>()
  readonly errors: string[] = []
  #line: MemoryClient | undefined
  #token: string | undefined
  /** Whether the hello of this line has come: nothing is sent before. */
  #isGreeted = false
  #last = 0
  #said = 0
  #pos = 0
  /** What the server may not have. */
  #kept: { pos: number; payload: string | Uint8Array }[] = []

  constructor(
    readonly number: number,
    readonly codec: Codec,
    readonly trace?: (line: string) => void,
  ) {}

  get sid(): string | undefined {
    return this.openings.at(-1)?.sid
  }

  get isOpen(): boolean {
    return this.#line !== undefined && this.#isGreeted
  }

  async connect(node: TestNode): Promise<void> {
    this.leave()
    this.#isGreeted = false
    const offer = [this.codec.subprotocol as string]
    if (this.#token !== undefined) offer.push(`partyline.resume.${this.#token}.${this.#last}`)
    const line = await node.app.runtime
      .connect('/g', { subprotocols: offer, identity: { user: 'one' } })
      .catch(() => undefined)
    if (line === undefined || line instanceof Response) return
    const early = line.received.splice(0)
    this.#line = line
    let isOver = line.closed !== undefined
    line.listener = {
      message: (payload) => {
        if (isOver || this.#line !== line) return
        this.trace?.(`guest ${this.number} < ${show(payload)}`)
        this.#receive(line, this.codec.decode(payload))
      },
      closed: ({ code }) => {
        isOver = true
        if (this.#line === line) this.#closed(code)
      },
    }
    for (const payload of early) line.listener.message(payload)
    if (isOver && this.#line === line) this.#closed(line.closed?.code ?? 1006)
  }

  /** Leaves its line without a word, which the server notices at once, or not before it asks. */
  leave(isNoticed = false): void {
    const line = this.#line
    this.#line = undefined
    if (isNoticed) line?.vanish()
  }

  /** Reads no more, so that what is sent waits, and is lost with the line. */
  stall(): void {
    if (this.#line !== undefined) this.#line.reading = false
  }

  say(op: Word['op'], isCall: boolean): void {
    if (!this.#isGreeted || this.#line === undefined) return
    const n = this.sent.length + 1
    this.sent.push({ sid: this.sid, n, isCall })
    this.#push({ event: 'say', data: { guest: this.number, n, op }, ...(isCall && { id: n }) })
  }

  #push(frame: Frame): void {
    const pos = ++this.#pos
    const payload = this.codec.encode({ ...frame, pos } as Frame)
    this.#kept.push({ pos, payload })
    this.trace?.(`guest ${this.number} > ${show(payload)}`)
    this.#line?.send(payload)
  }

  #closed(code: number): void {
    this.#line = undefined
    this.trace?.(`guest ${this.number} | ${code}`)
    if (![1001, 1006, 1008, 1011, 1012, 1013, 4408, 4409].includes(code))
      this.errors.push(`closed with ${code}`)
  }

  #receive(line: MemoryClient, frame: Frame): void {
    if ('hello' in frame) return this.#begin(line, frame.hello)
    if ('ping' in frame) return line.send(this.codec.encode({ pong: frame.ping }))
    if ('received' in frame) {
      this.#kept = this.#kept.filter(({ pos }) => pos > frame.received)
      return
    }
    const { pos } = frame as { pos?: number }
    if (pos === undefined) {
      this.errors.push(`no position: ${JSON.stringify(frame)}`)
      return
    }
    if (pos <= this.#last) return
    this.#last = pos
    if ('event' in frame && frame.event === 'n')
      this.heard.get(this.sid as string)?.push(frame.data as number)
    else if ('event' in frame && frame.event === 'key') {
      this.ran.set(frame.data as number, (this.ran.get(frame.data as number) ?? 0) + 1)
      this.#push({ ack: frame.id as number, data: frame.data })
    } else if ('ack' in frame && frame.ack !== undefined && !('error' in frame)) {
      const one = this.sent[frame.ack - 1]
      if (one !== undefined && one.answer === undefined) one.answer = (frame as { data: unknown }).data
      else this.errors.push(`answered twice: ${frame.ack}`)
    } else this.errors.push(JSON.stringify(frame))
    if (this.#last - this.#said < TELL || this.#line !== line) return
    this.#said = this.#last
    line.send(this.codec.encode({ received: this.#last }))
  }

  #begin(
    line: MemoryClient,
    {
      sid,
      recovered,
      received,
      recovery,
    }: { sid: string; recovered?: boolean; received?: number; recovery?: { token: string; pos: number } },
  ): void {
    const isRecovered = recovered === true
    if (isRecovered !== (sid === this.sid))
      this.errors.push(`recovered: ${recovered}, in ${sid} after ${this.sid}`)
    this.openings.push({ sid, recovered: isRecovered })
    this.#token = recovery?.token
    this.#isGreeted = true
    if (!isRecovered) {
      this.heard.set(sid, [])
      this.#last = this.#said = recovery?.pos ?? 0
      this.#pos = 0
      this.#kept = []
      return
    }
    this.#kept = this.#kept.filter(({ pos }) => pos > (received ?? 0))
    line.send(this.codec.encode({ received: this.#last }))
    for (const { payload } of [...this.#kept]) line.send(payload)
  }
}

function show(payload: string | Uint8Array): string {
  return typeof payload === 'string' ? payload : `${payload.length} bytes`
}
