import { afterEach, describe, expect, test } from 'bun:test'
import { contextOf, createApp, Gateway, GatewayContext, On, OnClose, OnOpen, type Socket } from 'partyline'
import { App } from '../../lib/core/app.ts'
import { MemoryRuntime } from '../../lib/runtime/memory.ts'
import { CollectingLogger } from '../support/logger.ts'

const notes: string[] = []

@Gateway('/party')
class Party {
  constructor(private readonly party: GatewayContext) {}

  @OnOpen() opened(socket: Socket) {
    socket.join('dance floor')
  }

  @On() say(_: Socket, text: string) {
    this.party.to('dance floor').emit('said', text)
    return this.party.sockets.size
  }

  @OnClose() closed() {
    notes.push('closed')
  }
}

const log = new CollectingLogger()

/** An app that nobody listens for yet. */
function partyApp() {
  return createApp(Party, { logger: log, fetch: () => new Response('from the app') })
}

const servers: Bun.Server<unknown>[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop(true)
  expect(log.take()).toEqual([])
  notes.length = 0
})

/** The messages of a client, from its opening on. */
async function connect(server: Bun.Server<unknown>, path: string) {
  const socket = new WebSocket(`ws://127.0.0.1:${server.port}${path}`)
  const messages: string[] = []
  let wake = () => {}
  socket.onmessage = ({ data }) => {
    messages.push(String(data))
    wake()
  }
  const closed = new Promise<number>((resolve) => {
    socket.onclose = ({ code }) => resolve(code)
  })
  await new Promise((resolve, reject) => {
    socket.onopen = resolve
    socket.onerror = reject
  })
  return {
    socket,
    closed,
    async take(count: number) {
      while (messages.length < count)
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      return messages.splice(0, count)
    },
  }
}

describe('app.fetch and app.websocket serve in a Bun.serve of your own', () => {
  test('beside its routes, with broadcasts through its own publish', async () => {
    const app = partyApp()
    const server = Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      routes: {
        '/about': new Response('about the party'),
        '/guests/:name': ({ params }) => new Response(`guest ${params.name}`),
      },
      fetch: app.fetch,
      websocket: app.websocket,
    })
    servers.push(server)

    const [ada, eve] = [await connect(server, '/party'), await connect(server, '/party')]
    ada.socket.send('{"event":"say","data":"hi","id":1}')
    expect(await eve.take(1)).toEqual(['{"event":"said","data":"hi"}'])
    expect((await ada.take(2)).toSorted()).toEqual(['{"ack":1,"data":2}', '{"event":"said","data":"hi"}'])

    const text = async (path: string) => (await fetch(new URL(path, server.url))).text()
    expect(await text('/about')).toBe('about the party')
    expect(await text('/guests/ada')).toBe('guest ada')
    expect(await text('/elsewhere')).toBe('from the app')
    expect(await text('/healthz')).toBe('{"status":"ok","connections":2}')
    expect((await fetch(new URL('/party', server.url))).status).toBe(426)
    await app.stop()
  })

  test('behind a fetch of your own that hands on what is not its', async () => {
    const app = partyApp()
    const server = Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      fetch(request, own) {
        if (new URL(request.url).pathname === '/mine') return new Response('mine')
        return app.fetch(request, own)
      },
      websocket: app.websocket,
    })
    servers.push(server)

    expect(await (await fetch(new URL('/mine', server.url))).text()).toBe('mine')
    const client = await connect(server, '/party')
    client.socket.send('{"event":"say","data":"hi"}')
    expect(await client.take(1)).toEqual(['{"event":"said","data":"hi"}'])
    await app.stop()
  })

  // It once ended the server, with everything else that its owner served there.
  test('and app.stop closes its sockets with 1001, and leaves that server to its owner', async () => {
    const app = partyApp()
    const server = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: app.fetch, websocket: app.websocket })
    servers.push(server)
    const client = await connect(server, '/party')
    await app.stop()
    expect(await client.closed).toBe(1001)
    expect(notes).toEqual(['closed'])
    const page = await fetch(server.url)
    expect(page.status).toBe(503)
    expect(await page.json()).toEqual({
      error: { code: 'UNAVAILABLE', message: 'the server is going away' },
    })
    expect((await fetch(new URL('/healthz', server.url))).status).toBe(503)
    await expect(connect(server, '/party')).rejects.toBeDefined()
  })

  // An app on two servers, as one for each address, published to those of the first only.
  test('several of them at once: a broadcast reaches the sockets of each', async () => {
    const app = partyApp()
    const [one, other] = [0, 1].map(() =>
      Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: app.fetch, websocket: app.websocket }),
    ) as [Bun.Server<unknown>, Bun.Server<unknown>]
    servers.push(one, other)
    const { port } = await app.listen({ port: 0, hostname: '127.0.0.1', signals: false })
    const own = { port, url: new URL(`http://127.0.0.1:${port}`) } as Bun.Server<unknown>
    const clients = await Promise.all([one, other, own].map((server) => connect(server, '/party')))
    app.get(contextOf(Party)).emit('news')
    for (const client of clients) expect(await client.take(1)).toEqual(['{"event":"news","args":[]}'])
    await app.stop()
    for (const client of clients) expect(await client.closed).toBe(1001)
    await expect(fetch(own.url)).rejects.toThrow()
    expect((await fetch(one.url)).status).toBe(503)
  })

  test('one that was given no websocket answers a handshake with 500, and the log says what is missing', async () => {
    const app = partyApp()
    const server = Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      fetch: (request, server) => app.fetch(request, server as never) as Response,
    })
    servers.push(server)
    const headers = {
      upgrade: 'websocket',
      connection: 'Upgrade',
      'sec-websocket-version': '13',
      'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    }
    const response = await fetch(new URL('/party', server.url), { headers })
    expect(response.status).toBe(500)
    expect(await response.json()).toEqual({
      error: { code: 'INTERNAL', message: 'the server failed to handle this' },
    })
    expect(log.take()).toMatchObject([{ error: { message: expect.stringContaining('websocket') } }])
    await app.stop()
  })
})

test('app.fetch needs no network where the runtime has none', async () => {
  const app = new App(Party, { logger: log }, (host) => new MemoryRuntime(host))
  const { fetch } = app
  expect((await fetch(new Request('http://localhost/healthz'))).status).toBe(200)
  expect((await fetch(new Request('http://localhost/nothing'))).status).toBe(404)
  expect(app.websocket).toBeUndefined()
  await app.stop()
})
