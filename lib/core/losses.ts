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

  /** Takes note that something is gone. */
  add(room: string | undefined, { pos, exceptIds, exceptRooms }: Loss): void {
    const one = { pos, exceptIds, exceptRooms }
    const [known, before] = this.of(room)
    // What is lost without having been kept is told at once, and older things may go after that.
    const [loss, other] = known === undefined || pos >= known.pos ? [one, known] : [known, one]
    // Of those that left out the same, the last is enough: somebody who only speaks to a room sees nothing of what it says.
    const isSame = other === undefined || isAlike(other, loss)
    const pasts = [before?.pos ?? 0, isSame ? 0 : other.pos]
    const past = Math.max(...pasts)
    const earlier = past === 0 ? undefined : { pos: past, exceptIds: [], exceptRooms: [] }
    this.#byRoom.delete(room)
    this.#byRoom.set(room, earlier === undefined ? [loss] : [loss, earlier])
    if (this.#byRoom.size > this.#most) this.#forgetOne()
  }

  /** Takes note that anything may be gone up to a position. */
  raise(pos: number): void {
    this.#floor = Math.max(this.#floor, pos)
  }

  /** Forgets all that is known: up to this position, which may be a lower one than before, anything is gone. */
  restart(pos: number): void {
    this.#byRoom.clear()
    this.#floor = pos
  }

  #forgetOne(): void {
    for (const [room, [last]] of this.#byRoom) {
      this.#byRoom.delete(room)
      this.raise(last?.pos ?? 0)
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
