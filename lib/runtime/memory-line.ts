import type { Admission, Connection, ConnectionHandler, Host } from '../core/connection.ts'
import { type CloseReason, closeCodes } from '../protocol/close.ts'
import type { Payload } from '../protocol/codec.ts'

/** Who hears what arrives at a client in memory, in place of `received`. */
export interface MemoryListener {
  message(payload: Payload): void
  /** Once and last. */
  closed(reason: CloseReason): void
}

/** The other side of a connection in memory. What it is sent stands in `received`, in order. */
export class MemoryClient {
  /** What has arrived, oldest first. */
  readonly received: Payload[] = []
  /** Hears from now on what else would stand in `received` and `closed`. */
  listener: MemoryListener | undefined
  /** The subprotocol that the server chose. */
  readonly subprotocol: string | undefined
  /** How the connection ended; undefined while it lives. */
  closed: CloseReason | undefined
  readonly #line: MemoryConnection

  constructor(line: MemoryConnection, subprotocol: string | undefined) {
    this.#line = line
    this.subprotocol = subprotocol
  }

  /** Sends a message to the server, which handles it before this returns unless it has stopped reading. */
  send(payload: Payload): void {
    this.#line.fromClient(payload)
  }

  /** Stops or goes on reading; meanwhile what is sent waits on the server's side. */
  set reading(reading: boolean) {
    this.#line.setReading(reading)
  }

  /** Reads so many of the messages that wait, while it has stopped reading. */
  read(count: number): void {
    this.#line.read(count)
  }

  /** Closes as a client does: the server sees it after what was sent before. */
  close(code: number = closeCodes.normal.code, reason = ''): void {
    this.#line.closeFromClient(code, reason)
  }

  /** Ends without a close frame, as a lost line does. */
  vanish(): void {
    this.#line.end(1006, '')
  }

  /** For its line: something arrives. */
  take(payload: Payload): void {
    if (this.listener === undefined) this.received.push(payload)
    else this.listener.message(payload)
  }

  /** For its line: it has ended. */
  end(reason: CloseReason): void {
    this.closed = reason
    this.listener?.closed(reason)
  }
}

/** A line within the process, as the server has it. */
export class MemoryConnection implements Connection {
  readonly client: MemoryClient
  readonly #handler: ConnectionHandler
  readonly #limits: Host['limits']
  /** Sent by the server, not read by the client. */
  readonly #outgoing: Payload[] = []
  /** Sent by the client, not read by the server; the last may be its close. */
  readonly #incoming: (Payload | CloseReason)[] = []
  #clientReads = true
  #serverReads = true
  #clientCloses = false
  #isOpen = true
  /** Called once, when the line has ended. */
  onEnd: () => void = () => {}

  constructor({ handler, subprotocol }: Admission, limits: Host['limits']) {
    this.#handler = handler
    this.#limits = limits
    this.client = new MemoryClient(this, subprotocol)
  }

  get bufferedAmount(): number {
    return this.#outgoing.reduce((sum, payload) => sum + sizeOf(payload), 0)
  }

  send(payload: Payload): boolean {
    if (!this.#isOpen) return false
    if (this.#clientReads) {
      this.client.take(payload)
      return true
    }
    this.#outgoing.push(payload)
    return false
  }

  sendAll(payloads: readonly Payload[]): boolean {
    return payloads.map((payload) => this.send(payload)).every((left) => left)
  }

  close(code: number, reason: string): void {
    this.end(code, reason)
  }

  terminate(): void {
    this.end(1006, '')
  }

  pause(): void {
    this.#serverReads = false
  }

  resume(): void {
    this.#serverReads = true
    // As on a network, what was held back comes later, not within the call.
    queueMicrotask(() => {
      while (this.#serverReads && this.#incoming.length > 0)
        this.#read(this.#incoming.shift() as Payload | CloseReason)
    })
  }

  setReading(reading: boolean): void {
    this.#clientReads = reading
    if (reading) this.read(this.#outgoing.length)
  }

  read(count: number): void {
    for (const payload of this.#outgoing.splice(0, count)) this.client.take(payload)
  }

  fromClient(payload: Payload): void {
    if (!this.#isOpen || this.#clientCloses) return
    if (sizeOf(payload) > this.#limits.payload) this.end(closeCodes.tooBig.code, 'message too big')
    else this.#arrive(payload)
  }

  closeFromClient(code: number, reason: string): void {
    if (!this.#isOpen || this.#clientCloses) return
    this.#clientCloses = true
    this.#arrive({ code, reason })
  }

  end(code: number, reason: string): void {
    if (!this.#isOpen) return
    this.crash(code, reason)
    this.#handler.closed(code, reason)
  }

  /** Ends without a word to the server's side, which is no more. */
  crash(code = 1006, reason = ''): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    this.onEnd()
    this.#outgoing.length = 0
    this.#incoming.length = 0
    this.client.end({ code, reason })
  }

  open(): void {
    this.#handler.opened(this)
  }

  #arrive(one: Payload | CloseReason): void {
    if (this.#serverReads && this.#incoming.length === 0) this.#read(one)
    else this.#incoming.push(one)
  }

  #read(one: Payload | CloseReason): void {
    if (typeof one === 'string' || one instanceof Uint8Array) this.#handler.message(one)
    else this.end(one.code, one.reason)
  }
}

/** A line of a runtime that publishes by itself. */
class TopicConnection extends MemoryConnection {
  readonly #topics: Topics

  constructor(admission: Admission, limits: Host['limits'], topics: Topics) {
    super(admission, limits)
    this.#topics = topics
  }

  subscribe(topic: string): void {
    this.#topics.add(topic, this)
  }

  unsubscribe(topic: string): void {
    this.#topics.remove(topic, this)
  }

  publish(topic: string, payload: Payload): void {
    this.#topics.publish(topic, payload, this)
  }

  override crash(code?: number, reason?: string): void {
    this.#topics.removeFromAll(this)
    super.crash(code, reason)
  }
}

/** Who subscribed to what, on a runtime that publishes by itself. */
export class Topics {
  readonly #subscribers = new Map<string, Set<MemoryConnection>>()

  add(topic: string, one: MemoryConnection): void {
    const subscribers = this.#subscribers.get(topic) ?? new Set()
    this.#subscribers.set(topic, subscribers.add(one))
  }

  remove(topic: string, one: MemoryConnection): void {
    const subscribers = this.#subscribers.get(topic)
    if (subscribers?.delete(one) && subscribers.size === 0) this.#subscribers.delete(topic)
  }

  removeFromAll(one: MemoryConnection): void {
    for (const topic of [...this.#subscribers.keys()]) this.remove(topic, one)
  }

  publish(topic: string, payload: Payload, except?: MemoryConnection): void {
    for (const one of this.#subscribers.get(topic) ?? []) if (one !== except) one.send(payload)
  }
}

/** A line for a connection that is let in; with topics where its runtime has them. */
export function memoryLine(
  admission: Admission,
  limits: Host['limits'],
  topics: Topics | undefined,
): MemoryConnection {
  if (topics === undefined) return new MemoryConnection(admission, limits)
  return new TopicConnection(admission, limits, topics)
}

function sizeOf(payload: Payload): number {
  return typeof payload === 'string' ? new TextEncoder().encode(payload).length : payload.byteLength
}
