import { expect, test } from 'bun:test'
import { type Codec, Gateway, GatewayContext, On, type Socket } from 'partyline'
import { msgpack as codec } from 'partyline/msgpack'
import { bytes, hex } from '../support/hex.ts'
import { until } from '../support/until.ts'
import type { Client, Message } from './client.ts'
import type { Running, Start } from './start.ts'

const MSGPACK = 'partyline.msgpack.v1'
const JSON_V1 = 'partyline.json.v1'

@Gateway('/mixed')
class Mixed {
  readonly kept: Uint8Array[] = []

  constructor(readonly context: GatewayContext) {}

  @On() join(socket: Socket, room: string) {
    socket.join(room)
  }

  @On() say(_: Socket, [rooms, data]: [string[], unknown]) {
    this.context.to(...rooms).emit('said', data)
  }

  @On() echo(_: Socket, data: unknown) {
    return data
  }

  @On() keep(_: Socket, data: Uint8Array) {
    this.kept.push(data)
  }

  @On() count(_: Socket, ...args: unknown[]) {
    return args.length
  }
}

/** A client that speaks MessagePack, and has read its hello. */
async function speaker({ connect }: Running): Promise<Client> {
  const client = await connect('/mixed', { subprotocols: [MSGPACK] })
  await client.next()
  return client
}

/** The same codec, which counts what it encodes. */
function counting(): { codec: Codec; encoded: unknown[] } {
  const inner = codec()
  const encoded: unknown[] = []
  const counted: Codec = {
    subprotocol: inner.subprotocol as string,
    decode: inner.decode,
    encode(frame) {
      encoded.push(frame)
      return inner.encode(frame)
    },
  }
  return { codec: counted, encoded }
}

const asHex = (message: Message | undefined): string => hex(message as Uint8Array)

export function msgpack(start: Start): void {
  test('a client that asks for MessagePack gets binary messages, hello first', async () => {
    const { connect } = await start(Mixed, { codecs: [codec()], limits: { heartbeat: 40_000 } })
    const client = await connect('/mixed', { subprotocols: [MSGPACK] })
    expect(client.subprotocol).toBe(MSGPACK)
    const hello = await client.next()
    // An id in text has 36 characters, so that all but those is known.
    expect(asHex(hello)).toMatch(
      new RegExp(`^${hex(bytes("92 03 82 a3'sid' d924"))}[0-9a-f]{72}${hex(bytes("a9'heartbeat' cd9c40"))}$`),
    )
    expect(asHex(await client.ask(bytes("94 00 a4'echo' 91 a2'hi' 07")))).toBe(hex(bytes("93 01 07 a2'hi'")))
    expect(asHex(await client.ask(bytes("94 00 a4'join' 91 a1'a' 08")))).toBe(hex(bytes('92 01 08')))
    client.send(bytes("93 00 a3'say' 91 92 91 a1'a' 81 a1'k' c3"))
    expect(asHex(await client.next())).toBe(hex(bytes("93 00 a4'said' 91 81 a1'k' c3")))
    expect(asHex(await client.ask(bytes('92 04 cb3ff8000000000000')))).toBe(
      hex(bytes('92 05 cb3ff8000000000000')),
    )
  })

  test.each([
    [[MSGPACK, JSON_V1], MSGPACK],
    [[JSON_V1, MSGPACK], JSON_V1],
    [['mqtt', MSGPACK, JSON_V1], MSGPACK],
  ])('a client that offers %p gets %s', async (subprotocols, chosen) => {
    const { connect } = await start(Mixed, { codecs: [codec()] })
    const client = await connect('/mixed', { subprotocols })
    expect(client.subprotocol).toBe(chosen)
    expect(typeof (await client.next())).toBe(chosen === MSGPACK ? 'object' : 'string')
  })

  test('all arguments arrive: none, one that is nil, several', async () => {
    const client = await speaker(await start(Mixed, { codecs: [codec()] }))
    for (const [args, count] of [
      ['90', '00'],
      ['91 c0', '01'],
      ['92 c0 c0', '02'],
      ['93 01 02 03', '03'],
    ])
      expect(asHex(await client.ask(bytes(`94 00 a5'count' ${args} 01`)))).toBe(
        hex(bytes(`93 01 01 ${count}`)),
      )
  })

  test('one room, both codecs: everybody gets the same, encoded once for each codec that is in use', async () => {
    const { codec: counted, encoded } = counting()
    const app = await start(Mixed, { codecs: [counted] })
    const plain = [await app.connect('/mixed'), await app.connect('/mixed')] as const
    for (const client of plain)
      expect(await client.ask('{"event":"join","data":"a","id":1}')).toBe('{"ack":1}')

    // Nobody speaks it yet.
    plain[0].send('{"event":"say","data":[["a"],1]}')
    for (const client of plain) expect(await client.next()).toBe('{"event":"said","data":1}')
    expect(encoded).toEqual([])

    const packed = [await speaker(app), await speaker(app), await speaker(app)] as const
    for (const client of packed) await client.ask(bytes("94 00 a4'join' 91 a1'a' 01"))
    // To one room, and to several, which is another way out.
    for (const rooms of [['a'], ['a', 'b']]) {
      encoded.length = 0
      plain[0].send(
        JSON.stringify({ event: 'say', data: [rooms, { x: [1, 'é', null, 1.5], y: { z: true } }] }),
      )
      for (const client of plain)
        expect(await client.next()).toBe('{"event":"said","data":{"x":[1,"é",null,1.5],"y":{"z":true}}}')
      for (const client of packed)
        expect(asHex(await client.next())).toBe(
          hex(bytes("93 00 a4'said' 91 82 a1'x' 94 01 a2'é' c0 cb3ff8000000000000 a1'y' 81 a1'z' c3")),
        )
      expect(encoded).toHaveLength(1)
    }

    // And from one who speaks MessagePack.
    packed[1].send(bytes("93 00 a3'say' 91 92 91 a1'a' a2'hi'"))
    for (const client of plain) expect(await client.next()).toBe('{"event":"said","data":"hi"}')
    for (const client of packed)
      expect(asHex(await client.next())).toBe(hex(bytes("93 00 a4'said' 91 a2'hi'")))
    for (const client of plain) expect(await client.flushed()).toEqual([])
  })

  test('bytes travel both ways as they are, and those of a room that speak JSON miss them', async () => {
    const app = await start(Mixed, { codecs: [codec()] })
    const [ann, bob] = [await speaker(app), await speaker(app)]
    const carl = await app.connect('/mixed')
    await carl.ask('{"event":"join","data":"a","id":1}')
    for (const client of [ann, bob]) await client.ask(bytes("94 00 a4'join' 91 a1'a' 01"))
    const all = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, '0')).join('')
    ann.send(bytes(`93 00 a3'say' 91 92 91 a1'a' c50100 ${all}`))
    for (const client of [ann, bob])
      expect(asHex(await client.next())).toBe(hex(bytes(`93 00 a4'said' 91 c50100 ${all}`)))
    expect(await carl.flushed()).toEqual([])
    const log = app.logged()
    expect(log.map(({ message }) => message)).toEqual([
      'an event was not sent to those who use partyline.json.v1, which cannot carry it',
    ])
  })

  test('bytes that a handler keeps stay as they are, whatever comes after them', async () => {
    const app = await start(Mixed, { codecs: [codec()] })
    const client = await speaker(app)
    for (let i = 0; i < 50; i++) {
      const one = i.toString(16).padStart(2, '0')
      client.send(bytes(`93 00 a4'keep' 91 c404 ${one.repeat(4)}`))
    }
    const { kept } = app.app.get(Mixed)
    await until(() => kept.length === 50, 'all of them')
    expect(kept.map((one) => [...one])).toEqual(Array.from({ length: 50 }, (_, i) => [i, i, i, i]))
  })

  test('what is no frame is answered in MessagePack, counted, and closes nothing', async () => {
    const app = await start(Mixed, { codecs: [codec()], limits: { depth: 4 } })
    const client = await speaker(app)
    const refused = async (message: Message, id: number | null): Promise<string> => {
      const answer = codec().decode(await client.ask(message))
      if (!('error' in answer)) throw new Error('it was read')
      expect([answer.ack ?? null, answer.error.code]).toEqual([id, 'MALFORMED_FRAME'])
      return answer.error.message
    }
    expect(await refused('{"event":"echo","id":1}', null)).toBe(
      'MessagePack frames are binary messages; this one is text',
    )
    expect(await refused(bytes('93 00'), null)).toBe('not MessagePack: it ends too early')
    expect(await refused(bytes("94 00 a4'echo' 91 d40500 07"), 7)).toBe('the extension type 5 is not known')
    // The app's own limit.
    const nested = (levels: number) => bytes(`94 00 a4'echo' 91 ${'91'.repeat(levels)} c0 07`)
    expect(await refused(nested(4), 7)).toBe('nested deeper than 4 levels')
    expect(asHex(await client.ask(nested(3)))).toBe('930107919191c0')
    expect(app.app.stats().malformedFrames).toBe(4)
  })
}
