import { createApp, Gateway, GatewayContext, On, type Socket } from 'partyline'
import { memory } from '../control.ts'

/** What the measurement asks of its server; each is answered by a number, in the same order. */
export type RecoveryQuestion = 'cpu' | 'memory' | 'rss' | 'suspended' | 'resumed' | 'publish'

/** How many events are published to everybody while nobody is there. */
export const MISSED = 20

class Echo {
  constructor(readonly context: GatewayContext) {}

  @On() echo(socket: Socket, data: unknown): void {
    socket.emit('echo', data)
  }
}

@Gateway('/off', { concurrency: 8 })
class Off extends Echo {
  constructor(context: GatewayContext) {
    super(context)
  }
}

@Gateway('/on', { concurrency: 8, recovery: { window: 600_000 } })
class On_ extends Echo {
  constructor(context: GatewayContext) {
    super(context)
  }
}

const limits = { rate: 1e9, burst: 1e9, connectionsPerAddress: 1e9 }
const app = createApp([Off, On_], { limits, checkOutgoing: false })
const { port } = await app.listen({ port: 0, hostname: '127.0.0.1' })

process.on('message', async (question: RecoveryQuestion) => process.send?.(await answer(question)))
process.on('disconnect', () => process.exit())
process.send?.(port)

async function answer(question: RecoveryQuestion): Promise<number> {
  if (question === 'memory') return memory()
  if (question === 'rss') return process.memoryUsage.rss()
  if (question === 'suspended') return app.stats().suspended
  if (question === 'resumed') return app.stats().sessionsResumed
  if (question === 'publish') {
    const { context } = app.get(On_)
    for (let n = 0; n < MISSED; n++) context.emit('news', { n, text: 'x'.repeat(64) })
    return MISSED
  }
  const { user, system } = process.cpuUsage()
  return user + system
}
