import { isThenable } from '../container/mod.ts'

export { isThenable }

/** Goes on with a value, at once where it is there already: what is synchronous stays so. */
export function then<R>(value: unknown, next: (value: unknown) => R): R | Promise<R> {
  return isThenable(value) ? Promise.resolve(value).then(next) : next(value)
}
