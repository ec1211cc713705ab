import {
  type AppOptions,
  type Call,
  type CloseReason,
  createApp,
  Gateway,
  GatewayContext,
  Guard,
  Injectable,
  On,
  OnClose,
  OnMessage,
  OnOpen,
  PartylineError,
  type Root,
  type Socket,
} from 'partyline'
import { msgpack } from 'partyline/msgpack'

// The server that the black-box suite talks to: the same on every runtime, and made of the public names only. It takes where to
// listen as arguments, since environment variables would need a permission on Deno, and prints where it does as JSON.

let asked = (): void => {}
/** Resolves when the process is asked to end. */
const ending = new Promise<void>((resolve) => {
  asked = resolve
})
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => setTimeout(asked, 20))

const later = (milliseconds = 1): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds))

/** How sockets ended that had given themselves a name. */
const ends = new Map<string, CloseReason>()
const names = new WeakMap<Socket, string>()

@Injectable()
class Notes {
  readonly taken: unknown[] = []
}

@Gateway('/wire')
class Wire {
  constructor(readonly notes: Notes) {}

  @On() echo(_: Socket, data: unknown) {
    return data
  }

  @On() async slow(_: Socket, data: unknown) {
    this.notes.taken.push(data)
    if (data !== -1) await later(Number(data))
    return data
  }

  @On() several(socket: Socket, ...args: unknown[]) {
    socket.emit('several', ...args.toReversed())
  }

  @On() named(socket: Socket, name: string) {
    names.set(socket, name)
  }

  @On() async ended(_: Socket, name: string) {
    while (!ends.has(name)) await later()
    return ends.get(name)
  }

  @On() leave(socket: Socket, code: number, reason: string) {
    socket.emit('last', 1)
    socket.close(code, reason)
    socket.emit('too late')
  }

  @On() throws() {
    throw new Error('the password is 1234')
  }

  @On() refuses() {
    throw new PartylineError('SEAT_TAKEN', 'seat 7 is taken', { seat: 7 })
  }

  @On() address({ handshake }: Socket) {
    return handshake.ip
  }

  @OnClose() closed(socket: Socket, reason: CloseReason) {
    const name = names.get(socket)
    if (name !== undefined) ends.set(name, reason)
  }
}

@Gateway('/raw', { protocol: 'raw' })
class Raw {
  @OnMessage() message(socket: Socket, message: unknown) {
    socket.send(message)
  }
}

@Gateway('/rooms')
class Rooms {
  constructor(readonly context: GatewayContext) {}

  @On() join(socket: Socket, ...rooms: string[]) {
    socket.join(...rooms)
  }

  @On() leave(socket: Socket, ...rooms: string[]) {
    socket.leave(...rooms)
  }

  @On() to(_: Socket, ...rooms: string[]) {
    this.context.to(...rooms).emit('to', ...rooms)
  }

  @On() others(socket: Socket, room: string) {
    socket.to(room).emit('others', room)
  }

  @On() broadcast(socket: Socket) {
    socket.broadcast.emit('broadcast')
  }

  @On() everybody(_: Socket, data: unknown) {
    this.context.emit('everybody', data)
  }

  @On() async burst(socket: Socket, count: number) {
    await later()
    for (let i = 0; i < count; i++) {
      this.context.to('burst').emit('n', i)
      if (i % 3 === 0) socket.emit('own', i)
    }
  }

  /** Sends so many large messages, as fast as those who read can take them. */
  @On() async flood(socket: Socket, count: number, size: number) {
    for (let i = 0; i < count; i++) {
      this.context.to('flood').emit('n', i, 'x'.repeat(size))
      do await later()
      while (socket.bufferedAmount > size)
    }
  }

  @On() size(_: Socket, room: string) {
    return this.context.rooms.get(room)
  }
}

@Gateway('/several', { concurrency: 2 })
class Several {
  @On() async work(_: Socket, milliseconds: number) {
    await later(milliseconds)
    return milliseconds
  }
}

@Gateway('/members', {
  authenticate: async ({ headers }) => {
    await later()
    const user = headers.get('x-user')
    return user === null ? null : { user }
  },
})
class Members {
  @On() who({ identity }: Socket) {
    return identity?.user
  }
}

@Gateway('/ws/:facility', {
  channels: { publish: ['user'] },
  authenticate: ({ headers }) => ({ user: headers.get('x-user') ?? 'nobody', groups: ['staff', 'ops'] }),
})
class Channels {}

@Guard(({ handshake }: Call) => handshake.headers.get('x-guest') === 'ann')
@Gateway('/guarded')
class Guarded {}

@Gateway('/places/:name')
class Places {
  @On() where({ params }: Socket) {
    return params
  }
}

@Gateway('/desk', { recovery: {} })
class Desk {
  constructor(readonly context: GatewayContext) {}

  @On() say(_: Socket, text: string) {
    this.context.emit('said', text)
  }
}

@Gateway('/broken')
class Broken {
  @OnOpen() opened() {
    throw new Error('on purpose')
  }
}

/** What is at work while the process is asked to end. */
@Gateway('/pending', { concurrency: 100 })
class Pending {
  @On() async work(_: Socket, n: number) {
    await ending
    await later(n % 10)
    return n
  }

  @On() never() {
    return new Promise(() => {})
  }

  @OnClose() async closed() {
    await later(5)
    console.log('closed')
  }
}

const page = async (request: Request, { ip }: { ip: string }): Promise<Response> => {
  const { pathname } = new URL(request.url)
  if (pathname === '/fails') throw new Error('the password is 1234')
  if (pathname === '/used') {
    const used = new Response('once')
    await used.text()
    return used
  }
  if (pathname === '/large') return new Response('x'.repeat(24 * 1024 * 1024))
  if (pathname === '/cookies') {
    return new Response(null, {
      status: 204,
      headers: [
        ['set-cookie', 'a=1'],
        ['set-cookie', 'b=2'],
      ],
    })
  }
  if (pathname === '/stream') {
    const parts = ['one', 'two', 'three']
    const stream = new ReadableStream<Uint8Array>({
      async pull(controller) {
        const part = parts.shift()
        if (part === undefined) controller.close()
        else controller.enqueue(new TextEncoder().encode(part))
        await later()
      },
    })
    return new Response(stream)
  }
  if (pathname === '/slow') {
    console.log('slow has begun')
    await ending
  }
  const body = request.method === 'POST' ? await request.text() : ''
  return new Response(`${request.method} ${pathname} ${ip} ${body.length} ${body.slice(0, 20)}`)
}

const quiet = { error() {}, warn() {}, info() {} }

/** The apps, by name: several, since limits are an app's. */
const apps: Record<string, [root: Root, options?: AppOptions]> = {
  main: [
    [Wire, Raw, Rooms, Several, Members, Guarded, Places, Desk, Broken, Pending],
    {
      fetch: page,
      codecs: [msgpack()],
      limits: { payload: 1024 * 1024, burst: 10_000, eventName: 2_000_000 },
    },
  ],
  channels: [Channels, { publish: { key: 'a-key-of-the-black-box', limit: 2_000 } }],
  crowded: [Wire, { limits: { connections: 2 } }],
  addressed: [Wire, { limits: { connectionsPerAddress: 1 }, trustProxy: true }],
  members: [Members],
  narrow: [[Wire, Raw], { limits: { payload: 1_000, burst: 3, rate: 1, depth: 8, eventName: 16 } }],
  patient: [Wire, { limits: { waiting: 10_000, waitingSize: 4 * 1024 * 1024, burst: 10_000 } }],
  pulse: [Wire, { limits: { heartbeat: 100 } }],
  // With the time to answer that a busy machine takes.
  calm: [Wire, { limits: { heartbeat: 1_000 } }],
  slow: [Rooms, { limits: { buffer: 256 * 1024, farewell: 100 } }],
  large: [Raw, { limits: { payload: 4 * 1024 * 1024, buffer: 4 * 1024 * 1024 } }],
}

const [how = 'ports', where = ''] = process.argv.slice(2)
const made = (name: string) => {
  const [root, options] = apps[name] as (typeof apps)[string]
  return createApp(root, { logger: quiet, ...options })
}

if (how === 'unix') {
  const { url } = await made('main').listen({ unix: where })
  console.log(JSON.stringify({ url }))
} else if (how === 'at') {
  const [hostname = '', port = ''] = where.split(' ')
  const { url } = await made('main').listen({ hostname, port: Number(port) })
  console.log(JSON.stringify({ url }))
} else {
  const ports: Record<string, number> = {}
  for (const name of Object.keys(apps)) {
    const { port = 0 } = await made(name).listen({ port: 0, hostname: '127.0.0.1' })
    ports[name] = port
  }
  console.log(JSON.stringify(ports))
}
