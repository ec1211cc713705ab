import type { Address, Admission, Host, ListenOptions, Peer, Runtime } from '../core/connection.ts'
import { type MemoryClient, type MemoryConnection, memoryLine, Topics } from './memory-line.ts'

export type { MemoryClient, MemoryListener } from './memory-line.ts'

/** How an app in memory differs from others. */
export interface MemoryOptions {
  /** Whether what goes to many is published by the runtime, as on Bun; else core sends it to each. Default `false`. */
  topics?: boolean
}

/** How a client in memory introduces itself. */
export interface ConnectOptions extends Partial<Peer> {
  headers?: Record<string, string>
  /** Offered in this order. */
  subprotocols?: readonly string[]
}

/** The same app without a network: for tests, which then need no ports and no waiting. */
export class MemoryRuntime implements Runtime {
  readonly #host: Host
  readonly #lines = new Set<MemoryConnection>()
  readonly #topics: Topics | undefined
  readonly publish: Runtime['publish']
  #listening = true

  constructor(host: Host, { topics = false }: MemoryOptions = {}) {
    this.#host = host
    if (!topics) return
    const all = new Topics()
    this.#topics = all
    this.publish = (topic, payload) => all.publish(topic, payload)
  }

  /** Knocks at a path, with its query; resolves to a client, or to the response that refused it. */
  async connect(
    path: string,
    { headers = {}, subprotocols = [], ip = '127.0.0.1', identity }: ConnectOptions = {},
  ): Promise<MemoryClient | Response> {
    const request = new Request(`http://localhost${path}`, {
      headers: {
        upgrade: 'websocket',
        connection: 'Upgrade',
        'sec-websocket-version': '13',
        'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
        ...(subprotocols.length > 0 && { 'sec-websocket-protocol': subprotocols.join(', ') }),
        ...headers,
      },
    })
    const verdict = await this.#handle(request, { ip, identity })
    if (verdict instanceof Response) return verdict
    this.#checkListening()
    const refused = verdict.refusal?.()
    if (refused !== undefined) return refused
    const line = memoryLine(verdict, this.#host.limits, this.#topics)
    this.#lines.add(line)
    line.onEnd = () => this.#lines.delete(line)
    line.open()
    return line.client
  }

  /** Answers an HTTP request. */
  readonly fetch = async (request: Request): Promise<Response> => {
    const verdict = await this.#handle(request, { ip: '127.0.0.1' })
    if (verdict instanceof Response) return verdict
    return verdict.refusal?.() ?? new Response(null, { status: 400 })
  }

  async listen(_: ListenOptions): Promise<Address> {
    return { url: 'memory:' }
  }

  async stop(): Promise<void> {
    this.#listening = false
    for (const line of this.#lines) line.terminate()
  }

  /** Ends as a process does that is killed: clients lose their lines, and the app hears of nothing. */
  crash(): void {
    this.#listening = false
    for (const line of this.#lines) line.crash()
  }

  defer(task: () => void): void {
    queueMicrotask(task)
  }

  onShutdown(): () => void {
    return () => {}
  }

  async #handle(request: Request, peer: Peer): Promise<Response | Admission> {
    this.#checkListening()
    return this.#host.handle(request, peer)
  }

  #checkListening(): void {
    if (!this.#listening) throw new Error('nobody listens: the app was stopped')
  }
}
