import { type CloseReason, Injectable, type Socket } from 'partyline'
import { HandClock } from '../support/clock.ts'

/** A hand-driven clock that knows how many timers wait in it. */
export class CountedClock extends HandClock {
  readonly #waiting = new Set<unknown>()

  get timers(): number {
    return this.#waiting.size
  }

  override setTimeout(task: () => void, milliseconds: number): ReturnType<HandClock['setTimeout']> {
    const timer = super.setTimeout(() => {
      this.#waiting.delete(timer)
      task()
    }, milliseconds)
    this.#waiting.add(timer)
    return timer
  }

  override clearTimeout(timer: unknown): void {
    this.#waiting.delete(timer)
    super.clearTimeout(timer)
  }

  wait(milliseconds: number): Promise<void> {
    return new Promise((resolve) => this.setTimeout(resolve, milliseconds))
  }
}

/** What the gateways under test have seen. */
@Injectable()
export class Notebook {
  clock = new CountedClock()
  /** How many handlers have begun. */
  begun = 0
  readonly ended = new Set<string>()
  readonly wrong: string[] = []
  readonly #seen = new Set<number>()
  readonly #last = new Map<string, number>()

  /** A handler begins, for the frame of that number. */
  begin(socket: Socket, number: unknown, inOrder: boolean): void {
    this.begun++
    if (this.ended.has(socket.id)) this.wrong.push(`a handler began after the @OnClose of ${socket.id}`)
    if (typeof number !== 'number') return
    if (this.#seen.has(number)) this.wrong.push(`frame ${number} was handled twice`)
    this.#seen.add(number)
    const last = this.#last.get(socket.id) ?? -1
    if (inOrder && number < last) this.wrong.push(`frame ${number} was handled after frame ${last}`)
    this.#last.set(socket.id, number)
  }

  end(socket: Socket, { code }: CloseReason): void {
    if (this.ended.has(socket.id)) this.wrong.push(`@OnClose ran twice, the second time with ${code}`)
    this.ended.add(socket.id)
  }
}
