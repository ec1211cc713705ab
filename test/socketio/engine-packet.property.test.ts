import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { fromBase64, toBase64 } from '../../lib/socketio/engine/base64.ts'
import {
  messagePacket,
  PayloadReader,
  SEPARATOR,
  sizeOf,
  textPacket,
} from '../../lib/socketio/engine/packet.ts'
import { told, World } from './engine-world.ts'

const bytes = fc.uint8Array({ maxLength: 100 })
/** Text without what separates packets; the protocol leaves it to who sends to have none of it. */
const text = fc.string({ unit: 'binary' }).map((one) => one.replaceAll(SEPARATOR, ' '))

function allOf(payload: string): string[] {
  const reader = new PayloadReader(payload)
  const all: string[] = []
  for (let one = reader.next(); one !== undefined; one = reader.next()) all.push(one)
  return all
}

describe('base64', () => {
  test('is what other encoders write, and reads it', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 20_000 }), (one) => {
        const written = toBase64(one)
        expect(written).toBe(Buffer.from(one).toString('base64'))
        expect(fromBase64(written)).toEqual(new Uint8Array(one))
      }),
    )
  })

  test('is the same where the engine has no methods for it', async () => {
    const prototype = Uint8Array.prototype as { toBase64?: unknown }
    const holder = Uint8Array as { fromBase64?: unknown }
    const [to, from] = [prototype.toBase64, holder.fromBase64]
    try {
      prototype.toBase64 = undefined
      holder.fromBase64 = undefined
      for (const length of [0, 1, 2, 3, 8_191, 8_192, 8_193, 300_000]) {
        const one = Uint8Array.from({ length }, (_, i) => (i * 7) % 256)
        expect(toBase64(one)).toBe(Buffer.from(one).toString('base64'))
        expect(fromBase64(toBase64(one))).toEqual(one)
      }
      expect([fromBase64('AQ'), fromBase64('AQ\n==')]).toEqual([new Uint8Array([1]), new Uint8Array([1])])
      expect(['!', 'A', 'AQ=', 'A-__'].map(fromBase64)).toEqual([undefined, undefined, undefined, undefined])
    } finally {
      prototype.toBase64 = to
      holder.fromBase64 = from
    }
  })

  test('that is none is told from that which is', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 12 }), (one) => {
        let expected: number[] | undefined
        try {
          expected = Array.from(atob(one), (char) => char.charCodeAt(0))
        } catch {}
        expect(fromBase64(one)).toEqual(expected === undefined ? undefined : Uint8Array.from(expected))
      }),
    )
  })
})

test('a payload has the packets that it was joined of', () => {
  fc.assert(
    fc.property(fc.array(text, { minLength: 1 }), (all) => {
      expect(allOf(all.join(SEPARATOR))).toEqual(all)
    }),
  )
})

test('the size of a packet is that of its text', () => {
  fc.assert(
    fc.property(bytes, (one) => {
      expect(sizeOf(one)).toBe(textPacket(one).length - 1)
    }),
  )
})

test('the bytes of a packet become text once', () => {
  const one = new Uint8Array(1_000)
  const first = textPacket(one)
  one.fill(7)
  expect(textPacket(one)).toBe(first)
})

test('messages come through, both ways, by polling and by WebSocket', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(text, bytes), { minLength: 1, maxLength: 20 }), async (messages) => {
      const world = new World()
      const sid = await world.begin()
      const payload = messages.map((one) => textPacket(messagePacket(one))).join(SEPARATOR)
      expect((await world.post(sid, payload)).status).toBe(200)
      expect(world.last.messages).toEqual(
        messages.map((one) => (typeof one === 'string' ? one : new Uint8Array(one))),
      )
      expect(await told(world.poll(sid))).toEqual([200, payload])
      const line = await world.socket()
      for (const one of messages) line.send(messagePacket(one))
      expect(world.last.messages).toEqual(messages)
      expect(line.received.slice(1)).toEqual(messages.map(messagePacket))
    }),
  )
})

test('nothing that is posted or sent does more than end its session', async () => {
  const junk = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.uint8Array(),
    fc.string({ unit: fc.constantFrom(...'01234567b=A', SEPARATOR) }),
    fc.constantFrom('2probe', '5', '0{"sid":"x"}', '4\x1e'),
  )
  await fc.assert(
    fc.asyncProperty(junk, async (one) => {
      const world = new World()
      const sid = await world.begin()
      const { status } = await world.post(sid, one as string)
      expect([200, 400]).toContain(status)
      expect(world.server.size).toBe(world.last.socket.isOpen ? 1 : 0)
      if (status === 400) expect(world.server.size).toBe(0)
      const line = await world.socket()
      line.send(one as string)
      expect(line.closed === undefined).toBe(world.last.socket.isOpen)
      world.server.stop()
      world.expectNothingLeft()
    }),
    { numRuns: 2_000 },
  )
})
