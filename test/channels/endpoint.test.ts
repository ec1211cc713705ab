import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { createPublisher, memory, publishEndpoint, type StandalonePublisher } from 'partyline'
import { CollectingLogger } from '../support/logger.ts'

const key = 'a key of its own'.replaceAll(' ', '-')
const log = new CollectingLogger()
let broker: ReturnType<typeof memory>
let publisher: StandalonePublisher
let endpoint: (request: Request) => Promise<Response>
let failures: unknown[]

beforeEach(() => {
  broker = memory()
  publisher = createPublisher({ broker, log })
  failures = []
  endpoint = publishEndpoint({ publisher, key, limit: 1_000, failed: (error) => failures.push(error) })
})
afterEach(async () => {
  await publisher.close()
  expect(failures).toEqual([])
})

/** Asks, with the key where nothing else is said; answers with the status and the body. */
async function ask(
  body: BodyInit | null,
  init: RequestInit = {},
): Promise<[status: number, body: never, Response]> {
  const authorization = `Bearer ${key}`
  const request = new Request('http://localhost/publish', {
    method: 'POST',
    headers: { authorization },
    body,
    ...init,
  })
  const response = await endpoint(request)
  expect(response.headers.get('content-type')).toStartWith('application/json')
  return [response.status, (await response.json()) as never, response]
}

async function kept(name: string): Promise<string | undefined> {
  const bytes = await broker.values.get(name)
  return bytes && new TextDecoder().decode(bytes)
}

describe('the endpoint', () => {
  test('publishes a message', async () => {
    const [status, body] = await ask(
      '{"facility":"fac","broadcast":true,"users":["ann"],"data":{"a":[1,"ü"]},"expiry":60000}',
    )
    expect([status, body]).toEqual([
      200,
      {
        published: [
          { key: 'user:ann:fac', at: expect.any(Number) },
          { key: 'broadcast:fac', at: expect.any(Number) },
        ],
      },
    ] as never)
    expect(await kept('broadcast:fac')).toBe('{"a":[1,"ü"]}')
    expect(await kept('user:ann:fac')).toBe('{"a":[1,"ü"]}')
  })

  test.each([
    ['"data":"Hello"', 'Hello', 'Hello'],
    ['"data":null', 'null', null],
    ['"data":false', 'false', false],
    ['"text":"{}"', '{}', '{}'],
    ['"text":""', '', ''],
  ])('takes %p', async (member, bare, data) => {
    expect((await ask(`{"facility":"fac","broadcast":true,${member}}`))[0]).toBe(200)
    expect(await kept('broadcast:fac')).toBe(bare)
    expect((await publisher.fetch('fac', { broadcast: true }))?.data).toEqual(data)
  })

  test('takes bytes in base64', async () => {
    expect((await ask('{"facility":"fac","groups":["staff"],"base64":"AP/I"}'))[0]).toBe(200)
    expect(await broker.values.get('group:staff:fac')).toEqual(Uint8Array.of(0, 255, 200))
  })

  test('takes several, and what is not kept', async () => {
    const one = '{"facility":"fac","broadcast":true,"data":1,"history":3}'
    const [status, body] = await ask(`[${one},{"facility":"fac","sessions":["k"],"data":2,"keep":false}]`)
    expect([status, body]).toEqual([
      200,
      [
        { published: [{ key: 'broadcast:fac', at: expect.any(Number) }] },
        { published: [{ key: 'session:k:fac' }] },
      ],
    ] as never)
    expect(await kept('session:k:fac')).toBeUndefined()
    expect((await ask('[]')).slice(0, 2)).toEqual([200, []] as never)
  })

  test.each([
    ['nothing', {}],
    ['another', { authorization: `Bearer ${key}x` }],
    ['a part', { authorization: `Bearer ${key.slice(0, -1)}` }],
    ['none', { authorization: 'Bearer ' }],
    ['another scheme', { authorization: `Basic ${key}` }],
    ['more', { authorization: `Bearer ${key} ${key}` }],
    ['the bare key', { authorization: key }],
  ])('refuses whoever has %s for a key', async (_, headers) => {
    const message = '{"facility":"fac","broadcast":true,"data":1}'
    const [status, body, response] = await ask(message, { headers: headers as Record<string, string> })
    expect([status, body]).toEqual([
      401,
      {
        error: { code: 'UNAUTHENTICATED', message: 'publishing needs the key: Authorization: Bearer <key>' },
      },
    ] as never)
    expect(response.headers.get('www-authenticate')).toBe('Bearer')
    expect(broker.counters.published).toBe(0)
  })

  test('takes any of several keys', async () => {
    endpoint = publishEndpoint({ publisher, key: ['another-key-of-its-own', key] })
    const message = '{"facility":"fac","broadcast":true,"data":1}'
    for (const [one, status] of [
      [key, 200],
      ['another-key-of-its-own', 200],
      ['a-third-key-of-its-own', 401],
    ])
      expect((await ask(message, { headers: { authorization: `bearer ${one}` } }))[0]).toBe(status as number)
  })

  test.each([
    ['', 'BAD_REQUEST', 'the body is not JSON in UTF-8'],
    ['{"facility"', 'BAD_REQUEST', 'not JSON'],
    [Uint8Array.of(34, 255, 34), 'BAD_REQUEST', 'not JSON in UTF-8'],
    ['null', 'INVALID_DATA', 'this is no object'],
    ['5', 'INVALID_DATA', 'this is no object'],
    ['[[]]', 'INVALID_DATA', 'message 0: this is no object'],
    ['{"facility":"fac","broadcast":true}', 'INVALID_DATA', 'it takes one of data, text and base64'],
    [
      '{"facility":"fac","broadcast":true,"data":1,"text":"a"}',
      'INVALID_DATA',
      'one of data, text and base64',
    ],
    ['{"facility":"fac","broadcast":true,"text":1}', 'INVALID_DATA', 'text is no string'],
    ['{"facility":"fac","broadcast":true,"base64":"ä"}', 'INVALID_DATA', 'base64 is no text in base64'],
    ['{"facility":"fac","broadcast":true,"base64":7}', 'INVALID_DATA', 'base64 is no text in base64'],
    ['{"facility":"fac","broadcast":"yes","data":1}', 'INVALID_DATA', 'broadcast is neither true nor false'],
    [
      '{"facility":"fac","user":"ann","data":1}',
      'INVALID_DATA',
      '"user" means nothing: there are facility, broadcast',
    ],
    ['{"facility":"fac","users":[],"self":{"user":"ann"},"data":1}', 'INVALID_DATA', '"self" means nothing'],
    ['{"broadcast":true,"data":1}', 'INVALID_DATA', 'the name of a facility is undefined'],
    ['{"facility":"a:b","broadcast":true,"data":1}', 'INVALID_DATA', 'the name of a facility has ":" in it'],
    ['{"facility":"fac","data":1}', 'INVALID_DATA', 'this is for nobody'],
    ['{"facility":"fac","users":null,"data":1}', 'INVALID_DATA', 'users is no list'],
    ['{"facility":"fac","users":[["ann"]],"data":1}', 'INVALID_DATA', 'the name of a user is object'],
    ['{"facility":"fac","broadcast":true,"data":1,"expiry":"1h"}', 'INVALID_DATA', 'the expiry is a string'],
    [
      '{"__proto__":{"broadcast":true},"facility":"fac","data":1}',
      'INVALID_DATA',
      '"__proto__" means nothing',
    ],
  ])('refuses %p', async (body, code, message) => {
    expect((await ask(body)).slice(0, 2)).toMatchObject([
      400,
      { error: { code, message: expect.stringContaining(message) } },
    ] as never)
    expect(broker.counters.published).toBe(0)
  })

  test('publishes nothing of a list in which one is wrong', async () => {
    const one = '{"facility":"fac","broadcast":true,"data":1}'
    expect((await ask(`[${one},{"facility":"","broadcast":true,"data":1}]`)).slice(0, 2)).toEqual([
      400,
      {
        error: {
          code: 'INVALID_DATA',
          message: 'message 1: the name of a facility is empty',
          details: { facility: '', index: 1 },
        },
      },
    ] as never)
    expect(broker.counters.published).toBe(0)
  })

  test('refuses what is too long, whether that is said or not', async () => {
    const long = JSON.stringify({ facility: 'fac', broadcast: true, data: 'x'.repeat(1_000) })
    const expected = [413, { error: { code: 'TOO_LARGE', message: 'the request is longer than 1000 bytes' } }]
    expect((await ask(long)).slice(0, 2)).toEqual(expected as never)
    let pulled = 0
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        pulled++
        controller.enqueue(new Uint8Array(100).fill(32))
      },
    })
    expect((await ask(endless)).slice(0, 2)).toEqual(expected as never)
    expect(pulled).toBeLessThan(20)
  })

  test('takes a body that comes in parts', async () => {
    const parts = ['{"facility":"parts","bro', 'adcast":true,', '"data":"in parts"}']
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        for (const part of parts) controller.enqueue(new TextEncoder().encode(part))
        controller.close()
      },
    })
    expect((await ask(body))[0]).toBe(200)
    expect(await kept('broadcast:parts')).toBe('in parts')
  })

  test('is for POST only', async () => {
    for (const method of ['GET', 'PUT', 'DELETE', 'OPTIONS']) {
      const [status, body, response] = await ask(null, { method })
      expect([status, response.headers.get('allow')]).toEqual([405, 'POST'])
      expect(body).toMatchObject({ error: { code: 'METHOD_NOT_ALLOWED' } })
    }
  })

  test('says when the broker is away', async () => {
    broker.cut()
    const [status, body, response] = await ask('{"facility":"fac","broadcast":true,"data":1}')
    expect([status, body]).toEqual([
      503,
      { error: { code: 'UNAVAILABLE', message: 'the broker is away' } },
    ] as never)
    expect(response.headers.get('retry-after')).toBe('1')
  })

  test('does not log that somebody went away in the middle of a request: that was taken for a failure of the server', async () => {
    const body = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode('{"facility":"fac",'))
        controller.error(new DOMException('The connection was closed.', 'AbortError'))
      },
    })
    expect((await ask(body)).slice(0, 2)).toEqual([
      400,
      { error: { code: 'BAD_REQUEST', message: 'the body ended before it was whole' } },
    ] as never)
    expect(failures).toEqual([])
    expect(broker.counters.published).toBe(0)
  })

  test('tells nobody of what fails within, but the log', async () => {
    broker.streams.append = () => {
      throw new Error('secret')
    }
    const [status, body] = await ask('{"facility":"fac","broadcast":true,"data":1}')
    expect([status, body]).toEqual([
      500,
      { error: { code: 'INTERNAL', message: 'the server failed to handle this' } },
    ] as never)
    expect(failures.splice(0)).toEqual([new Error('secret')])
  })

  test('is not made with a key that is too short', () => {
    for (const wrong of ['short', '', 'a key with spaces in it', [], [key, 'short']])
      expect(() => publishEndpoint({ publisher, key: wrong })).toThrow(TypeError)
  })
})
