import type { Rooms } from './rooms.ts'
import type { Socket } from './socket.ts'

/** Who is connected, in order of arrival; on several gateways, one gateway after another. A live view. */
export class SocketList implements Iterable<Socket> {
  readonly #gateways: readonly Rooms[]

  constructor(...gateways: Rooms[]) {
    this.#gateways = gateways
  }

  get size(): number {
    return this.#gateways.reduce((sum, rooms) => sum + rooms.everybody.size, 0)
  }

  /** The `index`th in order of arrival; from the end where it is negative, as in arrays. */
  at(index: number): Socket | undefined {
    let left = index < 0 ? this.size + index : index
    if (left < 0) return undefined
    for (const socket of this) if (left-- === 0) return socket
    return undefined
  }

  /** The one with that id. */
  get(id: string): Socket | undefined {
    for (const rooms of this.#gateways) {
      const session = rooms.get(id)
      if (session !== undefined) return session.socket
    }
    return undefined
  }

  *[Symbol.iterator](): Generator<Socket> {
    for (const rooms of this.#gateways) for (const session of rooms.everybody) yield session.socket
  }
}
