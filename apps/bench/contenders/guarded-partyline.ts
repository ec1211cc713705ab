import {
  type Call,
  createApp,
  type EventCall,
  Gateway,
  Guard,
  type Next,
  On,
  type Socket,
  Use,
} from 'partyline'
import { z } from 'zod'
import { ready } from '../control.ts'

/** The work of guarded-raw.ts as a user of Partyline writes it. */
const moved = z.object({ text: z.string().max(64), n: z.number().int() })
const banned = new WeakSet<object>()
const times = { spent: 0 }

const notBanned = (call: Call): boolean => call.kind === 'connect' || !banned.has(call.socket)

function timed(_: EventCall, next: Next): unknown {
  const began = performance.now()
  try {
    return next()
  } finally {
    times.spent += performance.now() - began
  }
}

@Guard(notBanned)
@Use(timed)
@Gateway('/bench', { concurrency: 8 })
class Guarded {
  @On('guarded', moved) guarded(_: Socket, data: z.infer<typeof moved>): unknown {
    return data
  }
}

const limits = { rate: 1e9, burst: 1e9, connectionsPerAddress: 1e9 }

const app = createApp(Guarded, { limits, checkOutgoing: false })
const { port } = await app.listen({ port: 0, hostname: '127.0.0.1' })
ready(port ?? 0)
