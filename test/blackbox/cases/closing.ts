import assert from 'node:assert/strict'
import { BINARY, CLOSE, closeCode, frameBytes, PING, TEXT, type WireClient } from '../../support/tcp.ts'
import { until } from '../../support/until.ts'
import type { Declare, Subject } from '../subject.ts'

/** A close frame's payload. */
const close = (code: number, reason: string | Uint8Array = ''): Buffer =>
  Buffer.concat([Buffer.from([code >> 8, code & 0xff]), Buffer.from(reason as string)])

/** A frame whose first byte is as given, masked or not. */
const odd = (first: number, payload: string, mask = true): Buffer => {
  const frame = frameBytes(TEXT, payload)
  frame[0] = first
  if (mask) return frame
  return Buffer.concat([Buffer.from([first, payload.length]), Buffer.from(payload)])
}

const WORDS = 'the close code of a broken frame'
const UNMASKED = 'refusing frames that are not masked'

/** What is no WebSocket traffic, and what it is closed with. */
const broken: [what: string, bytes: Buffer, code: number, row?: string][] = [
  ['text that is no UTF-8', frameBytes(TEXT, Buffer.from([0x22, 0xc3, 0x28, 0x22])), 1_007, WORDS],
  [
    'text that is no UTF-8, in fragments',
    Buffer.concat([
      frameBytes(TEXT, Buffer.from([0x22, 0xc3]), false),
      frameBytes(0, Buffer.from([0x28, 0x22])),
    ]),
    1_007,
    WORDS,
  ],
  ['a close reason that is no UTF-8', frameBytes(CLOSE, close(1_000, Buffer.from([0xff]))), 1_007, WORDS],
  ['a reserved bit', odd(0xc1, 'x'), 1_002, WORDS],
  ['an unknown opcode', odd(0x83, 'x'), 1_002, WORDS],
  ['an unknown opcode of control frames', odd(0x8b, 'x'), 1_002, WORDS],
  ['a frame that is not masked', odd(0x81, 'x', false), 1_002, UNMASKED],
  ['a continuation of nothing', odd(0x80, 'x'), 1_002, WORDS],
  [
    'a message within a message',
    Buffer.concat([frameBytes(TEXT, 'a', false), frameBytes(TEXT, 'b')]),
    1_002,
    WORDS,
  ],
  ['a ping in fragments', odd(0x09, 'x'), 1_002, WORDS],
  ['a ping of 126 bytes', frameBytes(PING, 'x'.repeat(126)), 1_002, WORDS],
  ['a close of one byte', frameBytes(CLOSE, 'x'), 1_002, WORDS],
  ['the close code 1005', frameBytes(CLOSE, close(1_005)), 1_002],
  ['the close code 1', frameBytes(CLOSE, close(1)), 1_002],
]

export function closing(test: Declare, { open }: Subject): void {
  /** A client that can be asked for by name how it ended. */
  async function named(name: string, app?: string): Promise<WireClient> {
    const client = await open('/wire', {}, app)
    client.send(`{"event":"named","data":"${name}"}`)
    return client
  }

  /** How the server saw it end. */
  async function endOf(name: string, app?: string): Promise<{ code: number; reason: string }> {
    const other = await open('/wire', {}, app)
    const answer = await other.ask(`{"event":"ended","data":"${name}","id":1}`)
    return (JSON.parse(answer) as { data: { code: number; reason: string } }).data
  }

  for (const [what, bytes, code, row] of broken) {
    /** Closed, with a word or without. */
    const ends = async (frames: readonly number[]): Promise<void> => {
      const client = await named(what)
      client.write(bytes)
      await until(() => client.ended, 'the end of the line')
      assert.deepEqual(
        client.frames.map((frame) => closeCode(frame)),
        frames,
      )
    }
    const isTold = async (): Promise<void> => {
      const client = await named(`${what}, seen`)
      client.write(bytes)
      assert.equal((await endOf(`${what}, seen`)).code, code)
    }
    const isTaken = async (): Promise<void> => {
      const client = await open('/raw')
      client.write(bytes)
      assert.equal(await client.text(), 'x')
    }
    const exceptions: Record<string, () => Promise<void>> = { [WORDS]: () => ends([]), [UNMASKED]: isTaken }
    const instead = exceptions[row ?? '']
    test(`closed with ${code}: ${what}`, () => ends([code]), row && instead ? { row, instead } : undefined)
    const masked = row === UNMASKED && instead ? { row, instead } : undefined
    test(`@OnClose is told ${code}: ${what}`, isTold, masked)
  }

  test('closed with 1009: a message over limits.payload, and nobody else', async () => {
    const [large, other] = [await named('large', 'narrow'), await open('/wire', {}, 'narrow')]
    large.send(`{"event":"echo","data":"${'x'.repeat(1_000)}"}`)
    assert.equal(closeCode(await large.next()), 1_009)
    assert.equal((await endOf('large', 'narrow')).code, 1_009)
    assert.equal(await other.ask('{"event":"echo","data":1,"id":1}'), '{"ack":1,"data":1}')
  })

  test('closed with 1009: one of as many characters and more bytes, and one in fragments', async () => {
    for (const message of [
      frameBytes(TEXT, '☃'.repeat(400)),
      Buffer.concat([frameBytes(BINARY, Buffer.alloc(600), false), frameBytes(0, Buffer.alloc(600))]),
    ]) {
      const client = await open('/raw', {}, 'narrow')
      client.write(message)
      assert.equal(closeCode(await client.next()), 1_009)
    }
  })

  test('a message of exactly limits.payload is read', async () => {
    const client = await open('/raw', {}, 'narrow')
    const text = '☃'.repeat(333)
    client.send(`${text}x`)
    assert.equal(await client.text(), `${text}x`)
  })

  const long = frameBytes(BINARY, Buffer.alloc(100_000))
  test(
    'closed with 1009: a message over limits.payload, as soon as its length is known',
    async () => {
      const client = await open('/raw', {}, 'narrow')
      client.write(long.subarray(0, 20))
      assert.equal(closeCode(await client.next()), 1_009)
      await until(() => client.ended, 'the end of the line')
    },
    {
      row: 'refusing a message before it has come',
      instead: async () => {
        const client = await open('/raw', {}, 'narrow')
        client.write(long.subarray(0, 20))
        client.write(long.subarray(20))
        assert.equal(closeCode(await client.next()), 1_009)
      },
    },
  )

  for (const [what, payload, answered, told] of [
    [
      'a code and a reason',
      close(4_000, 'enough'),
      close(4_000, 'enough'),
      { code: 4_000, reason: 'enough' },
    ],
    ['a code alone', close(1_000), close(1_000), { code: 1_000, reason: '' }],
    ['nothing', Buffer.alloc(0), Buffer.alloc(0), { code: 1_005, reason: '' }],
  ] as const) {
    test(`a client that closes with ${what} is answered the same, and the line ends`, async () => {
      const client = await named(what)
      client.write(frameBytes(CLOSE, payload))
      assert.deepEqual(await client.next(), { opcode: CLOSE, payload: answered })
      await until(() => client.ended, 'the end of the line')
      assert.deepEqual(await endOf(what), told)
    })
  }

  test('the server closes with its code and reason, after what it sent before and with nothing behind', async () => {
    const client = await named('sent away')
    client.send('{"event":"leave","args":[4001,"as you wish"],"id":1}', '{"event":"echo","id":2}')
    assert.equal(await client.text(), '{"event":"last","data":1}')
    const frame = await client.next()
    assert.equal(closeCode(frame), 4_001)
    assert.equal(frame.payload.subarray(2).toString(), 'as you wish')
    client.write(frameBytes(CLOSE, frame.payload))
    await until(() => client.ended, 'the end of the line')
    assert.deepEqual(client.frames, [])
    assert.deepEqual(await endOf('sent away'), { code: 4_001, reason: 'as you wish' })
  })

  test('a reason that is too long for a close frame is cut at a whole character', async () => {
    const client = await open('/wire')
    client.send(`{"event":"leave","args":[4001,"${'☃'.repeat(100)}"]}`)
    await client.text()
    const frame = await client.next()
    assert.equal(closeCode(frame), 4_001)
    assert.equal(frame.payload.subarray(2).toString(), '☃'.repeat(41))
  })

  test('a client that vanishes is told to @OnClose as 1006', async () => {
    const [reset, ended] = [await named('reset'), await named('ended')]
    assert.equal(await reset.ask('{"ping":1}'), '{"pong":1}')
    assert.equal(await ended.ask('{"ping":1}'), '{"pong":1}')
    reset.destroy()
    ended.destroy()
    assert.deepEqual(await endOf('reset'), { code: 1_006, reason: '' })
    assert.deepEqual(await endOf('ended'), { code: 1_006, reason: '' })
  })

  test('a gateway that fails to open is closed with 1011', async () => {
    assert.equal(closeCode(await (await open('/broken')).next()), 1_011)
  })
}
