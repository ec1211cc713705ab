import { describe, expect, setDefaultTimeout, test } from 'bun:test'
import fc from 'fast-check'
import {
  headOf,
  isFrom,
  openEntry,
  openEnvelope,
  openingOf,
  sealChange,
  sealEntry,
  sealGreeting,
  sealMessage,
} from '../../lib/redis/envelope.ts'
import { bytes } from '../support/hex.ts'

setDefaultTimeout(30_000)

const node = Buffer.from('0123456789abcdef', 'hex')
const from = node.toString('hex')
const opening = openingOf(node)
const payload = fc.uint8Array({ maxLength: 64 })
const number = fc.maxSafeNat()

/** As Redis puts a number in. */
function numbered(head: Buffer, count: number, rest: Buffer): Buffer {
  const packed = Buffer.alloc(8)
  packed.writeBigUInt64BE(BigInt(count))
  return Buffer.concat([head, packed, rest])
}

describe('an envelope', () => {
  test('stands on the wire as it is written down', () => {
    expect(sealMessage(opening, bytes("'hi'"))).toEqual(
      Buffer.from(bytes("ff 70 6c 01 01 0123456789abcdef 'hi'")),
    )
    expect(sealGreeting('bye', node)).toEqual(Buffer.from(bytes('ff 70 6c 01 05 0123456789abcdef')))
    expect(sealEntry(node, 258, bytes("'hi'"))).toEqual(
      Buffer.from(bytes("0123456789abcdef 00 00 00 00 01 02 00 00 00 00 'hi'")),
    )
    expect(sealEntry(node, 258, bytes("'hi'"), 4_278_190_083)).toEqual(
      Buffer.from(bytes("0123456789abcdef 00 00 00 00 01 02 ff 00 00 03 'hi'")),
    )
    expect(sealChange(node, 'ann', bytes("'hi'"))).toEqual(
      Buffer.from(bytes("0123456789abcdef 01 00 03 'annhi'")),
    )
    expect(
      openEnvelope(
        Buffer.from(
          bytes("ff 70 6c 01 02 00 00 00 00 00 00 01 00 0123456789abcdef 00 00 00 00 01 02 00 00 00 07 'hi'"),
        ),
      ),
    ).toEqual({
      kind: 'entry',
      position: 256,
      from,
      bytes: bytes("'hi'"),
      tag: 7,
    })
  })

  test('has the node that sent it, among many that are nearly alike', () => {
    const nodes = Array.from({ length: 3_000 }, (_, i) =>
      Buffer.from(((i % 1_500) * 2 ** 31 + i).toString(16).padStart(16, '0'), 'hex'),
    )
    for (const one of [...nodes, ...nodes.slice(-10)])
      expect(openEnvelope(sealMessage(openingOf(one), new Uint8Array()))).toMatchObject({
        from: one.toString('hex'),
      })
  })

  test('gives back what was put in', () => {
    fc.assert(
      fc.property(payload, number, fc.string({ unit: 'binary', maxLength: 30 }), (bytes, count, member) => {
        expect(openEnvelope(sealMessage(opening, bytes))).toEqual({ kind: 'message', from, bytes })
        const entry = sealEntry(node, count % 2 ** 47, bytes)
        expect(openEntry(entry)).toEqual({ from, bytes })
        expect(openEnvelope(numbered(headOf('entry'), count, entry))).toEqual({
          kind: 'entry',
          position: count,
          from,
          bytes,
        })
        for (const [name, state] of [
          [member, bytes],
          [member, undefined],
          [undefined, undefined],
        ] as const)
          expect(openEnvelope(numbered(headOf('change'), count, sealChange(node, name, state)))).toEqual({
            kind: 'change',
            version: count,
            from,
            member: name,
            bytes: state,
          })
        for (const kind of ['hello', 'bye'] as const)
          expect(openEnvelope(sealGreeting(kind, node))).toEqual({ kind, from })
        expect(isFrom(sealMessage(opening, bytes), node)).toBe(true)
        expect(isFrom(sealMessage(openingOf(Buffer.alloc(8)), bytes), node)).toBe(false)
        const almost = Buffer.from(node)
        almost[7] = 0
        expect(isFrom(sealMessage(openingOf(almost), bytes), node)).toBe(false)
      }),
    )
  })

  test('is told from everything else, whatever that is', () => {
    const start = fc.constantFrom('', 'ff', 'ff706c', 'ff706c01', 'ff706c0101', 'ff706c0102', 'ff706c0103')
    fc.assert(
      fc.property(start, payload, (start, rest) => {
        const sealed = Buffer.concat([Buffer.from(start, 'hex'), rest])
        const opened = openEnvelope(sealed)
        const isOurs = sealed.subarray(0, 3).toString('hex') === 'ff706c'
        expect(opened.kind === 'foreign').toBe(!isOurs)
        if (opened.kind === 'foreign') expect(opened.bytes).toEqual(new Uint8Array(sealed))
        expect(isFrom(sealed, node)).toBe(false)
      }),
      { numRuns: 2_000 },
    )
  })
})
