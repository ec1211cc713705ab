import { type AnyClass, type Class, lineage } from './class.ts'

/**
 * How long an instance lives: as long as the `app` (one for all), the `connection` (one for each), or the handling of
 * one `event`.
 */
export type Scope = 'app' | 'connection' | 'event'

/** Scopes from the longest life to the shortest. */
export const scopes: readonly Scope[] = ['app', 'connection', 'event']

/** A token for what has no class of its own; `T` is what it stands for. */
export type NamedToken<T> = symbol & { readonly __type?: T }

/** What can be asked for: a class, or a symbol or string that stands for something. */
export type Token<T = unknown> = (abstract new (...args: never[]) => T) | NamedToken<T> | string

/** Makes a typed token for what has no class: an interface, a function, a configuration value. */
export function token<T>(description: string): NamedToken<T> {
  return Symbol(description) as NamedToken<T>
}

/** Something that exists already. It is not disposed by the app, which did not make it. */
export interface ValueProvider<T = unknown> {
  provide: Token<T>
  useValue: T
}

/** A class to build in the token's stead. */
export interface ClassProvider<T = unknown> {
  provide: Token<T>
  useClass: Class<T & object>
  /** Default: what the class's `@Injectable` says. */
  scope?: Scope
}

/** A function that makes it, from the tokens in `inject`, in their order. A promise is awaited. */
export interface FactoryProvider<T = unknown> {
  provide: Token<T>
  useFactory: (...dependencies: never[]) => T | Promise<T>
  inject?: readonly Token[]
  /** Default `app`. */
  scope?: Scope
}

/** Another name for what another token stands for. */
export interface ExistingProvider<T = unknown> {
  provide: Token<T>
  useExisting: Token<T>
}

/** What `providers` lists: a class, or a token and how to come by it. */
export type Provider<T = unknown> =
  | Class<T & object>
  | ValueProvider<T>
  | ClassProvider<T>
  | FactoryProvider<T>
  | ExistingProvider<T>

/** A token as it reads in a message. */
export function tokenName(of: Token | undefined): string {
  if (typeof of === 'function') return of.name || 'an anonymous class'
  if (typeof of === 'symbol') return of.description ?? 'Symbol()'
  return of === undefined ? 'undefined' : JSON.stringify(of)
}

const declared = new WeakMap<AnyClass, Scope>()

/** Says how long instances of a class live. */
export function declareScope(target: AnyClass, scope: Scope): void {
  declared.set(target, scope)
}

/** Whether a decorator of the class's own says how long its instances live. */
export function isDeclared(target: AnyClass): boolean {
  return declared.has(target)
}

/** How long instances of a class live: what was declared of it, else of the nearest that it extends, else `app`. */
export function scopeOf(target: AnyClass): Scope {
  const owner = lineage(target).findLast((one) => declared.has(one))
  return (owner && declared.get(owner)) ?? 'app'
}
