import { afterEach, describe, expect, test } from 'bun:test'
import { createServer, type RequestListener } from 'node:http'
import { connect as connectTo } from 'node:net'
import { type AppOptions, createApp, Gateway, NodeRuntime, On, type Root, type Socket } from 'partyline'
import { connect } from '../contract/network.ts'
import { runtimeContract } from '../contract/runtime.ts'
import type { Serve } from '../contract/start.ts'
import { HandClock } from '../support/clock.ts'
import { CollectingLogger } from '../support/logger.ts'
import { closeCode, WireClient } from '../support/tcp.ts'
import { nextTurn, until } from '../support/until.ts'

const serve: Serve = async (root, options) => {
  const app = createApp(root, { ...options, runtime: NodeRuntime })
  const { port } = await app.listen({ port: 0, hostname: '127.0.0.1', signals: false })
  return {
    app,
    connect: (path, options) => connect(`ws://127.0.0.1:${port}${path}`, options),
    fetch: (path, init) => fetch(`http://127.0.0.1:${port}${path}`, init),
  }
}

runtimeContract('the runtime of Node, on what Bun has of node:http', serve)

@Gateway('/party')
class Party {
  @On() echo(_: Socket, data: unknown) {
    return data
  }
}

@Gateway('/members', { authenticate: async () => ({ user: 'ann' }) })
class Members {}

describe('a server of node:http', () => {
  const ends: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    for (const end of ends.splice(0)) await end()
  })

  /** A server with an app to be served on it. */
  function serverOf(listener?: RequestListener, options: AppOptions = {}) {
    const log = new CollectingLogger()
    const app = createApp(Party, {
      runtime: NodeRuntime,
      logger: log,
      fetch: () => new Response('of the app'),
      ...options,
    })
    const server = createServer(listener)
    ends.push(
      () => app.stop(),
      () => new Promise((resolve) => server.close(resolve).closeAllConnections()),
    )
    const listen = async (): Promise<{ port: number; host: string }> => {
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      return { port: (server.address() as { port: number }).port, host: '127.0.0.1' }
    }
    return { app, server, listen, log }
  }

  /** Another app, to be served beside the first. */
  function otherApp(root: Root) {
    const app = createApp(root, { runtime: NodeRuntime, logger: new CollectingLogger() })
    ends.unshift(() => app.stop())
    return app
  }

  const own: RequestListener = (_, response) => response.end('of its own')

  test('keeps its pages, and has connections at the paths of gateways only', async () => {
    const { app, server, listen } = serverOf(own)
    await app.runtime.attach(server)
    const place = await listen()
    const client = await WireClient.open(place, '/party')
    expect(await client.ask('{"event":"echo","data":1,"id":1}')).toBe('{"ack":1,"data":1}')
    expect(await (await fetch(`http://127.0.0.1:${place.port}/party`)).text()).toBe('of its own')
    expect((await WireClient.open(place, '/elsewhere')).head).toStartWith('HTTP/1.1 404 ')
    client.destroy()
  })

  // Vite and Nest have WebSockets of their own on the same server.
  test('that others take connections from too leaves theirs to them, and not its own refusals', async () => {
    const { app, server, listen } = serverOf(own)
    server.on('upgrade', ({ url }, socket) => {
      if (url === '/theirs') socket.end('HTTP/1.1 299 Theirs\r\n\r\n')
    })
    await app.runtime.attach(server)
    const place = await listen()
    const theirs = await WireClient.open(place, '/theirs')
    expect(theirs.head).toBe('HTTP/1.1 299 Theirs')
    theirs.destroy()
    const ours = await WireClient.open(place, '/party')
    expect(ours.head).toStartWith('HTTP/1.1 101 ')
    ours.destroy()
    const offer = { 'sec-websocket-protocol': 'soap' }
    expect((await WireClient.open(place, '/party', offer)).head).toStartWith('HTTP/1.1 400 ')
  })

  test('may have several apps, and refuses what is at no gateway of any', async () => {
    const { app, server, listen } = serverOf(own)
    const other = otherApp(Members)
    await app.runtime.attach(server)
    await other.runtime.attach(server)
    const place = await listen()
    // The second takes a while to say that its path is its own.
    const heads = ['/party', '/members', '/elsewhere', '/members', '/elsewhere'].map(
      async (path) => (await WireClient.open(place, path)).head.split(' ')[1],
    )
    expect(await Promise.all(heads)).toEqual(['101', '101', '404', '101', '404'])
  })

  test('may have several apps, of which one answers what all refuse, or have', async () => {
    const { app, server, listen } = serverOf(own)
    await app.runtime.attach(server)
    for (const root of [Members, Party]) await otherApp(root).runtime.attach(server)
    const place = await listen()
    const heads = ['http://localhost:99999/', '/party'].map(
      async (path) => (await WireClient.open(place, path)).head.split(' ')[1],
    )
    expect(await Promise.all(heads)).toEqual(['400', '101'])
  })

  test('may ask by hand which of several apps has a path', async () => {
    const { app, server, listen } = serverOf()
    const other = otherApp(Members)
    const appAt = (url = '/') => (other.serves(url) ? other : app)
    server.on('request', (request, response) => appAt(request.url).runtime.listener(request, response))
    server.on('upgrade', (request, socket, head) => appAt(request.url).runtime.upgrade(request, socket, head))
    const place = await listen()
    const heads = ['/party', '/members', '/elsewhere'].map(
      async (path) => (await WireClient.open(place, path)).head.split(' ')[1],
    )
    expect(await Promise.all(heads)).toEqual(['101', '101', '404'])
    const status = async (path: string) => (await fetch(`http://127.0.0.1:${place.port}${path}`)).status
    expect([await status('/party'), await status('/members'), await status('/page')]).toEqual([426, 426, 200])
  })

  test('may have its pages of the app, and its connections by an event of its own', async () => {
    const { app, server, listen } = serverOf()
    server.on('request', app.runtime.listener).on('upgrade', app.runtime.upgrade)
    const place = await listen()
    // The first of them, before ws is there.
    const [client, other] = await Promise.all(
      ['/party', '/elsewhere'].map((path) => WireClient.open(place, path)),
    )
    expect(client?.head).toStartWith('HTTP/1.1 101 ')
    expect(other?.head).toStartWith('HTTP/1.1 404 ')
    const url = `http://127.0.0.1:${place.port}`
    expect(await (await fetch(`${url}/page`)).text()).toBe('of the app')
    expect((await fetch(`${url}/party`)).status).toBe(426)
    expect(await (await fetch(`${url}/healthz`)).json()).toEqual({ status: 'ok', connections: 1 })
    client?.destroy()
  })

  test('goes on when the app stops, which refuses whoever comes', async () => {
    const { app, server, listen } = serverOf(own)
    await app.runtime.attach(server)
    const place = await listen()
    const client = await WireClient.open(place, '/party')
    const stopping = app.stop()
    expect(closeCode(await client.next())).toBe(1_001)
    await stopping
    expect((await WireClient.open(place, '/party')).head).toStartWith('HTTP/1.1 503 ')
    expect(await (await fetch(`http://127.0.0.1:${place.port}/`)).text()).toBe('of its own')
    client.destroy()
  })

  // ws would wait for 5 seconds.
  for (const reads of [true, false]) {
    test(`may end when the app has stopped, with a client that ${reads ? 'answers' : 'reads'} nothing`, async () => {
      const clock = new HandClock()
      const { app, server, listen } = serverOf(own, { clock })
      await app.runtime.attach(server)
      const client = await WireClient.open(await listen(), '/party')
      if (!reads) client.pause()
      let [hasStopped, hasEnded] = [false, false]
      void app.stop().then(() => {
        hasStopped = true
        server.close(() => {
          hasEnded = true
        })
      })
      // Only who reads nothing is waited for, by this clock.
      for (let i = 0; i < 20; i++) await nextTurn()
      if (!reads) expect(hasStopped).toBe(false)
      for (; !reads && !hasStopped; await nextTurn()) clock.advance(100)
      await until(() => hasEnded, 'the end of the server')
      client.destroy()
    })
  }

  test('a line that breaks during the handshake is nothing to anybody', async () => {
    const { app, server, listen, log } = serverOf(own)
    await app.runtime.attach(server)
    const place = await listen()
    for (let i = 0; i < 20; i++) {
      const socket = connectTo(place)
      socket.write('GET /party HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
      socket.resetAndDestroy()
    }
    const client = await WireClient.open(place, '/party')
    expect(await client.ask('{"ping":1}')).toBe('{"pong":1}')
    expect(log.take()).toEqual([])
    client.destroy()
  })

  test('of the kind that speaks the web: fetch answers what becomes no connection', async () => {
    const { app } = serverOf()
    const { fetch } = app.runtime
    const answer = async (path: string, headers: Record<string, string> = {}) => {
      const request = new Request(`http://localhost${path}`, { headers })
      return (await fetch(request, { incoming: { socket: { remoteAddress: '10.0.0.1' } } })).status
    }
    expect(await answer('/page')).toBe(200)
    expect(await answer('/party')).toBe(426)
    const key = { 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==', 'sec-websocket-version': '13' }
    expect(await answer('/party', { upgrade: 'websocket', connection: 'Upgrade', ...key })).toBe(400)
  })
})
