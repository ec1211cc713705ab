/** Whether a value is a promise of whatever make. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
  )
}

/** Goes on with a value, at once where it is there already: what is synchronous stays so. */
export function then<R>(value: unknown, next: (value: unknown) => R): R | Promise<R> {
  return isThenable(value) ? Promise.resolve(value).then(next) : next(value)
}
