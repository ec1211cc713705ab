import assert from 'node:assert/strict'
import { BINARY, frameBytes, TEXT, type WireClient } from '../../support/tcp.ts'
import { type Answer, ask, knock } from '../http.ts'
import type { Declare, Subject } from '../subject.ts'

const KEY = 'a-key-of-the-black-box'
const JSON_FRAMES = { 'sec-websocket-protocol': 'partyline.json.v1' }

/** Every byte there is: no UTF-8. */
const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i))
/** With a character outside the first plane, a null, and what looks like a frame. */
const text = '{"event":"☃ \u0000 🎈"}'

export function channels(test: Declare, { open, place }: Subject): void {
  const connect = (path: string, headers?: Record<string, string>): Promise<WireClient> =>
    open(path, headers, 'channels')

  function post(message: unknown, headers: Record<string, string | undefined> = {}): Promise<Answer> {
    // Each character is sent as one byte.
    const body = Buffer.from(JSON.stringify(message)).toString('latin1')
    const said = { host: 'localhost', authorization: `Bearer ${KEY}`, 'content-length': `${body.length}` }
    return ask(place('channels'), 'POST /publish HTTP/1.1', { ...said, ...headers }, body)
  }

  async function publish(message: object): Promise<void> {
    assert.equal((await post(message)).status, 200)
  }

  test('what is published by HTTP reaches a plain WebSocket byte by byte', async () => {
    const client = await connect('/ws/exact?subscribe-broadcast&subscribe-group')
    await publish({ facility: 'exact', broadcast: true, text })
    assert.deepEqual(await client.next(), { opcode: TEXT, payload: Buffer.from(text) })
    await publish({ facility: 'exact', groups: ['ops'], base64: bytes.toString('base64') })
    assert.deepEqual(await client.next(), { opcode: BINARY, payload: bytes })
    await publish({ facility: 'exact', broadcast: true, data: { n: [1, null] } })
    assert.deepEqual(await client.next(), { opcode: TEXT, payload: Buffer.from('{"n":[1,null]}') })
    // Neither another facility nor another user.
    await publish({ facility: 'other', broadcast: true, text: 'elsewhere' })
    await publish({ facility: 'exact', users: ['nobody'], text: 'for another' })
    await publish({ facility: 'exact', broadcast: true, text: '' })
    assert.deepEqual(await client.next(), { opcode: TEXT, payload: Buffer.from('') })
  })

  test('the last of it is kept for who comes later, byte by byte', async () => {
    await publish({ facility: 'kept', broadcast: true, text: 'before' })
    await publish({ facility: 'kept', broadcast: true, base64: bytes.toString('base64') })
    await publish({ facility: 'kept', users: ['ann'], text })
    const ann = await connect('/ws/kept?subscribe-user', { 'x-user': 'ann' })
    assert.deepEqual(await ann.next(), { opcode: TEXT, payload: Buffer.from(text) })
    const bob = await connect('/ws/kept?subscribe-broadcast&subscribe-user', { 'x-user': 'bob' })
    assert.deepEqual(await bob.next(), { opcode: BINARY, payload: bytes })
    await publish({ facility: 'kept', users: ['bob'], text: 'only this' })
    assert.equal(await bob.text(), 'only this')
  })

  test('publishing by HTTP takes the key, and no more than its limit', async () => {
    const message = { facility: 'closed', broadcast: true, text: 'as it should not be' }
    for (const authorization of [undefined, 'Bearer', 'Bearer another-key-of-the-box', `Basic ${KEY}`]) {
      const { status, headers, body } = await post(message, { authorization })
      assert.deepEqual([status, headers.get('www-authenticate')], [401, 'Bearer'])
      assert.match(body, /^\{"error":\{"code":"UNAUTHENTICATED",/)
    }
    const large = { ...message, text: 'x'.repeat(2_000) }
    const error = '{"error":{"code":"TOO_LARGE","message":"the request is longer than 2000 bytes"}}'
    const said = await post(large)
    assert.deepEqual([said.status, said.body], [413, error])
    const json = JSON.stringify(large)
    const chunked = { host: 'localhost', authorization: `Bearer ${KEY}`, 'transfer-encoding': 'chunked' }
    const chunks = `${json.length.toString(16)}\r\n${json}\r\n0\r\n\r\n`
    const unsaid = await ask(place('channels'), 'POST /publish HTTP/1.1', chunked, chunks)
    assert.deepEqual([unsaid.status, unsaid.body], [413, error])
    const got = await ask(place('channels'), 'GET /publish HTTP/1.1', { host: 'localhost' })
    assert.deepEqual([got.status, got.headers.get('allow')], [405, 'POST'])
    const wrong = await post({ ...message, facility: 'a:b' })
    assert.match(wrong.body, /^\{"error":\{"code":"INVALID_DATA",/)
    assert.equal(wrong.status, 400)
    // Nothing of all that was published.
    const client = await connect('/ws/closed?subscribe-broadcast')
    await publish({ ...message, text: 'as it should' })
    assert.equal(await client.text(), 'as it should')
  })

  test('a client with frames subscribes, hears, publishes, and unsubscribes', async () => {
    const client = await connect('/ws/frames', { ...JSON_FRAMES, 'x-user': 'ann' })
    await client.text()
    assert.equal(
      await client.ask('{"subscribe":"group","id":1}'),
      '{"ack":1,"data":{"channels":["group:staff","group:ops"],"at":[0,0]}}',
    )
    await publish({ facility: 'frames', groups: ['ops'], base64: bytes.toString('base64') })
    const heard = JSON.parse(await client.text()) as { at: number }
    assert.deepEqual(heard, { channel: 'group:ops', base64: bytes.toString('base64'), at: heard.at })
    await publish({ facility: 'frames', groups: ['ops'], text })
    const { at, ...frame } = JSON.parse(await client.text()) as { at: number }
    assert.deepEqual(frame, { channel: 'group:ops', data: text })
    assert.ok(at > heard.at)
    // From a position on: what came after it, and then the answer.
    const other = await connect('/ws/frames', { ...JSON_FRAMES, 'x-user': 'bob' })
    await other.text()
    const lost = await other.ask(`{"subscribe":"group:ops","after":${heard.at},"id":1}`)
    assert.deepEqual(JSON.parse(lost), { ...frame, at })
    assert.equal(await other.text(), `{"ack":1,"data":{"channels":["group:ops"],"at":[${at}]}}`)
    assert.equal(await client.ask('{"publish":"user","data":{"n":1},"id":2}'), '{"ack":2}')
    assert.match(
      await client.ask('{"subscribe":"user","id":3}'),
      /^\{"channel":"user","data":\{"n":1\},"at":\d+\}$/,
    )
    assert.match(await client.text(), /^\{"ack":3,/)
    const [unsubscribed] = [await client.ask('{"unsubscribe":"group","id":4}')]
    assert.equal(unsubscribed, '{"ack":4,"data":{"channels":["group:staff","group:ops"]}}')
    await publish({ facility: 'frames', groups: ['ops'], text: 'not for ann' })
    assert.match(await other.text(), /not for ann/)
    await publish({ facility: 'frames', users: ['ann'], text: 'for ann' })
    assert.match(await client.text(), /^\{"channel":"user","data":"for ann",/)
  })

  test('what a plain client publishes is as it was sent, and goes nowhere else', async () => {
    const [ann, bob] = await Promise.all(
      ['ann', 'bob'].map((user) => connect('/ws/plain?subscribe-user&publish-user&echo', { 'x-user': user })),
    )
    for (const [opcode, payload] of [[TEXT, Buffer.from(text)] as const, [BINARY, bytes] as const]) {
      ann?.write(frameBytes(opcode, payload))
      assert.deepEqual(await ann?.next(), { opcode, payload })
    }
    bob?.send('mine')
    assert.equal(await bob?.text(), 'mine')
  })

  test('flags that nobody may use, or this one may not, are 403 at the handshake', async () => {
    for (const flag of ['publish-broadcast', 'subscribe-session', 'subscribe-broadcast&publish-group']) {
      const { status, body } = await knock(place('channels'), `/ws/x?${flag}`)
      assert.match(body, /^\{"error":\{"code":"FORBIDDEN",/)
      assert.equal(status, 403)
    }
    const { status, body } = await knock(place('channels'), '/ws/a%3Ab?subscribe-broadcast')
    assert.match(body, /^\{"error":\{"code":"INVALID_DATA",/)
    assert.equal(status, 400)
    const client = await connect('/ws/x', JSON_FRAMES)
    await client.text()
    assert.match(
      await client.ask('{"subscribe":"session","id":1}'),
      /^\{"ack":1,"error":\{"code":"FORBIDDEN",/,
    )
    assert.match(
      await client.ask('{"publish":"broadcast","id":2}'),
      /^\{"ack":2,"error":\{"code":"FORBIDDEN",/,
    )
  })
}
