/** Whether two types are the same, and not only assignable: `any` is the same as nothing but `any`. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

/** Takes a value whose type is exactly `Expected`, and returns it. */
export function exactly<Expected>() {
  return <Actual>(value: Same<Expected, Actual> extends true ? Actual : never): Actual => value
}
