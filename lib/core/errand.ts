import type { ErrorBody } from '../protocol/error.ts'
import type { EventFrame } from '../protocol/frame.ts'
import type { SocketView } from './remote-socket.ts'

/** Which sockets of a gateway are meant, on whatever node they are. */
export interface Selection {
  /** Those in any of these rooms; everybody where there are none named. */
  readonly rooms?: readonly string[] | undefined
  /** Those with these ids, in place of rooms. */
  readonly ids?: readonly string[] | undefined
  readonly exceptIds: readonly string[]
  readonly exceptRooms: readonly string[]
}

/** What is done with them. */
export type Deed =
  | { readonly do: 'count' }
  | { readonly do: 'fetch' }
  | { readonly do: 'join' | 'leave'; readonly rooms: readonly string[] }
  | { readonly do: 'close'; readonly code: number; readonly reason: string }
  | { readonly do: 'emit'; readonly frame: EventFrame }
  /** By the one node that is told, to those of all nodes. */
  | { readonly do: 'publish'; readonly frame: EventFrame }
  | { readonly do: 'call'; readonly frame: EventFrame; readonly timeout: number | null }

/** A deed for another node. */
export interface Errand {
  readonly path: string
  readonly selection: Selection
  readonly deed: Deed
}

/** What a client answered, by the id of its socket. */
export interface PlainAnswer {
  readonly socket: SocketView
  readonly data?: unknown
  readonly error?: ErrorBody
}

export function isAnything(_: unknown): _ is unknown {
  return true
}

export function isCount(data: unknown): data is number {
  return typeof data === 'number' && Number.isFinite(data)
}

export function isListOf<T>(fits: (one: unknown) => one is T): (data: unknown) => data is T[] {
  return (data): data is T[] => Array.isArray(data) && data.every(fits)
}

export function isView(one: unknown): one is SocketView {
  const { id, rooms } = (one ?? {}) as Partial<SocketView>
  return typeof id === 'string' && Array.isArray(rooms)
}

export function isAnswer(one: unknown): one is PlainAnswer {
  const { socket, error } = (one ?? {}) as Partial<PlainAnswer>
  return isView(socket) && (error === undefined || typeof error?.code === 'string')
}
