import { packRoomMessage, unpackRoomMessage } from '../nodes/room-message.ts'
import type { Payload } from '../protocol/codec.ts'
import type { Broadcast } from './log.ts'

/** A broadcast before it has a place in any order. */
export type Outgoing = Omit<Broadcast, 'pos'>

/** What takes a gateway's broadcasts to the other nodes of the app, and tells it of theirs. */
export interface Relay {
  /**
   * Whether all nodes deliver in one order: then what is published here comes back as any other's, and is delivered then.
   * Else it is delivered here at once.
   */
  readonly isOrdered: boolean
  /** Hands a broadcast to the other nodes. Never throws: what does not reach them is counted. */
  publish(outgoing: Outgoing): void
  /** Somebody is in a room, or on the gateway where none is named, where nobody was. */
  occupied(room: string | undefined): void
  /** Nobody is any more. */
  vacated(room: string | undefined): void
  /** Resolves when those who are in a room now hear what other nodes say in it, or soon after where that is not to be had. */
  settled?(): Promise<void>
}

/** A broadcast as nodes tell each other, by what their codecs are called. */
export function packed({ payloads, ...whom }: Outgoing, names: readonly string[]): Uint8Array {
  const byName = new Map<string, Payload>()
  for (const [i, payload] of payloads.entries())
    if (payload !== undefined) byName.set(names[i] as string, payload)
  return packRoomMessage({ ...whom, payloads: byName })
}

/** The same from bytes, by the index of the codec again; undefined for what is none. */
export function unpacked(bytes: Uint8Array, names: readonly string[]): Outgoing | undefined {
  const message = unpackRoomMessage(bytes)
  return message && { ...message, payloads: names.map((name) => message.payloads.get(name)) }
}
