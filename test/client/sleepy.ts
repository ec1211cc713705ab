import { CountedClock } from '../property/notebook.ts'

/** A hand-driven clock of a machine that can sleep. */
export class SleepyClock extends CountedClock {
  #isAsleep = false
  readonly #overslept = new Map<unknown, () => void>()

  override setTimeout(task: () => void, milliseconds: number): ReturnType<CountedClock['setTimeout']> {
    const timer = super.setTimeout(() => {
      if (this.#isAsleep) this.#overslept.set(timer, task)
      else task()
    }, milliseconds)
    return timer
  }

  override clearTimeout(timer: unknown): void {
    this.#overslept.delete(timer)
    super.clearTimeout(timer)
  }

  /** Time passes in which nothing runs; what fell due meanwhile runs afterwards, late. */
  sleep(milliseconds: number): void {
    this.#isAsleep = true
    this.advance(milliseconds)
    this.#isAsleep = false
    for (const [timer, task] of this.#overslept) {
      this.#overslept.delete(timer)
      task()
    }
  }
}
