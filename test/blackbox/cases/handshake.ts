import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import type { Place } from '../../support/tcp.ts'
import { CLOSE, frameBytes, TEXT, WireClient } from '../../support/tcp.ts'
import { until } from '../../support/until.ts'
import { get, knock, leaveAtTheDoor } from '../http.ts'
import type { Declare, Subject } from '../subject.ts'

const refusal = (code: string, message: string): string => JSON.stringify({ error: { code, message } })

/** What is asked, and how it is refused; `undefined` leaves a header out. */
const refusals: [
  what: string,
  path: string,
  headers: Record<string, string | undefined>,
  status: number,
  body: string,
  answered?: Record<string, string>,
][] = [
  ['no key', '/wire', { 'sec-websocket-key': undefined }, 400, badKey()],
  ['a key that is short', '/wire', { 'sec-websocket-key': 'short' }, 400, badKey()],
  ['a key that is no base64', '/wire', { 'sec-websocket-key': '*'.repeat(24) }, 400, badKey()],
  ['no version', '/wire', { 'sec-websocket-version': undefined }, 426, badVersion(), versions()],
  ['version 8', '/wire', { 'sec-websocket-version': '8' }, 426, badVersion(), versions()],
  ['version thirteen', '/wire', { 'sec-websocket-version': 'thirteen' }, 426, badVersion(), versions()],
  [
    'no Connection',
    '/wire',
    { connection: undefined },
    400,
    refusal('BAD_HANDSHAKE', 'this request cannot become a WebSocket connection'),
  ],
  ['a path with no gateway', '/nowhere', {}, 404, refusal('NOT_FOUND', 'no gateway at /nowhere')],
  [
    'a subprotocol that nobody speaks',
    '/wire',
    { 'sec-websocket-protocol': 'graphql-ws' },
    400,
    refusal('UNKNOWN_SUBPROTOCOL', 'this gateway speaks partyline.json.v1, partyline.msgpack.v1'),
  ],
  [
    'any subprotocol, to a raw gateway',
    '/raw',
    { 'sec-websocket-protocol': 'partyline.json.v1' },
    400,
    refusal('UNKNOWN_SUBPROTOCOL', 'this gateway speaks no subprotocol'),
  ],
  ['nobody known', '/members', {}, 401, refusal('UNAUTHENTICATED', 'nobody is known here')],
  ['a guard that refuses', '/guarded', {}, 403, refusal('FORBIDDEN', 'this is not allowed')],
  [
    'a page of another origin',
    '/wire',
    { origin: 'http://elsewhere.example' },
    403,
    refusal('FORBIDDEN', 'pages of this origin may not connect: see the option "origins"'),
  ],
]

function badKey(): string {
  return refusal('BAD_HANDSHAKE', 'Sec-WebSocket-Key is missing or not 16 bytes in base64')
}
function badVersion(): string {
  return refusal('UPGRADE_REQUIRED', 'this server speaks version 13 of WebSocket')
}
function versions(): Record<string, string> {
  return { 'sec-websocket-version': '13' }
}

export function handshake(test: Declare, { place, open }: Subject): void {
  test('a good handshake is answered with 101 and the key that belongs to its own', async () => {
    const { head } = await open('/wire')
    const [first, ...lines] = head.split('\r\n')
    const headers = new Headers(lines.map((line) => line.split(': ') as [string, string]))
    assert.match(first ?? '', /^HTTP\/1\.1 101 /)
    assert.equal(headers.get('upgrade')?.toLowerCase(), 'websocket')
    assert.equal(headers.get('connection')?.toLowerCase(), 'upgrade')
    const accept = createHash('sha1').update('dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11')
    assert.equal(headers.get('sec-websocket-accept'), accept.digest('base64'))
    assert.equal(headers.get('sec-websocket-protocol'), null)
    assert.equal(headers.get('sec-websocket-extensions'), null)
  })

  for (const [what, path, headers, status, body, answered = {}] of refusals) {
    test(`refused: ${what}`, async () => {
      const answer = await knock(place(), path, headers)
      assert.equal(answer.body, body)
      assert.equal(answer.status, status)
      assert.match(answer.headers.get('content-type') ?? '', /^application\/json/)
      for (const [name, value] of Object.entries(answered)) assert.equal(answer.headers.get(name), value)
    })
  }

  test('refused: another method than GET', async () => {
    const { status, headers, body } = await knock(place(), '/wire', {}, 'POST')
    assert.equal(body, refusal('METHOD_NOT_ALLOWED', 'a WebSocket handshake is a GET request'))
    assert.deepEqual([status, headers.get('allow')], [405, 'GET'])
  })

  test('refused: a plain request at the path of a gateway', async () => {
    const { status, headers, body } = await get(place(), '/wire')
    assert.equal(body, refusal('UPGRADE_REQUIRED', '/wire is a WebSocket gateway'))
    assert.deepEqual([status, headers.get('upgrade')], [426, 'websocket'])
  })

  for (const host of ['[', '%', 'x:99999', '']) {
    test(`refused: a Host that makes no url, "${host}"`, async () => {
      const { status, body } = await knock(place(), '/wire', { host })
      assert.equal(body, refusal('BAD_REQUEST', 'the Host header and the target make no url'))
      assert.equal(status, 400)
    })
  }

  test('refused: more connections than the app takes, until one leaves', async () => {
    const first = await open('/wire', {}, 'crowded')
    await open('/wire', {}, 'crowded')
    const { status, headers, body } = await knock(place('crowded'), '/wire')
    assert.equal(body, refusal('UNAVAILABLE', 'the server is full'))
    assert.deepEqual([status, headers.get('retry-after')], [503, '5'])
    first.write(frameBytes(CLOSE, ''))
    await until(async () => (await connections(place('crowded'))) === 1, 'one to leave')
    assert.match((await open('/wire', {}, 'crowded')).head, / 101 /)
  })

  test('refused: more connections than one address may have', async () => {
    const from = (ip: string) => ({ 'x-forwarded-for': ip })
    await open('/wire', from('10.0.0.1'), 'addressed')
    const { status, headers, body } = await knock(place('addressed'), '/wire', from('10.0.0.1'))
    assert.equal(body, refusal('RATE_LIMITED', 'too many connections from this address'))
    assert.deepEqual([status, headers.get('retry-after')], [429, '5'])
    assert.match((await open('/wire', from('10.0.0.2'), 'addressed')).head, / 101 /)
  })

  for (const offered of ['partyline.json.v1', 'soap, partyline.json.v1, mqtt', 'soap,partyline.json.v1']) {
    test(`of the subprotocols "${offered}" the known one is answered, and hello comes first`, async () => {
      const client = await open('/wire', { 'sec-websocket-protocol': offered })
      assert.match(client.head, /\r\nsec-websocket-protocol: partyline\.json\.v1\r?$/im)
      assert.match(await client.text(), /^\{"hello":\{"sid":"[0-9a-f-]{36}","heartbeat":25000\}\}$/)
      assert.equal(await client.ask('{"ping":1}'), '{"pong":1}')
    })
  }

  for (const [what, headers] of [
    ['none', {}],
    ['an empty list', { 'sec-websocket-protocol': '' }],
  ] as const) {
    test(`who offers ${what} is answered none, and is sent no hello`, async () => {
      const client = await open('/wire', headers)
      assert.doesNotMatch(client.head, /sec-websocket-protocol/i)
      assert.equal(await client.ask('{"ping":1}'), '{"pong":1}')
    })
  }

  test('who is known comes in, and handlers know who it is', async () => {
    const client = await open('/members', { 'x-user': 'ann' })
    assert.equal(await client.ask('{"event":"who","id":1}'), '{"ack":1,"data":"ann"}')
  })

  test('whom a guard lets in comes in', async () => {
    assert.match((await open('/guarded', { 'x-guest': 'ann' })).head, / 101 /)
  })

  test('pages of the same host may connect', async () => {
    assert.match((await open('/wire', { origin: 'http://localhost' })).head, / 101 /)
  })

  test('the address of who connects is known', async () => {
    const client = await open('/wire')
    assert.equal(await client.ask('{"event":"address","id":1}'), '{"ack":1,"data":"127.0.0.1"}')
  })

  for (const path of ['/places/caf%C3%A9', '//places//caf%C3%A9/', '/places/caf%C3%A9?x=1']) {
    test(`a path with a parameter leads to its gateway: ${path}`, async () => {
      const client = await open(path)
      const answer = '{"ack":1,"data":{"name":"café"}}'
      assert.equal(await client.ask('{"event":"where","id":1}'), answer)
    })
  }

  test('a frame that comes right behind the handshake, in the same packet, is read', async () => {
    const frame = frameBytes(TEXT, '{"event":"echo","data":"early","id":1}')
    const client = await WireClient.open(place(), '/wire', {}, frame)
    assert.equal(await client.text(), '{"ack":1,"data":"early"}')
    client.destroy()
  })

  test('clients that leave while they are being authenticated leave nothing behind', async () => {
    const members = place('members')
    for (let i = 0; i < 10; i++) await leaveAtTheDoor(members, '/members', { 'x-user': 'ann' })
    const client = await open('/members', { 'x-user': 'ann' }, 'members')
    assert.equal(await client.ask('{"event":"who","id":1}'), '{"ack":1,"data":"ann"}')
    await until(async () => (await connections(members)) === 1, 'the others to be gone')
  })
}

/** How many are connected, as the server says. */
async function connections(place: Place): Promise<number> {
  return (JSON.parse((await get(place, '/healthz')).body) as { connections: number }).connections
}
