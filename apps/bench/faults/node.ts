/** One of the nodes: a gateway with recovery over Redis. Started by ../faults.ts; PORT, REDIS_URL and LEASE are its environment. */
import { createApp, Gateway, GatewayContext, On, OnOpen, run, type Socket } from 'partyline'
import { redis } from 'partyline/redis'

/** How often each node says something to everybody, in milliseconds. */
const TICK = 100

@Gateway('/load', { recovery: {} })
class Load {
  /** Another for each life of a node: what it says is counted from 1 on in each. */
  readonly #life = crypto.randomUUID()
  #ticks = 0

  constructor(private readonly load: GatewayContext) {
    setInterval(() => this.load.emit('heard', `node ${this.#life}`, ++this.#ticks), TICK)
  }

  @OnOpen() opened(socket: Socket): void {
    socket.join(socket.query.get('room') ?? 'lobby')
  }

  @On() say(socket: Socket, from: string, n: number): void {
    const [room = 'lobby'] = socket.rooms
    this.load.to(room).emit('heard', from, n)
  }

  @On() ask(_: Socket, n: number): number {
    return n
  }
}

const url = process.env.REDIS_URL ?? 'redis://localhost:6379'
const lease = Number(process.env.LEASE)
await run(
  createApp(Load, {
    broker: redis({ url, lease }),
    limits: { heartbeat: 2_000 },
    logger: {
      error: (fields, message) => console.error(message, fields),
      warn: (fields, message) => console.error(message, fields),
      info() {},
    },
  }),
)
