import { createApp, Gateway, GatewayContext, On, OnOpen, type Socket } from 'partyline'
import { memory } from '../control.ts'

/** What the soak asks of its server; it answers in the same order. */
export type SoakQuestion = 'memory' | 'stats' | 'begin' | 'finish'

/** Milliseconds between two broadcasts. */
const EVERY = 500

/** A reply that a client has to read: it is what waits for one that does not. */
const LARGE = 'x'.repeat(32 * 1024)

/** Everybody is in one room, which is told the time; requests are answered. */
@Gateway('/soak')
class Soak {
  #told = 0
  #timer: ReturnType<typeof setInterval> | undefined

  constructor(private readonly context: GatewayContext) {}

  @OnOpen() opened(socket: Socket): void {
    socket.join('everybody')
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

process.on('message', async (question: SoakQuestion) => {
  if (question === 'memory') process.send?.(await memory())
  else if (question === 'stats') process.send?.(app.stats())
  else if (question === 'finish') process.send?.(app.get(Soak).finish())
  else process.send?.(app.get(Soak).begin() ?? 0)
})
process.on('disconnect', () => process.exit())
process.send?.(port)
