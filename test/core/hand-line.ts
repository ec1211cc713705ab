import { expect } from 'bun:test'
import type { AppOptions, Root } from 'partyline'
import { App } from '../../lib/core/app.ts'
import type { Connection, ConnectionHandler, Host } from '../../lib/core/connection.ts'
import { MemoryRuntime } from '../../lib/runtime/memory.ts'
import { HandClock } from '../support/clock.ts'
import { CollectingLogger, type Entry } from '../support/logger.ts'

/** A line whose other side is the test: what the server does with it is noted, and nothing comes of it by itself. */
export class HandLine implements Connection {
  readonly sent: string[] = []
  /** The codes with which it was closed. */
  readonly closes: number[] = []
  bufferedAmount: number
  readonly #handler: ConnectionHandler

  constructor(handler: ConnectionHandler, bufferedAmount: number) {
    this.#handler = handler
    this.bufferedAmount = bufferedAmount
    handler.opened(this)
  }

  get token(): string {
    return /"token":"([^"]+)"/.exec(this.sent[0] ?? '')?.[1] ?? ''
  }

  /** What comes on it from the client, whether the server closed it or not. */
  arrives(message: string): void {
    this.#handler.message(message)
  }

  ends(code: number): void {
    this.#handler.closed(code, '')
  }

  send(payload: string): boolean {
    return this.sendAll([payload])
  }

  sendAll(payloads: readonly string[]): boolean {
    this.sent.push(...payloads)
    return this.bufferedAmount === 0
  }

  close(code: number): void {
    this.closes.push(code)
  }

  terminate(): void {}
}

/** An app whose lines are in the test's hands. */
export interface ByHand {
  app: App<MemoryRuntime>
  clock: HandClock
  logged(): Entry[]
  /** Knocks; what comes back opens the line. */
  knock(path: string, options?: Knock): Promise<() => HandLine>
  connect(path: string, options?: Knock): Promise<HandLine>
}

interface Knock {
  resume?: string
  bufferedAmount?: number
}

export async function startByHand(root: Root, options: AppOptions = {}): Promise<ByHand> {
  const [log, clock] = [new CollectingLogger(), new HandClock()]
  let host: Host | undefined
  const app = new App(root, { ...options, clock, logger: log }, (given) => {
    host = given
    return new MemoryRuntime(given)
  })
  await app.ready()
  async function knock(path: string, { resume, bufferedAmount = 0 }: Knock = {}): Promise<() => HandLine> {
    const headers = {
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
      'sec-websocket-protocol': ['partyline.json.v1', ...(resume === undefined ? [] : [resume])].join(', '),
    }
    const verdict = await host?.handle(new Request(`http://localhost${path}`, { headers }), { ip: '::1' })
    if (verdict === undefined || verdict instanceof Response) throw new Error('refused')
    return () => new HandLine(verdict.handler, bufferedAmount)
  }

  const logged = (): Entry[] => log.take()
  return { app, clock, logged, knock, connect: async (...where) => (await knock(...where))() }
}

/** Ends what `startByHand` began, which must by then have logged nothing that the test did not take. */
export async function finishByHand({ app, logged }: ByHand, lines: readonly HandLine[]): Promise<void> {
  for (const line of lines) line.ends(1000)
  await app.stop()
  expect(logged()).toEqual([])
}
