import { isId } from '../protocol/codec.ts'

/**
 * Positions as clients know them: a string, the last argument of an event, which they send back when they return. Where positions
 * are those of this process alone, its name stands before, since a client keeps an offset until it gets another: after a restart, the
 * same number would be another position.
 */
export class Offsets {
  readonly #origin: string

  constructor(origin: string = crypto.randomUUID().slice(0, 8)) {
    this.#origin = origin
  }

  /** @param isShared whether the position outlives this process */
  write(pos: number, isShared: boolean): string {
    return isShared ? `${pos}` : `${this.#origin}.${pos}`
  }

  /**
   * What a client says that it has: a position; `'none'` where that is nothing of a session of this process, since it says nothing or
   * has something of another process's; undefined where it is no offset.
   */
  read(offset: unknown): number | 'none' | undefined {
    if (offset === undefined || offset === null) return 'none'
    const [, origin, digits] = (typeof offset === 'string' && FORM.exec(offset)) || []
    if (digits === undefined || !isId(Number(digits))) return undefined
    return origin === undefined || origin === this.#origin ? Number(digits) : 'none'
  }
}

const FORM = /^(?:([\da-z]{8})\.)?(\d{1,16})$/
