import { pack, parsed, unpack } from './parcel.ts'
import { isNames } from './room-message.ts'

/** What a node tells the others that they have not had: broadcasts to these rooms; to anybody where none is named. */
export interface Hole {
  readonly rooms: readonly string[] | undefined
}

/** The same, as bytes: what a room message says of itself is a list, and this an object. */
export function packHole({ rooms }: Hole): Uint8Array {
  return pack({ text: JSON.stringify({ lost: rooms ?? 0 }), payloads: [] })
}

/** Undefined for what is none. */
export function unpackHole(bytes: Uint8Array): Hole | undefined {
  const lost = (parsed(unpack(bytes)?.text) as { lost?: unknown } | null | undefined)?.lost
  if (lost === 0) return { rooms: undefined }
  return isNames(lost) ? { rooms: lost } : undefined
}
