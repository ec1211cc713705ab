import assert from 'node:assert/strict'
import { CLOSE, closeCode, frameBytes, TEXT, type WireClient } from '../../support/tcp.ts'
import { until } from '../../support/until.ts'
import type { Declare, Subject } from '../subject.ts'

interface Hello {
  sid: string
  recovered?: boolean
  recovery: { token: string; pos: number }
}

export function rooms(test: Declare, { open }: Subject): void {
  /** So many clients, of which each has joined what stands at its place. */
  async function guests(...joined: string[][]): Promise<WireClient[]> {
    const clients: WireClient[] = []
    for (const names of joined) {
      const client = await open('/rooms')
      assert.equal(await client.ask(JSON.stringify({ event: 'join', args: names, id: 1 })), '{"ack":1}')
      clients.push(client)
    }
    return clients
  }

  /** What has come to each before the pong of a ping that is sent now. */
  async function flushed(clients: readonly WireClient[]): Promise<string[][]> {
    const all: string[][] = []
    for (const client of clients) {
      const came: string[] = []
      for (let text = await client.ask('{"ping":7}'); text !== '{"pong":7}'; text = await client.text())
        came.push(text)
      all.push(came)
    }
    return all
  }

  test('an emit to rooms reaches those in any of them, each once, and nobody else', async () => {
    const clients = await guests(['r1'], ['r1', 'r2'], ['r2'], [])
    const [one] = clients as [WireClient]
    const event = '{"event":"to","args":["r1","r2"]}'
    assert.equal(await one.ask(event), event)
    assert.deepEqual(await flushed(clients), [[], [event], [event], []])
  })

  test('an emit to the others leaves its sender out', async () => {
    const clients = await guests(['o'], ['o'], [])
    const [one] = clients as [WireClient]
    one.send('{"event":"others","data":"o"}')
    assert.deepEqual(await flushed(clients), [[], ['{"event":"others","data":"o"}'], []])
  })

  test('who left a room gets what was sent before, and nothing after', async () => {
    const clients = await guests(['l'], ['l'])
    const [one, two] = clients as [WireClient, WireClient]
    two.send('{"event":"to","args":["l"]}', '{"event":"leave","args":["l"]}', '{"event":"to","args":["l"]}')
    await flushed([two])
    const event = '{"event":"to","data":"l"}'
    assert.deepEqual(await flushed([one]), [[event, event]])
    assert.equal(two.frames.length, 0)
  })

  test('a broadcast reaches a hundred clients once, whatever is in it', async () => {
    const clients = await guests(...Array.from({ length: 100 }, () => []))
    const data = JSON.stringify('é☃𝄞'.repeat(100))
    clients[0]?.send(`{"event":"everybody","data":${data}}`)
    for (const client of clients) assert.equal(await client.text(), `{"event":"everybody","data":${data}}`)
    assert.deepEqual(
      await flushed(clients),
      clients.map(() => []),
    )
  })

  test('what one turn sends to a room and to one socket arrives in the order in which it was sent', async () => {
    const clients = await guests(['burst'], ['burst'])
    const [sender, other] = clients as [WireClient, WireClient]
    sender.send('{"event":"burst","data":20,"id":9}')
    const expected = Array.from({ length: 20 }, (_, i) => [
      `{"event":"n","data":${i}}`,
      ...(i % 3 === 0 ? [`{"event":"own","data":${i}}`] : []),
    ]).flat()
    for (const frame of [...expected, '{"ack":9}']) assert.equal(await sender.text(), frame)
    for (const frame of expected.filter((text) => text.includes('"n"')))
      assert.equal(await other.text(), frame)
  })

  test('who leaves is in no room any more, and the others notice nothing', async () => {
    const clients = await guests(['gone'], ['gone'], ['gone'])
    const [one, two, three] = clients as [WireClient, WireClient, WireClient]
    two.destroy()
    await until(
      async () => (await one.ask('{"event":"size","data":"gone","id":1}')) === '{"ack":1,"data":2}',
      'it to be gone',
    )
    one.send('{"event":"to","args":["gone"]}')
    assert.deepEqual(await flushed([one, three]), [
      ['{"event":"to","data":"gone"}'],
      ['{"event":"to","data":"gone"}'],
    ])
  })

  test('a client that does not read is closed with 1008 when it reads again, without a gap, and others get all', async () => {
    const [COUNT, SIZE] = [300, 64 * 1024]
    const join = '{"event":"join","data":"flood","id":1}'
    const [sleeper, reader] = [await open('/rooms', {}, 'slow'), await open('/rooms', {}, 'slow')]
    for (const client of [sleeper, reader]) assert.equal(await client.ask(join), '{"ack":1}')
    sleeper.pause()
    reader.send(`{"event":"flood","args":[${COUNT},${SIZE}],"id":2}`)
    const numberOf = (text: string): number => (JSON.parse(text) as { args: [number] }).args[0]
    for (let i = 0; i < COUNT; i++) assert.equal(numberOf(await reader.text()), i)
    assert.equal(await reader.text(), '{"ack":2}')
    assert.equal(await reader.ask('{"ping":1}'), '{"pong":1}')
    sleeper.resume()
    await until(() => sleeper.ended || sleeper.frames.at(-1)?.opcode === CLOSE, 'its end')
    const last = sleeper.frames.at(-1)
    if (last?.opcode === CLOSE) {
      assert.equal(closeCode(last), 1_008)
      sleeper.frames.pop()
    }
    assert.ok(sleeper.frames.length < COUNT)
    assert.deepEqual(
      sleeper.frames.map(({ payload }) => numberOf(payload.toString())),
      sleeper.frames.map((_, i) => i),
    )
  })

  /** A client at a gateway whose sessions can be resumed, and what it is told first. */
  async function hello(...resume: string[]): Promise<[WireClient, Hello]> {
    const client = await open('/desk', {
      'sec-websocket-protocol': ['partyline.json.v1', ...resume].join(', '),
    })
    return [client, (JSON.parse(await client.text()) as { hello: Hello }).hello]
  }

  test('a client whose line broke goes on where it was, with what it missed', async () => {
    const [[first, { sid, recovery }], [other]] = [await hello(), await hello()]
    other.send('{"event":"say","data":"one","pos":1}')
    const { pos } = JSON.parse(await first.text()) as { pos: number }
    first.destroy()
    await other.text()
    other.send('{"event":"say","data":"two","pos":2}')
    await other.text()
    const [second, again] = await hello(`partyline.resume.${recovery.token}.${pos}`)
    assert.deepEqual([again.recovered, again.sid], [true, sid])
    assert.match(await second.text(), /^\{"event":"said","data":"two","pos":\d+\}$/)
  })

  test('what still comes on a line that its session has left is not heard', async () => {
    const [first, { sid, recovery }] = await hello()
    const [second, again] = await hello(`partyline.resume.${recovery.token}.${recovery.pos}`)
    assert.deepEqual([again.recovered, again.sid], [true, sid])
    const left = await first.next()
    assert.deepEqual([closeCode(left), left.payload.subarray(2).toString()], [4_409, 'resumed elsewhere'])
    const late = ['{"event":"say","data":"late"}', '{"event":"say","data":"late","pos":1}']
    // The answer to the close comes behind them: when the line has ended they have come.
    first.write(
      Buffer.concat([...late.map((text) => frameBytes(TEXT, text)), frameBytes(CLOSE, left.payload)]),
    )
    await until(() => first.ended, 'the end of the line')
    assert.match(
      await second.ask('{"event":"say","data":"in time","pos":1}'),
      /^\{"event":"said","data":"in time","pos":\d+\}$/,
    )
    assert.deepEqual(first.frames, [])
  })
}
