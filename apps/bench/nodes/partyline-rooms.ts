import process from 'node:process'
import { createApp, Gateway, GatewayContext, On, type Socket } from 'partyline'
import { redis } from 'partyline/redis'
import { ready } from '../control.ts'

/** One of several nodes: who is in the room hears what anybody says. */
@Gateway('/bench')
class Bench {
  static inject = [GatewayContext]

  constructor(readonly context: GatewayContext) {}

  @On() join(socket: Socket): void {
    socket.join('room')
  }

  @On() say(_: Socket, data: unknown): void {
    this.context.to('room').emit('news', data)
  }
}

const limits = { rate: 1e9, burst: 1e9, connectionsPerAddress: 1e9 }
const broker = redis({ url: process.env.REDIS_URL as string, prefix: 'partyline-bench' })
const app = createApp(Bench, { limits, broker, checkOutgoing: false })
const { port } = await app.listen({ port: 0, hostname: '127.0.0.1' })
ready(port as number)
