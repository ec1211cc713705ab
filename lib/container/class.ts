/** Any class, abstract ones included. */
export type AnyClass = abstract new (...args: never[]) => object

/** A class that can be constructed. */
export type Class<T extends object = object> = new (...args: never[]) => T

/** Whether it was written as a class: a function or a built-in, such as `String`, was not. */
export function isClass(value: unknown): value is AnyClass {
  return typeof value === 'function' && /^class\b/.test(Function.prototype.toString.call(value))
}

/** A class and all that it extends, the base first. */
export function lineage(target: AnyClass): AnyClass[] {
  const classes: AnyClass[] = []
  for (
    let at: unknown = target;
    typeof at === 'function' && at !== Function.prototype;
    at = Object.getPrototypeOf(at)
  ) {
    classes.unshift(at as AnyClass)
  }
  return classes
}
