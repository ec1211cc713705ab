import { createApp, Gateway, On, type Socket } from 'partyline'
import { ready } from '../control.ts'

/** Partyline with the limits that it has where nobody says anything. */
@Gateway('/bench')
class Limited {
  @On() request(_: Socket, data: unknown): unknown {
    return data
  }
}

const app = createApp(Limited)
const { port } = await app.listen({ port: 0, hostname: '127.0.0.1' })
ready(port ?? 0)
