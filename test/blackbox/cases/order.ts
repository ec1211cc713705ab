import assert from 'node:assert/strict'
import { CLOSE, closeCode, PING, type WireClient } from '../../support/tcp.ts'
import { until } from '../../support/until.ts'
import type { Declare, Subject } from '../subject.ts'
import { assertAlive } from './frames.ts'

const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

/** Who expects hello, and pings in frames. */
const PINGED = { 'sec-websocket-protocol': 'partyline.json.v1' }

interface Answer {
  ack: number
  error?: { code: string }
}

/** So many answers, as they came. */
async function answers(client: WireClient, count: number): Promise<Answer[]> {
  const taken: Answer[] = []
  while (taken.length < count) taken.push(JSON.parse(await client.text()) as Answer)
  return taken
}

export function order(test: Declare, { open }: Subject): void {
  test('events of one socket are handled one after another, whatever time each takes', async () => {
    const client = await open('/wire')
    client.send(...[9, 1, 5, 0, 3].map((data, id) => `{"event":"slow","data":${data},"id":${id}}`))
    const taken = await answers(client, 5)
    assert.deepEqual(
      taken.map(({ ack }) => ack),
      numbers(5),
    )
  })

  test('synchronous and asynchronous handlers keep the order of a hundred events', async () => {
    const client = await open('/wire')
    const frames = numbers(100).map(
      (id) => `{"event":"${id % 3 === 0 ? 'slow' : 'echo'}","data":0,"id":${id}}`,
    )
    client.send(...frames)
    assert.deepEqual(
      (await answers(client, 100)).map(({ ack }) => ack),
      numbers(100),
    )
  })

  test('one socket that waits holds no other back', async () => {
    const [slow, quick] = [await open('/wire'), await open('/wire')]
    slow.send('{"event":"ended","data":"never","id":1}')
    await assertAlive(quick)
    assert.deepEqual(slow.frames, [])
  })

  test('with concurrency two, the quicker of two is answered first', async () => {
    const client = await open('/several')
    client.send('{"event":"work","data":200,"id":1}', '{"event":"work","data":1,"id":2}')
    assert.deepEqual(
      (await answers(client, 2)).map(({ ack }) => ack),
      [2, 1],
    )
  })

  test('of far more events than may wait, each is answered once', async () => {
    const client = await open('/wire')
    client.send(...numbers(1_000).map((id) => `{"event":"slow","data":0,"id":${id}}`))
    const taken = await answers(client, 1_000)
    assert.deepEqual(
      taken.map(({ ack }) => ack).sort((a, b) => a - b),
      numbers(1_000),
    )
    const codes = new Set(taken.flatMap(({ error }) => error?.code ?? []))
    assert.ok(codes.size === 0 || (codes.size === 1 && codes.has('OVERLOADED')))
    const done = taken.filter(({ error }) => error === undefined).map(({ ack }) => ack)
    assert.deepEqual(
      done,
      done.toSorted((a, b) => a - b),
    )
    await assertAlive(client)
  })

  /** Sends three times as much as may wait behind an event that waits, and resolves to what was refused of it. */
  async function refused(patience: string): Promise<number> {
    const [client, other] = [await open('/wire', {}, 'patient'), await open('/wire', {}, 'patient')]
    other.send(`{"event":"named","data":"${patience}"}`)
    client.send(`{"event":"ended","data":"${patience}"}`)
    // In reads that are each far less than what may wait.
    const frame = `{"event":"slow","args":[-1,"${'x'.repeat(4_000)}"]}`
    for (let i = 0; i < 3_000; i++) client.send(frame)
    client.send('{"event":"echo","id":1}')
    assert.equal(await other.ask('{"ping":1}'), '{"pong":1}')
    other.destroy()
    let refusals = 0
    for (;;) {
      const { ack, error } = JSON.parse(await client.text()) as Answer
      if (ack === 1) return refusals
      assert.equal(error?.code, 'OVERLOADED')
      refusals++
    }
  }

  test(
    'who sends more than may wait is not read meanwhile, and nothing of it is refused',
    async () => assert.equal(await refused('patience'), 0),
    {
      row: 'holding back who sends too fast',
      instead: async () => assert.ok((await refused('patience')) > 0),
    },
  )

  test('who sends faster than it may is answered RATE_LIMITED, and who goes on is closed with 4429', async () => {
    const client = await open('/wire', {}, 'narrow')
    client.send(...numbers(4).map((id) => `{"event":"echo","data":1,"id":${id}}`))
    const [, , , refused] = await answers(client, 4)
    assert.equal(refused?.error?.code, 'RATE_LIMITED')
    client.send(...numbers(8).map((id) => `{"event":"echo","data":1,"id":${10 + id}}`))
    await until(() => client.frames.at(-1)?.opcode === CLOSE, 'the close frame')
    const close = client.frames.at(-1)
    assert.equal(close && closeCode(close), 4_429)
  })

  test('a client that is silent is pinged, and closed with 4408 where it stays silent', async () => {
    const client = await open('/wire', PINGED, 'pulse')
    assert.match(await client.text(), /^\{"hello":/)
    for (const ping of [1, 2]) assert.equal(await client.text(), `{"ping":${ping}}`)
    const frame = await client.next()
    assert.equal(closeCode(frame), 4_408)
    assert.equal(frame.payload.subarray(2).toString(), 'heartbeat lost')
  })

  test('a client that answers its pings stays', async () => {
    const client = await open('/wire', PINGED, 'calm')
    await client.text()
    for (let i = 0; i < 2; i++) {
      assert.equal(await client.text(), '{"ping":1}')
      client.send('{"pong":1}')
    }
    await assertAlive(client)
  })

  test(
    'a client without a subprotocol is pinged by WebSocket itself, and closed with 4408 where it stays silent',
    async () => {
      const client = await open('/wire', {}, 'pulse')
      for (let i = 0; i < 2; i++) assert.equal((await client.next()).opcode, PING)
      assert.equal(closeCode(await client.next()), 4_408)
    },
    {
      row: 'pinging plain clients at limits.heartbeat',
      instead: async () => {
        const [plain, other] = [await open('/wire', {}, 'pulse'), await open('/wire', PINGED, 'pulse')]
        await until(() => other.frames.at(-1)?.opcode === CLOSE, 'the end of who is pinged in frames')
        assert.deepEqual(plain.frames, [])
        await assertAlive(plain)
      },
    },
  )
}
