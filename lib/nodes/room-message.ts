import type { Payload } from '../protocol/codec.ts'
import { pack, parsed, unpack } from './parcel.ts'

/** What a node tells the others that it has published on a gateway. */
export interface RoomMessage {
  /** The rooms in any of which one has to be; undefined for everybody. */
  readonly rooms: readonly string[] | undefined
  /** The ids of those who are left out. */
  readonly exceptIds: readonly string[]
  /** The rooms whose members are left out. */
  readonly exceptRooms: readonly string[]
  /** As it was encoded, by the name of the codec; for each of the gateway's that can carry it. */
  readonly payloads: ReadonlyMap<string, Payload>
}

/**
 * The same, as bytes: a list of rooms (0 for everybody), codecs, ids and rooms left out, as JSON, of which the ids and rooms are
 * left away where there are none at the end; and the payloads.
 */
export function packRoomMessage({ rooms, exceptIds, exceptRooms, payloads }: RoomMessage): Uint8Array {
  const head: unknown[] = [rooms ?? 0, [...payloads.keys()]]
  if (exceptIds.length > 0 || exceptRooms.length > 0) head.push(exceptIds)
  if (exceptRooms.length > 0) head.push(exceptRooms)
  return pack({ text: JSON.stringify(head), payloads: [...payloads.values()] })
}

/** Undefined for what is none. */
export function unpackRoomMessage(bytes: Uint8Array): RoomMessage | undefined {
  const parcel = unpack(bytes)
  const head = parsed(parcel?.text)
  if (parcel === undefined || !Array.isArray(head)) return undefined
  const [rooms, codecs, exceptIds = [], exceptRooms = []] = head as unknown[]
  const { payloads } = parcel
  if (!(rooms === 0 || isNames(rooms)) || !isNames(exceptIds) || !isNames(exceptRooms)) return undefined
  if (!isNames(codecs) || codecs.length !== payloads.length) return undefined
  return {
    rooms: rooms === 0 ? undefined : rooms,
    exceptIds,
    exceptRooms,
    payloads: new Map(codecs.map((name, i) => [name, payloads[i] as Payload])),
  }
}

export function isNames(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string')
}
