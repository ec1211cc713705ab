import { afterEach, describe, expect, test } from 'bun:test'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type App, createApp, Gateway, GatewayContext, On, OnOpen, type Socket } from 'partyline'
import { connect } from '../contract/network.ts'
import { runtimeContract } from '../contract/runtime.ts'
import type { Serve } from '../contract/start.ts'
import { WireClient } from '../support/tcp.ts'
import { until } from '../support/until.ts'

const serve: Serve = async (root, options) => {
  const app = createApp(root, options)
  const { port } = await app.listen({ port: 0, hostname: '127.0.0.1', signals: false })
  return {
    app,
    connect: (path, options) => connect(`ws://127.0.0.1:${port}${path}`, options),
    fetch: (path, init) => fetch(`http://127.0.0.1:${port}${path}`, init),
  }
}

runtimeContract('the runtime of Bun', serve)

@Gateway('/echo')
class Echo {
  constructor(private readonly context: GatewayContext) {}

  @OnOpen() opened({ handshake }: Socket) {
    this.context.emit('from', handshake.ip)
  }

  @On() echo(_: Socket, data: unknown) {
    return data
  }
}

describe('listening', () => {
  const apps: ReturnType<typeof createApp>[] = []
  afterEach(async () => {
    for (const app of apps.splice(0)) await app.stop()
  })

  function made(): ReturnType<typeof createApp> {
    const app = createApp(Echo)
    apps.push(app)
    return app
  }

  test('on a unix socket', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'partyline-'))
    const path = join(folder, 'party.sock')
    const app = made()
    expect(await app.listen({ unix: path, signals: false })).toEqual({ unix: path, url: path })
    const client = await WireClient.open({ path }, '/echo')
    expect(client.head).toStartWith('HTTP/1.1 101 ')
    expect(await client.text()).toBe('{"event":"from","data":""}')
    expect(await client.ask('{"event":"echo","data":1,"id":1}')).toBe('{"ack":1,"data":1}')
    await app.stop()
    await until(() => client.ended, 'the end')
    expect(existsSync(path)).toBe(false)
    rmSync(folder, { recursive: true })
  })

  test('on a port that is free, on a given address', async () => {
    const { port, hostname, url } = await made().listen({ port: 0, hostname: '127.0.0.1', signals: false })
    expect(port).toBeGreaterThan(0)
    expect(hostname).toBe('127.0.0.1')
    expect(url).toBe(`http://127.0.0.1:${port}`)
    expect((await fetch(`${url}/healthz`)).status).toBe(200)
  })

  test('by a server that was started by hand, beside pages of its own', async () => {
    const app = made()
    const server = Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      fetch: (request, server) =>
        new URL(request.url).pathname === '/page' ? new Response('a page') : app.fetch(request, server),
      websocket: app.websocket,
    })
    const client = await WireClient.open({ port: server.port as number, host: '127.0.0.1' }, '/echo')
    expect(await client.text()).toBe('{"event":"from","data":"127.0.0.1"}')
    expect(await client.ask('{"event":"echo","data":1,"id":1}')).toBe('{"ack":1,"data":1}')
    expect(await (await fetch(new URL('/page', server.url))).text()).toBe('a page')
    expect((await fetch(new URL('/echo', server.url))).status).toBe(426)
    client.destroy()
    await app.stop()
  })

  test('where it cannot, the error says why and what to do', async () => {
    const { port } = await made().listen({ port: 0, hostname: '127.0.0.1', signals: false })
    const listen = (options: Parameters<App['listen']>[0]) => made().listen({ signals: false, ...options })
    await expect(listen({ port, hostname: '127.0.0.1' })).rejects.toMatchObject({
      name: 'PartylineError',
      code: 'LISTEN_FAILED',
      message: `cannot listen on 127.0.0.1:${port}: it is in use already. Choose another with --port, PORT, or the "port" option; 0 is any free one`,
    })
    await expect(listen({ port: 70_000 })).rejects.toThrow(
      'cannot listen on localhost:70000: a port is a whole number from 0 to 65535',
    )
    await expect(listen({ port: 0, hostname: 'no..such..host' })).rejects.toThrow(
      'cannot listen on no..such..host:0: there is no such host. Use localhost, 0.0.0.0 or an address of this machine',
    )
    await expect(listen({ port: 0, hostname: '192.0.2.1' })).rejects.toThrow(
      'cannot listen on 192.0.2.1:0: no network interface of this machine has that address. Use localhost, 0.0.0.0 or [::]',
    )
    const unix = join(tmpdir(), 'no such folder', 'party.sock')
    await expect(listen({ unix })).rejects.toThrow(`cannot listen on ${unix}: its folder does not exist`)
  })

  // They have no addresses, and so counted as one.
  test('the limit of connections per address is not for unix sockets', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'partyline-'))
    const path = join(folder, 'party.sock')
    const app = createApp(Echo, { limits: { connectionsPerAddress: 1 } })
    apps.push(app)
    await app.listen({ unix: path, signals: false })
    for (let i = 0; i < 2; i++) {
      const client = await WireClient.open({ path }, '/echo')
      expect(client.head).toStartWith('HTTP/1.1 101 ')
    }
    await app.stop()
    rmSync(folder, { recursive: true })
  })

  // The advice was about ports.
  test('a unix socket in use is said to be in use, with advice about paths', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'partyline-'))
    const unix = join(folder, 'party.sock')
    await made().listen({ unix, signals: false })
    await expect(made().listen({ unix, signals: false })).rejects.toThrow(
      `cannot listen on ${unix}: it is in use already. Choose another with the "unix" option, or remove it if nobody listens on it`,
    )
    await apps[0]?.stop()
    rmSync(folder, { recursive: true })
  })

  // Bun took an empty hostname for all interfaces, and an empty path for no place at all.
  test('an empty hostname or path is a mistake, and no place', async () => {
    await expect(made().listen({ port: 0, hostname: '', signals: false })).rejects.toMatchObject({
      code: 'LISTEN_FAILED',
      message:
        'cannot listen: the option "hostname" is empty. Leave it out, or say where: localhost, 0.0.0.0 or [::]',
    })
    await expect(made().listen({ unix: '', signals: false })).rejects.toThrow(
      'cannot listen: the option "unix" is empty. Leave it out, or say where: the path of a socket',
    )
  })

  // It did, on a second port, and stopping ended only one of the two.
  test('an app that listens does not listen again', async () => {
    const app = made()
    const { url } = await app.listen({ port: 0, signals: false })
    await expect(app.listen({ port: 0, signals: false })).rejects.toMatchObject({
      code: 'LISTEN_FAILED',
      message: 'cannot listen: this app listens already, and an app listens in one place',
    })
    expect((await fetch(`${url}/healthz`)).status).toBe(200)
  })

  test('an app that could not listen in one place can in another', async () => {
    const { port } = await made().listen({ port: 0, hostname: '127.0.0.1', signals: false })
    const app = made()
    await expect(app.listen({ port, hostname: '127.0.0.1', signals: false })).rejects.toThrow('in use')
    const { url } = await app.listen({ port: 0, signals: false })
    expect((await fetch(`${url}/healthz`)).status).toBe(200)
  })
})
