import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { until } from '../../support/until.ts'
import { answerIn, ask, exchange, get } from '../http.ts'
import type { Declare, Subject } from '../subject.ts'

const internal = '{"error":{"code":"INTERNAL","message":"the server failed to handle this"}}'

export function http(test: Declare, { place }: Subject): void {
  test('/healthz says that all is well, to GET and HEAD only', async () => {
    const { status, headers, body } = await get(place(), '/healthz')
    assert.match(body, /^\{"status":"ok","connections":\d+\}$/)
    assert.equal(status, 200)
    assert.match(headers.get('content-type') ?? '', /^application\/json/)
    const head = await ask(place(), 'HEAD /healthz HTTP/1.1', { host: 'localhost', connection: 'close' })
    assert.deepEqual([head.status, head.body], [200, ''])
    const post = await ask(place(), 'POST /healthz HTTP/1.1', { host: 'localhost', 'content-length': '0' })
    assert.deepEqual([post.status, post.headers.get('allow')], [405, 'GET, HEAD'])
  })

  test('what is no gateway goes to the pages, with the address of who asks', async () => {
    const { status, body } = await get(place(), '/a/page?x=1')
    assert.deepEqual([status, body], [200, 'GET /a/page 127.0.0.1 0 '])
  })

  test('where there are no pages it is 404 in JSON', async () => {
    const { status, body } = await get(place('narrow'), '/page')
    assert.equal(body, '{"error":{"code":"NOT_FOUND","message":"nothing at /page"}}')
    assert.equal(status, 404)
  })

  test('a body arrives, whether its length is said or not', async () => {
    const said = await ask(place(), 'POST /p HTTP/1.1', { host: 'localhost', 'content-length': '5' }, 'hello')
    assert.equal(said.body, 'POST /p 127.0.0.1 5 hello')
    const chunks = '5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n'
    const chunked = { host: 'localhost', 'transfer-encoding': 'chunked' }
    const unsaid = await ask(place(), 'POST /p HTTP/1.1', chunked, chunks)
    assert.equal(unsaid.body, 'POST /p 127.0.0.1 11 hello world')
  })

  test('a method in small letters, which is another method, makes nothing fail', async () => {
    // Deno's answer was 500, with an error in the log, for whoever asked so. Some close without an answer.
    for (const method of ['get', 'head']) {
      const asked = ask(place(), `${method} /page HTTP/1.1`, { host: 'localhost', connection: 'close' })
      const answer = await asked.catch(() => undefined)
      assert.notEqual(answer?.status, 500)
    }
  })

  for (const path of ['/fails', '/used']) {
    test(`a page that goes wrong is answered 500 in JSON, without its reason: ${path}`, async () => {
      const { status, body } = await get(place(), path)
      assert.deepEqual([status, body], [500, internal])
    })
  }

  test('a page comes whole, be it large or in parts, and so do its cookies', async () => {
    assert.equal((await get(place(), '/large')).body.length, 24 * 1024 * 1024)
    assert.equal((await get(place(), '/stream')).body, 'onetwothree')
    const { status, headers } = await get(place(), '/cookies')
    assert.deepEqual([status, headers.getSetCookie()], [204, ['a=1', 'b=2']])
  })

  test('a page in one piece says how long it is', async () => {
    assert.equal((await get(place(), '/a/page')).headers.get('content-length'), '24')
  })

  test('one connection asks for several pages', async () => {
    const socket = connect(place())
    let text = ''
    socket.setEncoding('latin1').on('data', (data: string) => {
      text += data
    })
    for (const name of ['one', 'two', 'three']) {
      text = ''
      socket.write(`GET /${name} HTTP/1.1\r\nHost: localhost\r\n\r\n`)
      await until(() => answerIn(text, false) !== undefined, 'an answer')
      assert.equal(answerIn(text, false)?.body, `GET /${name} 127.0.0.1 0 `)
    }
    socket.destroy()
  })

  test('HTTP/1.0 without Host is answered, and pages see a whole url', async () => {
    assert.equal((await exchange(place(), 'GET /healthz HTTP/1.0\r\n\r\n')).status, 200)
    assert.equal((await exchange(place(), 'GET /old HTTP/1.0\r\n\r\n')).body, 'GET /old 127.0.0.1 0 ')
  })

  for (const host of ['[', '%', 'x:99999', '']) {
    test(`a Host that makes no url is answered 400 in JSON: "${host}"`, async () => {
      const { status, body } = await get(place(), '/page', { host })
      const message = 'the Host header and the target make no url'
      assert.equal(body, JSON.stringify({ error: { code: 'BAD_REQUEST', message } }))
      assert.equal(status, 400)
    })
  }

  test('a request to become something else than a WebSocket is answered as any other', async () => {
    const { status, body } = await get(place(), '/page', { connection: 'Upgrade', upgrade: 'h2c' })
    assert.deepEqual([status, body], [200, 'GET /page 127.0.0.1 0 '])
  })

  test('what is no HTTP is answered 400', async () => {
    assert.equal((await exchange(place(), 'hello?\r\n\r\n')).status, 400)
  })

  test('a body that is said to be too long is answered 413 before it comes', async () => {
    const length = String(16 * 1024 * 1024 + 1)
    const { status } = await ask(place(), 'POST /p HTTP/1.1', { host: 'localhost', 'content-length': length })
    assert.equal(status, 413)
  })

  test('a body that turns out to be too long is answered 413', async () => {
    const chunk = `100000\r\n${'x'.repeat(1024 * 1024)}\r\n`
    const chunked = { host: 'localhost', 'transfer-encoding': 'chunked' }
    const { status } = await ask(place(), 'POST /p HTTP/1.1', chunked, `${chunk.repeat(17)}0\r\n\r\n`)
    assert.equal(status, 413)
  })
}
