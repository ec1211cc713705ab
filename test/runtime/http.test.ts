import { afterEach, describe, expect, test } from 'bun:test'
import { connect } from 'node:net'
import { type AppOptions, createApp, Gateway } from 'partyline'
import { CollectingLogger } from '../support/logger.ts'
import { until } from '../support/until.ts'

// HTTP in literal bytes over a real TCP socket, as no decent client would write it.

@Gateway('/party')
class Party {}

const log = new CollectingLogger()
const apps: ReturnType<typeof createApp>[] = []
afterEach(async () => {
  for (const app of apps.splice(0)) await app.stop()
  expect(log.take()).toEqual([])
})

/** Serves an app, and returns how to send it bytes and get the status and the body of its answer. */
async function serve(options: AppOptions = {}) {
  const app = createApp(Party, { ...options, logger: log })
  apps.push(app)
  const { port = 0 } = await app.listen({ port: 0, hostname: '127.0.0.1', signals: false })
  const raw = async (bytes: string) => {
    const socket = connect(port, '127.0.0.1')
    let text = ''
    let ended = false
    socket.on('data', (data) => {
      text += data.toString('latin1')
    })
    socket.on('close', () => {
      ended = true
    })
    socket.write(bytes, 'latin1')
    await until(() => ended, 'the end of the answer')
    const [head = '', body = ''] = text.split('\r\n\r\n')
    return { status: Number(head.split(' ')[1]), head, body }
  }
  return { raw, port }
}

const upgrade = [
  'Upgrade: websocket',
  'Connection: Upgrade',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
].join('\r\n')

const badRequest = JSON.stringify({
  error: { code: 'BAD_REQUEST', message: 'the Host header and the target make no url' },
})

describe('a Host header that makes no url', () => {
  // Bun puts the url together from it, parsing that threw, and Bun answered with a page that showed our source.
  test.each(['[', '%', 'a b', '[::1', '<x>', 'x:99999'])(
    'is answered with 400 in JSON: "%s"',
    async (host) => {
      const { raw } = await serve({ fetch: () => new Response('a page') })
      for (const target of ['/', '/healthz', '/party']) {
        const { status, head, body } = await raw(
          `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
        )
        expect(status).toBe(400)
        expect(head.toLowerCase()).toContain('content-type: application/json')
        expect(body).toBe(badRequest)
      }
    },
  )

  test('refuses a handshake too', async () => {
    const { raw } = await serve()
    const { status, body } = await raw(
      `GET /party HTTP/1.1\r\nHost: [\r\n${upgrade.replace('Connection: Upgrade', 'Connection: Upgrade, close')}\r\n\r\n`,
    )
    expect(status).toBe(400)
    expect(body).toBe(badRequest)
  })
})

// HTTP/1.0 knows no Host: such a health check was answered with 500.
test('a request of HTTP/1.0 without Host is answered, and pages see a whole url', async () => {
  const { raw } = await serve({ fetch: ({ url }) => new Response(new URL(url).pathname) })
  expect(await raw('GET /healthz HTTP/1.0\r\n\r\n')).toMatchObject({
    status: 200,
    body: '{"status":"ok","connections":0}',
  })
  expect(await raw('GET /a/page HTTP/1.0\r\n\r\n')).toMatchObject({ status: 200, body: '/a/page' })
})

test('what fails in the server itself is answered with 500 in JSON, without a word of why', async () => {
  const { raw } = await serve({
    fetch: () => {
      const used = new Response('once')
      void used.text()
      return used
    },
  })
  const { status, body } = await raw('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
  expect(status).toBe(500)
  expect(body).toBe('{"error":{"code":"INTERNAL","message":"the server failed to handle this"}}')
  expect(log.take()).toMatchObject([{ level: 'error', message: 'an HTTP request could not be handled' }])
})

test('a body that is too long is refused with 413', async () => {
  const { raw } = await serve({ fetch: async (request) => new Response(await request.text()) })
  const length = 16 * 1024 * 1024 + 1
  const head = `POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${length}\r\nConnection: close\r\n\r\n`
  expect((await raw(head)).status).toBe(413)
})

test('pages are given the server of the runtime, where tools such as Hono look for it', async () => {
  const { port } = await serve({
    fetch: (request, { server }) =>
      Response.json((server as Bun.Server<unknown>).requestIP(request)?.address ?? null),
  })
  expect(await (await fetch(`http://127.0.0.1:${port}/`)).json()).toBe('127.0.0.1')
})

// The end of a long answer was cut off when the app stopped.
test('an answer that is on its way when the app stops arrives whole', async () => {
  const size = 20 * 1024 * 1024
  const { port } = await serve({ fetch: () => new Response('x'.repeat(size)) })
  const socket = connect(port, '127.0.0.1')
  let bytes = 0
  let ended = false
  socket.on('close', () => {
    ended = true
  })
  socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await new Promise((resolve) => socket.once('readable', resolve))
  const stopping = apps.splice(0)[0]?.stop()
  socket.on('data', (data) => {
    bytes += data.length
  })
  await stopping
  await until(() => ended, 'the end of the connection')
  expect(bytes).toBeGreaterThan(size)
})
