/**
 * A mistake in how an app is put together, found before it serves anybody: the message says what is wrong, where, and
 * how to mend it. Several mistakes are listed in one error.
 */
export class BootError extends Error {
  override readonly name = 'BootError'
  // Private, so that a runtime which prints an uncaught error with its members does not say everything twice.
  readonly #problems: readonly string[]

  constructor(problems: readonly string[], options?: ErrorOptions) {
    super(
      problems.length === 1 ? problems[0] : problems.map((one, i) => `${i + 1}. ${one}`).join('\n'),
      options,
    )
    this.#problems = problems
  }

  /** Each mistake in a sentence or two. */
  get problems(): readonly string[] {
    return this.#problems
  }
}
