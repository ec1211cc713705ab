import type { AnyEvent, EmitArgs } from '../protocol/event.ts'
import type { EventFrame } from '../protocol/frame.ts'
import { MESSAGE } from '../protocol/raw.ts'
import type { Deed } from './errand.ts'
import type { RemoteSocket, SocketView } from './remote-socket.ts'
import { checkRoomNames } from './rooms.ts'
import { checkSendable } from './socket.ts'

/** How something is done to a socket of another node. */
export interface WayToSocket {
  tell(deed: Deed): void
  outgoing(event: AnyEvent, args: readonly unknown[]): EventFrame
}

/** A socket of another node, as it was when that was asked. */
export class FarSocket implements RemoteSocket {
  readonly id: string
  readonly data: SocketView['data']
  readonly params: SocketView['params']
  readonly identity: SocketView['identity']
  readonly path: string
  readonly rooms: ReadonlySet<string>
  readonly suspended: boolean
  readonly #way: WayToSocket

  constructor(view: SocketView, path: string, way: WayToSocket) {
    this.id = view.id
    this.data = view.data
    this.params = view.params
    this.identity = view.identity
    this.path = path
    this.rooms = new Set(view.rooms)
    this.suspended = view.suspended
    this.#way = way
  }

  emit<E extends AnyEvent>(event: E, ...args: EmitArgs<E>): void {
    this.#way.tell({ do: 'emit', frame: this.#way.outgoing(event, args) })
  }

  send(message: unknown): void {
    this.emit(MESSAGE, message)
  }

  join(...rooms: string[]): void {
    checkRoomNames(rooms)
    this.#way.tell({ do: 'join', rooms })
  }

  leave(...rooms: string[]): void {
    checkRoomNames(rooms)
    this.#way.tell({ do: 'leave', rooms })
  }

  close(code = 1000, reason = ''): void {
    checkSendable(code)
    this.#way.tell({ do: 'close', code, reason })
  }
}
