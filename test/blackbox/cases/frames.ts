import assert from 'node:assert/strict'
import { badFrames, malformed } from '../../support/bad-frames.ts'
import { bytes, hex } from '../../support/hex.ts'
import { BINARY, frameBytes, PING, PONG, TEXT, type WireClient } from '../../support/tcp.ts'
import type { Declare, Subject } from '../subject.ts'

const CONTINUATION = 0

/** That a client is still answered. */
export async function assertAlive(client: WireClient): Promise<void> {
  assert.equal(await client.ask('{"event":"echo","data":"alive","id":99}'), '{"ack":99,"data":"alive"}')
}

export function frames(test: Declare, { open }: Subject): void {
  for (const [what, frame, answer] of badFrames) {
    test(`answered, and the connection lives on: ${what}`, async () => {
      const client = await open('/wire')
      assert.equal(await client.ask(frame), answer)
      await assertAlive(client)
    })
  }

  test('answered, and the connection lives on: all of it in one go', async () => {
    const client = await open('/wire')
    client.send(...badFrames.map(([, frame]) => frame))
    for (const [, , answer] of badFrames) assert.equal(await client.text(), answer)
    await assertAlive(client)
  })

  test('answered, and the connection lives on: binary messages', async () => {
    const client = await open('/wire')
    for (const payload of ['{"event":"echo","id":1}', '', Buffer.from([0xff, 0x00])]) {
      client.write(frameBytes(BINARY, payload))
      assert.equal(await client.text(), malformed('JSON frames are text messages; this one is binary'))
    }
    await assertAlive(client)
  })

  for (const [limit, frame, answer] of [
    ['depth', `{"event":"echo","data":${'['.repeat(8)}${']'.repeat(8)}}`, 'nested deeper than 8 levels'],
    ['eventName', `{"event":"${'x'.repeat(17)}"}`, "an event's name has 16 characters at most"],
  ] as const) {
    test(`answered, and the connection lives on: what is over limits.${limit}`, async () => {
      const client = await open('/wire', {}, 'narrow')
      const { error } = JSON.parse(await client.ask(frame)) as { error: { code: string; message: string } }
      assert.equal(error.code, 'MALFORMED_FRAME')
      assert.equal(error.message, answer)
      await assertAlive(client)
    })
  }

  test('a handler that throws by accident is answered without its reason, and others as they are', async () => {
    const client = await open('/wire')
    const internal = '"error":{"code":"INTERNAL","message":"the server failed to handle this"}'
    assert.equal(await client.ask('{"event":"throws","id":1}'), `{"ack":1,${internal}}`)
    const taken = '"error":{"code":"SEAT_TAKEN","message":"seat 7 is taken","details":{"seat":7}}'
    assert.equal(await client.ask('{"event":"refuses","id":2}'), `{"ack":2,${taken}}`)
    await assertAlive(client)
  })

  test('text of all lengths and planes comes back as it was', async () => {
    const client = await open('/raw')
    const lengths = [125, 126, 65_535, 65_536].map((length) => 'x'.repeat(length))
    for (const text of ['', 'é☃𝄞', '\u0000', ...lengths, '☃'.repeat(30_000)]) {
      client.send(text)
      assert.equal(await client.text(), text)
    }
  })

  test('bytes of all lengths and values come back as they were, as bytes', async () => {
    const client = await open('/raw')
    const all = Buffer.from(Array.from({ length: 256 }, (_, i) => i))
    for (const payload of [Buffer.alloc(0), all, Buffer.alloc(65_535, 7), Buffer.alloc(65_536, 8)]) {
      client.write(frameBytes(BINARY, payload))
      const { opcode, payload: answer } = await client.next()
      assert.equal(opcode, BINARY)
      assert.equal(Buffer.compare(answer, payload), 0)
    }
  })

  test('a message of megabytes passes both ways, where the limits allow it', async () => {
    const client = await open('/raw', {}, 'large')
    const text = '0123456789'.repeat(300_000)
    client.send(text)
    assert.ok((await client.text()) === text)
  })

  test('a frame that comes a byte at a time is read', async () => {
    const client = await open('/wire')
    for (const byte of frameBytes(TEXT, '{"event":"echo","data":"slowly","id":1}')) {
      client.write(Buffer.from([byte]))
      await new Promise((resolve) => setImmediate(resolve))
    }
    assert.equal(await client.text(), '{"ack":1,"data":"slowly"}')
  })

  test('many frames in one packet are read, and answered in order', async () => {
    const client = await open('/wire')
    client.send(...Array.from({ length: 1_000 }, (_, id) => `{"event":"echo","data":${id},"id":${id}}`))
    for (let id = 0; id < 1_000; id++) assert.equal(await client.text(), `{"ack":${id},"data":${id}}`)
  })

  test('a message in fragments is one message, also with a ping between and a character cut in two', async () => {
    const client = await open('/raw')
    const snow = Buffer.from('a☃b')
    client.write(frameBytes(TEXT, snow.subarray(0, 2), false))
    client.write(frameBytes(PING, 'between'))
    client.write(frameBytes(CONTINUATION, snow.subarray(2, 3), false))
    client.write(frameBytes(CONTINUATION, snow.subarray(3)))
    assert.deepEqual(await client.next(), { opcode: PONG, payload: Buffer.from('between') })
    assert.equal(await client.text(), 'a☃b')
    client.write(frameBytes(BINARY, Buffer.from([1]), false))
    client.write(frameBytes(CONTINUATION, '', false))
    client.write(frameBytes(CONTINUATION, Buffer.from([2])))
    assert.deepEqual(await client.next(), { opcode: BINARY, payload: Buffer.from([1, 2]) })
  })

  test("a ping is answered with a pong of the same bytes, and a pong that nobody asked for is nobody's", async () => {
    const client = await open('/wire')
    for (const payload of ['', 'x'.repeat(125)]) {
      client.write(frameBytes(PING, payload))
      assert.deepEqual(await client.next(), { opcode: PONG, payload: Buffer.from(payload) })
    }
    client.write(frameBytes(PONG, 'unasked'))
    await assertAlive(client)
  })

  test('who asks for MessagePack is spoken to in MessagePack', async () => {
    const client = await open('/wire', { 'sec-websocket-protocol': 'partyline.msgpack.v1' })
    assert.equal((await client.next()).opcode, BINARY)
    client.write(frameBytes(BINARY, bytes("94 00 a4'echo' 91 a3'Ann' 07")))
    const { opcode, payload } = await client.next()
    assert.equal(opcode, BINARY)
    assert.equal(hex(payload), hex(bytes("93 01 07 a3'Ann'")))
  })

  test('several arguments pass both ways', async () => {
    const client = await open('/wire')
    const answer = '{"event":"several","args":["!",{"b":2},1]}'
    assert.equal(await client.ask('{"event":"several","args":[1,{"b":2},"!"]}'), answer)
  })
}
