import { expect, test } from 'bun:test'
import { Gateway, On, type Socket } from 'partyline'
import { Gate } from '../support/gate.ts'
import { until } from '../support/until.ts'
import type { Start } from './start.ts'

@Gateway('/party')
class Party {}

async function page(request: Request): Promise<Response> {
  const { pathname } = new URL(request.url)
  if (pathname === '/fail') throw new Error('on purpose')
  return new Response(`${request.method} ${pathname} ${await request.text()}`, {
    headers: { 'x-page': 'yes' },
  })
}

export function http(start: Start): void {
  test('what is no gateway goes to the fetch handler', async () => {
    const { fetch } = await start(Party, { fetch: page })
    const response = await fetch('/api/things?x=1', { method: 'POST', body: 'a body' })
    expect(response.headers.get('x-page')).toBe('yes')
    expect(await response.text()).toBe('POST /api/things a body')
    expect((await fetch('/party')).status).toBe(426)
  })

  test('without a fetch handler it is 404', async () => {
    const { fetch } = await start(Party)
    const response = await fetch('/')
    expect(response.status).toBe(404)
    expect(await response.json()).toEqual({ error: { code: 'NOT_FOUND', message: 'nothing at /' } })
  })

  test('a fetch handler that fails is answered with 500, masked, and logged', async () => {
    const { fetch, logged } = await start(Party, { fetch: page })
    const response = await fetch('/fail')
    expect(response.status).toBe(500)
    expect(await response.json()).toEqual({
      error: { code: 'INTERNAL', message: 'the server failed to handle this' },
    })
    expect(logged()).toMatchObject([{ path: '/fail', error: new Error('on purpose') }])
  })

  // Only gateways' failures reached onError, so that what reports errors from there missed those of all pages.
  test('onError is told of a fetch handler that fails, with the path, and it is counted', async () => {
    const told: unknown[] = []
    const { app, fetch, logged } = await start(Party, {
      fetch: page,
      onError: (error, where) => told.push([error, where]),
    })
    await fetch('/fail?token=s3cret')
    expect(told).toEqual([[new Error('on purpose'), { path: '/fail' }]])
    expect(app.stats().internalErrors).toBe(1)
    expect(logged()).toEqual([
      { level: 'error', message: 'the fetch handler failed', path: '/fail', error: new Error('on purpose') },
    ])
  })

  test('an onError that fails is logged, and the page is answered all the same', async () => {
    const { fetch, logged } = await start(Party, {
      fetch: page,
      onError: () => {
        throw new Error('no network')
      },
    })
    expect((await fetch('/fail')).status).toBe(500)
    expect(logged()).toMatchObject([
      { path: '/fail' },
      { message: 'onError failed', error: new Error('no network') },
    ])
  })

  // One that forgot to return, or called `server.upgrade`, was left to the runtime, which answered with a page of its own.
  test('a fetch handler that returns nothing is answered with 500, and logged', async () => {
    const nothing = (() => undefined) as unknown as () => Response
    const { fetch, logged } = await start(Party, { fetch: nothing })
    const response = await fetch('/nothing')
    expect(response.status).toBe(500)
    expect(await response.json()).toEqual({
      error: { code: 'INTERNAL', message: 'the server failed to handle this' },
    })
    expect(logged()).toMatchObject([
      { path: '/nothing', error: new TypeError('the fetch handler returned no Response') },
    ])
  })

  // Pages had no way to know who asks.
  test('the fetch handler is told the address of who asks', async () => {
    const { fetch } = await start(Party, { fetch: (_, { ip }) => new Response(ip) })
    expect(await (await fetch('/', { headers: { 'x-forwarded-for': '10.0.0.1' } })).text()).toBe('127.0.0.1')
  })

  test('behind a proxy that is trusted, the address is what the proxy says', async () => {
    const { fetch } = await start(Party, { fetch: (_, { ip }) => new Response(ip), trustProxy: true })
    const headers = { 'x-forwarded-for': '6.6.6.6, 10.0.0.1' }
    expect(await (await fetch('/', { headers })).text()).toBe('10.0.0.1')
  })

  test('behind two of them, it is what the outer one says', async () => {
    const { fetch } = await start(Party, { fetch: (_, { ip }) => new Response(ip), trustProxy: 2 })
    const headers = { 'x-forwarded-for': '6.6.6.6, 192.0.2.7, 10.0.0.1' }
    expect(await (await fetch('/', { headers })).text()).toBe('192.0.2.7')
  })

  test('the fetch handler is called as a plain function', async () => {
    const { fetch } = await start(Party, {
      fetch: function (this: unknown) {
        return Response.json({ plain: this === undefined })
      },
    })
    expect(await (await fetch('/')).json()).toEqual({ plain: true })
  })

  test('/healthz is for GET and HEAD, and 405 for other methods', async () => {
    const { fetch } = await start(Party, { fetch: page })
    const head = await fetch('/healthz', { method: 'HEAD' })
    expect(head.status).toBe(200)
    expect(head.headers.get('content-type')).toStartWith('application/json')
    expect(await head.text()).toBe('')
    for (const method of ['POST', 'DELETE', 'OPTIONS']) {
      const response = await fetch('/healthz', { method })
      expect(response.status).toBe(405)
      expect(response.headers.get('allow')).toBe('GET, HEAD')
      expect(await response.json()).toEqual({
        error: { code: 'METHOD_NOT_ALLOWED', message: '/healthz is for GET and HEAD' },
      })
    }
  })

  test('/healthz says ok and how many are connected, before the fetch handler', async () => {
    const { app, connect, fetch } = await start(Party, { fetch: page })
    const client = await connect('/party')
    await until(() => app.sockets.size === 1, 'the socket')
    const response = await fetch('/healthz')
    expect(response.status).toBe(200)
    expect(await response.json()).toEqual({ status: 'ok', connections: 1 })
    client.close()
    await until(async () => {
      const { connections } = (await (await fetch('/healthz')).json()) as { connections: number }
      return connections === 0
    }, 'the socket to be gone')
  })

  test('/healthz is answered before a gateway whose path fits it', async () => {
    @Gateway('/:room')
    class AnyRoom {
      @On() room({ params }: Socket) {
        return params.room
      }
    }

    const { connect, fetch } = await start(AnyRoom)
    expect((await fetch('/healthz')).status).toBe(200)
    expect((await fetch('/health')).status).toBe(426)
    const client = await connect('/healthz')
    expect(await client.ask('{"event":"room","id":1}')).toBe('{"ack":1,"data":"healthz"}')
  })

  test('while the app goes away, /healthz is 503 and pages are still served', async () => {
    const gate = new Gate()

    @Gateway('/slow')
    class Slow {
      @On() wait() {
        return gate.pass()
      }
    }

    const { app, connect, fetch } = await start(Slow, { fetch: page })
    const client = await connect('/slow')
    client.send('{"event":"wait"}')
    await until(() => gate.arrived === 1, 'the handler')
    const stopped = app.stop()
    const response = await fetch('/healthz')
    expect(response.status).toBe(503)
    expect(await response.json()).toEqual({ status: 'draining', connections: 1 })
    expect(await (await fetch('/page')).text()).toBe('GET /page ')
    gate.open()
    await stopped
  })
}
