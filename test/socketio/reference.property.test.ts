import { describe, expect, test } from 'bun:test'
import { createRequire } from 'node:module'
import fc from 'fast-check'
import type { Payload } from '../../lib/protocol/codec.ts'
import { type Frame, several } from '../../lib/protocol/frame.ts'
import { SocketioCodec } from '../../lib/socketio/codec.ts'
import { Offsets } from '../../lib/socketio/offset.ts'
import { connected, FakeEngine } from './fakes.ts'

/** A packet of the reference parser's, of which this uses what its users do. */
interface ReferencePacket {
  type: number
  nsp: string
  data: unknown[]
  id?: number | undefined
}

interface ReferenceParser {
  Encoder: new () => { encode(packet: ReferencePacket): (string | Uint8Array)[] }
  Decoder: new () => {
    on(event: 'decoded', listener: (packet: ReferencePacket) => void): void
    add(message: string | Uint8Array): void
  }
}

const fromServer = createRequire(createRequire(import.meta.url).resolve('socket.io'))
const { Encoder, Decoder } = fromServer('socket.io-parser') as ReferenceParser

const bytes = fc.uint8Array({ maxLength: 8 })
/** Whatever JSON carries, and bytes anywhere in it. */
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.jsonValue({ maxDepth: 1 }),
    bytes,
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(
      fc.string({ maxLength: 4 }).filter((key) => key !== '__proto__'),
      tie('value'),
      { maxKeys: 3 },
    ),
  ),
}))
const args = fc.array(value, { maxLength: 3 })
const id = fc.option(fc.nat(), { nil: undefined })
const namespaces = fc.constantFrom('/', '/admin', '/a-b/c_1')
const event = fc.string({ maxLength: 8 }).filter((name) => !['connect', 'disconnect'].includes(name))

describe('as the reference parser', () => {
  test('reads what is written here', () => {
    fc.assert(
      fc.property(namespaces, event, args, id, fc.boolean(), (nsp, name, list, id, isAck) => {
        const place = { path: nsp, isFixed: true, depth: 64, recovers: false, isShared: false }
        const codec = new SocketioCodec(place, { attachments: 100, offsets: new Offsets(), recovery: false })
        const ack: Frame = { ack: id ?? 0, data: several(...list) }
        const read = readByReference(codec, nsp, isAck ? ack : { event: name, args: list, id })
        expect(read as unknown).toEqual([
          isAck
            ? { type: 3, nsp, id: id ?? 0, data: plain(list) }
            : { type: 2, nsp, id, data: [name, ...(plain(list) as unknown[])] },
        ])
      }),
    )
  })

  test('writes, so it is read here', () => {
    fc.assert(
      fc.property(namespaces, event, args, id, fc.boolean(), (nsp, name, list, id, isAck) => {
        const world = connected([nsp], { places: [{ path: nsp }] })
        const data = isAck ? list : [name, ...list]
        const messages = new Encoder().encode({ type: isAck ? 3 : 2, nsp, data, id: isAck ? (id ?? 0) : id })
        fc.pre(messages.length <= 11)
        world.receive(...messages)
        const sent = plain(list) as unknown[]
        const one = sent.length === 1 ? { data: sent[0] } : { args: sent }
        const answer = { ack: id ?? 0, data: sent.length > 1 ? sent : sent[0] }
        const expected = isAck ? answer : { event: name, ...one, ...(id !== undefined && { id }) }
        expect(world.session.frames as unknown[]).toEqual([expected])
      }),
    )
  })
})

/** What a client of the reference makes of a frame. */
function readByReference(codec: SocketioCodec, namespace: string, frame: Frame): ReferencePacket[] {
  const read: ReferencePacket[] = []
  const decoder = new Decoder()
  decoder.on('decoded', (packet) => void read.push({ ...packet, id: packet.id }))
  for (const message of messagesOf(codec, namespace, codec.encode(frame))) decoder.add(message)
  return read.map(({ type, nsp, data, id }) => ({ type, nsp, id, data }))
}

function messagesOf(codec: SocketioCodec, namespace: string, payload: Payload): Payload[] {
  const engine = new FakeEngine()
  const packets = codec.packetsIn(namespace, payload)
  engine.sendPackets(typeof packets === 'string' ? [packets] : [packets.text, ...packets.attachments])
  return engine.take().map((one) => (typeof one === 'string' ? one.slice(1) : one))
}

/** What JSON makes of a value, but for its bytes. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return value
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return Object.is(value, -0) ? 0 : value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]))
}
