import type { AnyClass } from '../container/class.ts'
import type { Token } from '../container/provider.ts'

/**
 * Anything for a class without `static inject`, and for one whose list has a token for each parameter of its constructor
 * that stands for what the parameter takes; otherwise what does not fit, which no class has. What is no tuple, as it is
 * without `as const`, is not looked at: a base whose subclasses take other things declares it as `readonly Token[]`.
 */
export type Listed<C extends AnyClass> = C extends { readonly inject: infer L extends readonly unknown[] }
  ? number extends L['length']
    ? unknown
    : L extends TokensFor<ConstructorParameters<C>>
      ? unknown
      : { theConstructorTakes: ConstructorParameters<C>; theListHas: L }
  : unknown

type TokensFor<P extends unknown[]> = { readonly [I in keyof P]: Token<P[I]> | Delayed<P[I]> }

/** What tsyringe's `delay()` makes of a class. */
interface Delayed<T> {
  createProxy(create: never): T
}
