import type { Loss } from './log.ts'

/**
 * How far what each room was sent is gone. Who has seen less, and was there, cannot be given what was missed; anybody else has
 * lost nothing, however long ago the last that it saw was sent.
 */
export class Losses {
  /** By room, in the order in which something of theirs went last; for everybody, by undefined. */
  readonly #byRoom = new Map<string | undefined, readonly Loss[]>()
  /** How many rooms are remembered. */
  readonly #most: number
  #floor = 0

  constructor(most: number) {
    this.#most = most
  }

  /** The last position of which it is not known any more who lost it. */
  get floor(): number {
    return this.#floor
  }

  of(room: string | undefined): readonly Loss[] {
    return this.#byRoom.get(room) ?? []
  }

  /** Takes note that something is gone that was sent later than what went before. */
  add(room: string | undefined, { pos, exceptIds, exceptRooms }: Loss): void {
    const [last, before] = this.of(room)
    const loss = { pos, exceptIds, exceptRooms }
    // Of those that left out the same, the last is enough: somebody who only speaks to a room sees nothing of what it says.
    const isSame = last !== undefined && isAlike(last, loss)
    const earlier = last === undefined || isSame ? before : { pos: last.pos, exceptIds: [], exceptRooms: [] }
    this.#byRoom.delete(room)
    this.#byRoom.set(room, earlier === undefined ? [loss] : [loss, earlier])
    if (this.#byRoom.size > this.#most) this.#forgetOne()
  }

  #forgetOne(): void {
    for (const [room, [last]] of this.#byRoom) {
      this.#byRoom.delete(room)
      this.#floor = Math.max(this.#floor, last?.pos ?? 0)
      return
    }
  }
}

/** Whether two were kept from the same. */
function isAlike(one: Loss, other: Loss): boolean {
  return isEqual(one.exceptIds, other.exceptIds) && isEqual(one.exceptRooms, other.exceptRooms)
}

function isEqual(some: readonly string[], others: readonly string[]): boolean {
  return some.length === others.length && some.every((one, i) => one === others[i])
}
