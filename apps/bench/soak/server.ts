import { readdirSync } from 'node:fs'
import {
  type CloseReason,
  createApp,
  Gateway,
  GatewayContext,
  On,
  OnClose,
  OnOpen,
  type Socket,
} from 'partyline'
import { memory } from '../control.ts'
import { Ends } from './ends.ts'

/** What the soak asks of its server; it answers in the same order. */
export type SoakQuestion = 'memory' | 'files' | 'stats' | 'ends' | 'begin' | 'finish'

/** Milliseconds between two broadcasts. */
const EVERY = 500

/** A reply that a client has to read: it is what waits for one that does not. */
const LARGE = 'x'.repeat(32 * 1024)

/** Everybody is in one room, which is told the time; requests are answered. The path says what kind of client it is. */
@Gateway('/soak/:kind')
class Soak {
  readonly ends = new Ends()
  #told = 0
  #timer: ReturnType<typeof setInterval> | undefined

  constructor(private readonly context: GatewayContext) {}

  @OnOpen() opened(socket: Socket): void {
    socket.join('everybody')
  }

  @OnClose() closed({ params, handshake }: Socket, { code }: CloseReason): void {
    this.ends.add(params.kind as string, code, Date.now() - handshake.time)
  }

  @On() ask(_: Socket, n: number): number {
    return n
  }

  @On() large(): string {
    return LARGE
  }

  begin(): void {
    this.#timer = setInterval(() => this.context.to('everybody').emit('tick', ++this.#told), EVERY)
  }

  /** Ends the broadcasts; gives the number of the last one. */
  finish(): number {
    clearInterval(this.#timer)
    return this.#told
  }
}

// The default limits, but for silence, which the soak has no time to wait for.
const app = createApp(Soak, {
  limits: { heartbeat: 3_000 },
  logger: { error: console.error, warn() {}, info() {} },
})
const { port } = await app.listen({ port: 0, hostname: '127.0.0.1' })

/** How many files the process has open, connections among them; none where the system does not tell. */
function files(): number | undefined {
  try {
    return readdirSync('/proc/self/fd').length
  } catch {
    return undefined
  }
}

const answers: Record<SoakQuestion, () => unknown> = {
  memory,
  files,
  stats: () => app.stats(),
  ends: () => app.get(Soak).ends.byKind,
  begin: () => app.get(Soak).begin(),
  finish: () => app.get(Soak).finish(),
}
process.on('message', async (question: SoakQuestion) => {
  // There is no message without anything in it.
  process.send?.((await answers[question]()) ?? null)
})
process.on('disconnect', () => process.exit())
process.send?.(port)
