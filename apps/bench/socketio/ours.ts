import { createApp, Gateway, GatewayContext, On, type Socket } from 'partyline'
import { socketio } from 'partyline/socketio'
import { ready } from '../control.ts'

const room = 'room'

/** The same as theirs.ts, as a user of Partyline writes it. */
@Gateway('/')
class Bench {
  static inject = [GatewayContext]

  constructor(private readonly context: GatewayContext) {}

  @On() echo(socket: Socket, data: unknown): void {
    socket.emit('echo', data)
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

const app = createApp(Bench, { limits, checkOutgoing: false, dialects: [socketio()] })
const { port } = await app.listen({ port: 0, hostname: '127.0.0.1' })
ready(port ?? 0)
