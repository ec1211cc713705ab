import { expect, test } from 'bun:test'
import { type Codec, json } from 'partyline'
import { msgpack } from 'partyline/msgpack'
import { withPosition } from '../../lib/protocol/codec.ts'

const frames = [
  { event: 'a', data: 1 },
  { event: 'b', data: { deep: ['}', '"', '…'] } },
  { event: 'c', args: [] },
  { event: 'd', args: [1, 'x', { y: null }] },
]

const positions = [0, 1, 127, 128, 255, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32, 2 ** 52]

/** One of an application's own, which knows nothing of positions. */
const own: Codec = { subprotocol: 'own.v1', decode: json().decode, encode: json().encode }

test.each([
  ['JSON', json()],
  ['JSON with a key and messages of its own', json({ eventKey: 'type', messageShorthand: true })],
  ['MessagePack', msgpack()],
  ['a codec without the method', own],
])('an event that gets its position afterwards is the same as one that had it: %s', (_, codec) => {
  for (const frame of [...frames, { event: 'e', data: 'text' }])
    for (const pos of positions)
      expect(withPosition(codec, codec.encode(frame), pos)).toEqual(codec.encode({ ...frame, pos }))
})
