/** Far below the time that a test may take, far above what anything here needs. */
const PATIENCE = 15_000

/** Waits for a condition; throws where it does not come true, and says what was waited for. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
  patience: number = PATIENCE,
): Promise<void> {
  const begin = performance.now()
  while (!(await condition())) {
    if (performance.now() - begin > patience) throw new Error(`waited in vain for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
}

/** Resolves in a later turn of the event loop, when everything that only promises hold back has happened. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
