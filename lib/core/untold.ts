/** Of how many rooms it is told that something was missed; of any more, that it may have been for anybody. */
const ROOMS = 1_000

/** To which rooms something was sent that the other nodes have not had, and have not been told of. */
export class Untold {
  #rooms: Set<string> | 'all' = new Set()

  get isEmpty(): boolean {
    return this.#rooms !== 'all' && this.#rooms.size === 0
  }

  /** Something was sent to these rooms; to everybody where none is named. */
  add(rooms: readonly string[] | undefined): void {
    if (this.#rooms === 'all') return
    for (const room of rooms ?? []) this.#rooms.add(room)
    if (rooms === undefined || this.#rooms.size > ROOMS) this.#rooms = 'all'
  }

  /** What there is to tell, which is told from now on: these rooms, or everybody. */
  take(): readonly string[] | undefined {
    const rooms = this.#rooms === 'all' ? undefined : [...this.#rooms]
    this.#rooms = new Set()
    return rooms
  }
}
