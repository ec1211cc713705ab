/** Something that handlers wait at until a test opens it. */
export class Gate {
  /** How many have come to it. */
  arrived = 0
  readonly #opening = Promise.withResolvers<void>()

  /** Resolves once it is open. */
  pass(): Promise<void> {
    this.arrived++
    return this.#opening.promise
  }

  open(): void {
    this.#opening.resolve()
  }
}
