import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { contentOf, readTag, tagOf } from '../../lib/channels/content.ts'
import { ChannelMessage } from '../../lib/channels/message.ts'
import { channel } from '../../lib/channels/names.ts'
import { bytesOf } from '../contract/broker/network.ts'

const to = channel('fac', 'broadcast')

describe('what is published', () => {
  test('comes back as it was', () => {
    const data = fc.oneof(
      fc.string(),
      fc.uint8Array(),
      fc.jsonValue().filter((value) => typeof value !== 'string'),
    )
    fc.assert(
      fc.property(data, fc.nat(2 ** 30 - 1), (data, number) => {
        const { bytes, kind } = contentOf(data)
        const tag = readTag(tagOf(kind, number))
        expect(tag).toEqual({ kind, number })
        expect(tagOf(kind, number)).toBeLessThan(2 ** 32)
        const message = new ChannelMessage(to, { bytes, kind: tag.kind }, 1)
        // JSON knows no -0, wherever it is.
        expect(message.data).toEqual(kind === 'json' ? JSON.parse(JSON.stringify(data)) : data)
        expect(message.bytes).toBe(bytes)
      }),
      {
        examples: [
          [-0, 0],
          [[-0], 0],
        ],
      },
    )
  })

  test('is bare: text in UTF-8, bytes as they are, all else as JSON', () => {
    expect(contentOf('Grüße')).toEqual({ kind: 'text', bytes: bytesOf('Grüße') })
    expect(contentOf(Uint8Array.of(1, 255).subarray(1))).toEqual({ kind: 'bytes', bytes: Uint8Array.of(255) })
    expect(contentOf(Uint8Array.of(1, 255).buffer)).toEqual({ kind: 'bytes', bytes: Uint8Array.of(1, 255) })
    expect(contentOf(new Uint16Array([258]))).toEqual({ kind: 'bytes', bytes: Uint8Array.of(2, 1) })
    expect(contentOf({ a: new Date(0) }).bytes).toEqual(bytesOf('{"a":"1970-01-01T00:00:00.000Z"}'))
  })

  test.each([
    [undefined, 'there is nothing to publish: undefined is no message'],
    [() => 1, 'there is nothing to publish: a function is no message'],
    [Symbol('x'), 'there is nothing to publish: a symbol is no message'],
    [1n, 'this cannot be published as JSON'],
    [{ a: [Uint8Array.of(1)] }, 'JSON cannot carry binary data'],
    [{ a: Buffer.from('x') }, 'JSON cannot carry binary data'],
    [{ a: new ArrayBuffer(1) }, 'JSON cannot carry binary data'],
  ])('cannot be %p', (data, message) => {
    expect(() => contentOf(data)).toThrow(expect.objectContaining({ code: 'INVALID_DATA' }))
    expect(() => contentOf(data)).toThrow(message)
  })

  test('cannot be a cycle', () => {
    const ring: { self?: unknown } = {}
    ring.self = ring
    expect(() => contentOf(ring)).toThrow(expect.objectContaining({ code: 'INVALID_DATA' }))
  })
})

describe('what another program publishes', () => {
  const read = (bytes: Uint8Array): unknown =>
    new ChannelMessage(to, { bytes, kind: 'unknown' }, undefined).data

  test('is text where it is one, also where that is JSON, and bytes otherwise', () => {
    expect(read(bytesOf('Hello'))).toBe('Hello')
    expect(read(bytesOf('{"a":1}'))).toBe('{"a":1}')
    expect(read(bytesOf('\ufeffx'))).toBe('\ufeffx')
    expect(read(bytesOf(''))).toBe('')
    expect(read(Uint8Array.of(0xc3))).toEqual(Uint8Array.of(0xc3))
  })

  test('is no JSON, whatever it says of itself', () => {
    const message = new ChannelMessage(to, { bytes: bytesOf('{'), kind: 'json' }, 1)
    expect(message.data).toBe('{')
  })
})
