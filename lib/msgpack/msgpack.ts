import { type Codec, malformed, type Payload } from '../protocol/codec.ts'
import type { Frame } from '../protocol/frame.ts'
import { finished } from './finish.ts'
import { frameOf, listOf } from './frames.ts'
import { type Library, theLibrary } from './library.ts'
import { withMarksTwice } from './mark.ts'
import { DEEPEST, plain } from './plain.ts'
import { Scan, tooDeep } from './scan.ts'

/** How an app speaks MessagePack. */
export interface MsgpackOptions {
  /**
   * How deep arrays and maps may be nested in what arrives, counted as in the same frame in JSON: the frame is 1, an
   * event's only argument 2. Default: `limits.depth` of the app; 64 without one. More than 1,000 counts as 1,000.
   */
  depth?: number
}

const DEPTH = 64

/** The arrays of the frame and of the arguments are around the data, and to the library the innermost value is a level. */
const AROUND = 3

/** Marks of the format: of a short array, before its length, and of nil. */
const ARRAY = 0x90
const NIL = 0xc0

/** How long an event's array is with a position; nil stands for the id. */
const LENGTH = 5

/** Bytes: an encoder that has written a longer frame is given up, and with it the room that it has made for it. */
const LONG = 64 * 1024

/**
 * MessagePack frames, one array a binary message (docs/protocol.md): `[0, "join", [data], 7]` and so on, for clients that
 * ask for `partyline.msgpack.v1`. It needs the package @msgpack/msgpack.
 *
 * Bytes travel as they are, and dates and big integers as such; docs/guide/codecs.md says what becomes of each value.
 * What has arrived is found to be whole, valid and within the depth before anything is made of it.
 *
 * @throws {Error} where the package is not installed
 * @example
 * ```ts
 * import { createApp, Gateway, On, type Socket } from 'partyline'
 * import { msgpack } from 'partyline/msgpack'
 *
 * @Gateway('/files')
 * class Files {
 *   @On() upload(socket: Socket, bytes: Uint8Array) {
 *     return bytes.length
 *   }
 * }
 *
 * createApp(Files, { codecs: [msgpack()] })
 * ```
 */
export function msgpack({ depth }: MsgpackOptions = {}): Codec {
  const library = theLibrary()
  return {
    ...codec(library, depth ?? DEPTH),
    within: (limits) => codec(library, depth ?? limits.depth),
  }
}

function codec({ Decoder, Encoder }: Library, allowed: number): Codec {
  const depth = Math.min(allowed, DEEPEST)
  const newEncoder = () =>
    new Encoder({ useBigInt64: true, ignoreUndefined: true, maxDepth: DEEPEST + AROUND })
  const decoder = new Decoder({ useBigInt64: true })
  let encoder = newEncoder()

  /** What a message holds that was looked at. */
  function listIn(bytes: Uint8Array, { marks, isUnfinished }: Scan): unknown[] {
    let value: unknown
    try {
      value = decoder.decode(marks === undefined ? bytes : withMarksTwice(bytes, marks))
    } catch {
      // Nothing known comes here; what the library may find one day must not become another error than this.
      throw malformed('not MessagePack')
    }
    return (isUnfinished ? finished(value) : value) as unknown[]
  }

  return {
    subprotocol: 'partyline.msgpack.v1',
    decode(message: Payload): Frame {
      if (typeof message === 'string')
        throw malformed('MessagePack frames are binary messages; this one is text')
      const scan = new Scan(message, depth)
      const frame = frameOf(listIn(message, scan))
      if (scan.depth > (isWrapped(frame) ? depth + 1 : depth)) {
        throw malformed(tooDeep(depth), (frame as { id?: number }).id)
      }
      return frame
    },
    encode(frame: Frame): Uint8Array {
      // A copy of what the encoder has written, which it writes over the next time.
      const payload = encoder.encode(listOf(frame))
      if (payload.length > LONG) encoder = newEncoder()
      return payload
    },
    position(payload: Payload, pos: number): Uint8Array {
      const place = encoder.encode(plain(pos, 'pos'))
      const positioned = new Uint8Array(payload.length + 1 + place.length)
      positioned.set(payload as Uint8Array)
      positioned.set([ARRAY + LENGTH])
      positioned.set([NIL], payload.length)
      positioned.set(place, payload.length + 1)
      return positioned
    },
  }
}

/** Whether what a frame carries is a level deeper here than in JSON: in the list of arguments, in the map of changes. */
function isWrapped(frame: Frame): boolean {
  return 'event' in frame ? frame.args === undefined : 'presence' in frame
}
