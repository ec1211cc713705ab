import { createApp, Gateway, GatewayContext, On, type Socket } from 'partyline'
import { ready } from '../control.ts'

const room = 'room'

/**
 * The work of raw.ts as a user of Partyline writes it. Handlers of one socket may overlap here, as they do in raw.ts: by
 * default each waits for the one before, and no two replies of a socket are ever ready in the same turn.
 */
@Gateway('/bench', { concurrency: 8 })
class Bench {
  constructor(private readonly context: GatewayContext) {}

  @On() echo(socket: Socket, data: unknown): void {
    socket.emit('echo', data)
  }

  @On() request(_: Socket, data: unknown): unknown {
    return data
  }

  @On() async later(_: Socket, data: unknown): Promise<unknown> {
    await new Promise((resolve) => setImmediate(resolve))
    return data
  }

  @On() join(socket: Socket): void {
    socket.join(room)
  }

  @On() broadcast(_: Socket, { times, text }: { times: number; text: string }): void {
    for (let n = 0; n < times; n++) this.context.to(room).emit('tick', { n, text })
  }
}

// One address sends as fast as it can: the limits are looked at, and never reached.
const limits = { rate: 1e9, burst: 1e9, connectionsPerAddress: 1e9 }

const app = createApp(Bench, { limits, checkOutgoing: false })
const { port } = await app.listen({ port: 0, hostname: '127.0.0.1' })
ready(port ?? 0)
