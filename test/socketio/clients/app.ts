import {
  type Call,
  type CloseReason,
  createApp,
  Gateway,
  GatewayContext,
  Guard,
  On,
  OnClose,
  OnOpen,
  PartylineError,
  type Socket,
  several,
} from 'partyline'
import { msgpack } from 'partyline/msgpack'
import { socketio } from 'partyline/socketio'

// What clients of Socket.IO are put to: the same on every runtime, and made of the public names only. It prints its port as JSON.

const later = (milliseconds = 1): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds))

/** How sockets ended that had given themselves a name. */
const ends = new Map<string, CloseReason>()
const names = new WeakMap<Socket, string>()
const numbers = new WeakMap<Socket, number[]>()

/** Who has a name, and how that ended. */
class Named {
  @On() named(socket: Socket, name: string) {
    names.set(socket, name)
  }

  @On() async ended(_: Socket, name: string) {
    while (!ends.has(name)) await later()
    return ends.get(name)
  }

  @On() leave(socket: Socket, code: number) {
    socket.close(code, 'as it asked')
  }

  @OnClose() closed(socket: Socket, reason: CloseReason) {
    const name = names.get(socket)
    if (name !== undefined) ends.set(name, reason)
  }
}

@Gateway('/', { concurrency: 4 })
class Main extends Named {
  @OnOpen() opened(socket: Socket) {
    socket.emit('auth', socket.handshake.auth)
  }

  @On() echo(_: Socket, ...args: unknown[]) {
    return several(...args)
  }

  @On() back(socket: Socket, ...args: unknown[]) {
    socket.emit('back', ...args)
  }

  /** Asks the client, and says what came of it. */
  @On() async ask(socket: Socket, question: unknown, timeout: number) {
    try {
      return { answer: await socket.call('question', question, { timeout }) }
    } catch (error) {
      const { code, message, details } = error as PartylineError
      return { code, message, details }
    }
  }

  @On() never() {
    return new Promise(() => {})
  }

  @On() refuses() {
    throw new PartylineError('SEAT_TAKEN', 'seat 7 is taken', { seat: 7 })
  }

  /** Sends numbers, a few a turn, until there are so many. */
  @On() async count(socket: Socket, count: number) {
    for (let i = 0; i < count; i++) {
      socket.emit('n', i)
      if (i % 3 === 0) await later()
    }
  }

  @On() n(socket: Socket, n: number) {
    const taken = numbers.get(socket) ?? []
    numbers.set(socket, taken)
    taken.push(n)
  }

  @On() taken(socket: Socket) {
    return numbers.get(socket)
  }
}

@Gateway('/other')
class Other extends Named {
  @On() where() {
    return '/other'
  }
}

@Gateway('/members', {
  authenticate: async ({ auth }) => {
    await later()
    const { token } = auth as { token?: unknown }
    return token === 'right' ? { user: 'ann' } : null
  },
})
class Members {
  @On() who({ identity }: Socket) {
    return identity?.user
  }
}

const hasTicket = (call: Call): boolean => {
  const { ticket } = call.kind === 'connect' ? (call.handshake.auth as { ticket?: unknown }) : { ticket: 1 }
  if (ticket === undefined) throw new PartylineError('NO_TICKET', 'show a ticket', { desk: 3 })
  return true
}

@Guard(hasTicket)
@Gateway('/guarded')
class Guarded {
  @On() where() {
    return '/guarded'
  }
}

@Gateway('/rooms')
class Rooms {
  constructor(readonly context: GatewayContext) {}

  @On() join(socket: Socket, room: string) {
    socket.join(room)
  }

  @On() say(_: Socket, room: string, text: string) {
    this.context.to(room).emit('said', text, { from: room })
  }

  @On() size(_: Socket, room: string) {
    return this.context.rooms.get(room)
  }
}

@Gateway('/desk', { recovery: {} })
class Desk extends Rooms {
  @On() whoami({ id }: Socket) {
    return id
  }
}

// A page, for browsers to be on.
const page = (): Response =>
  new Response('<!doctype html><title>Socket.IO</title>', { headers: { 'content-type': 'text/html' } })

const app = createApp([Main, Other, Members, Guarded, Rooms, Desk], {
  dialects: [socketio({ connectionStateRecovery: true, cors: true })],
  codecs: [msgpack()],
  origins: '*',
  fetch: page,
  logger: { info() {}, warn() {}, error: (...args: unknown[]) => console.error(...args) },
})
const { port } = await app.listen({ port: 0, hostname: '127.0.0.1' })
console.log(JSON.stringify({ main: port }))
