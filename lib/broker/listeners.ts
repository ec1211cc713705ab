/** Those who want to be told of something. One that throws does not keep the others from hearing it. */
export class Listeners<T> {
  readonly #listeners = new Set<{ call: (value: T) => void }>()
  readonly #failed: (error: unknown) => void

  constructor(failed: (error: unknown) => void) {
    this.#failed = failed
  }

  /** Adds one; what it returns takes it out again. */
  add(call: (value: T) => void): () => void {
    const one = { call }
    this.#listeners.add(one)
    return () => void this.#listeners.delete(one)
  }

  tell(value: T): void {
    for (const { call } of [...this.#listeners]) {
      try {
        call(value)
      } catch (error) {
        this.#failed(error)
      }
    }
  }
}
