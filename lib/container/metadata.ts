import type { AnyClass } from './class.ts'

const given = (Symbol as { metadata?: symbol }).metadata

/**
 * Under which a class has what its standard decorators say of it. Compilers ask for `Symbol.metadata` when they define a
 * class, and few engines have it: importing this file puts it there, before any class that a decorator of ours stands on.
 * The symbol is the one that swc, esbuild and Babel fall back to.
 */
const METADATA = given ?? Symbol.for('Symbol.metadata')
// As engines have it, so that it stays the same for all classes. Where Symbol is frozen it cannot be helped.
if (given === undefined) Reflect.defineProperty(Symbol, 'metadata', { value: METADATA })

/** What the standard decorators of a class, and of its members, were given as `context.metadata`; undefined for all others. */
export function metadataOf(target: AnyClass): object | undefined {
  const metadata: unknown = Object.getOwnPropertyDescriptor(target, METADATA)?.value
  return typeof metadata === 'object' && metadata !== null ? metadata : undefined
}
