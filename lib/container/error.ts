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

/** Runs tasks; the mistakes that they throw go to `problems`, and what then comes of them is undefined. */
export function collectInto(problems: string[]): <T>(task: () => T) => T | undefined {
  return (task) => {
    try {
      return task()
    } catch (error) {
      if (!(error instanceof BootError)) throw error
      problems.push(...error.problems)
      return undefined
    }
  }
}

/** A constructor or a factory failed: the message says whose, and for whom it was called; `cause` is what it threw. */
export class BuildError extends Error {
  override readonly name = 'BuildError'

  /** `names` lead from what failed to who wanted it. */
  constructor(names: readonly string[], cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    super(`${names.join(' ← ')} could not be built: ${reason}`, { cause })
  }
}
