import { type AnyClass, lineage } from '../container/class.ts'
import { type ClassOrMethodDecorator, declaredLineage, inBothDialects } from './dialect.ts'

export type { ClassOrMethodDecorator } from './dialect.ts'

/** What may be said of a class and of its methods alike, several times: guards, middleware. */
export class Annotation<T> {
  readonly #classes = new WeakMap<AnyClass, readonly T[]>()
  readonly #methods = new WeakMap<AnyClass, Map<string | symbol, readonly T[]>>()

  constructor(readonly decorator: string) {}

  /** The decorator that says these. */
  decorate(values: readonly T[]): ClassOrMethodDecorator {
    return inBothDialects(this.decorator, {
      class: (target) => this.#addToClass(target, values),
      method: (owner, name) => this.#addToMethod(owner, name, values),
    })
  }

  /** What was said of a class and of those that it extends, the base's first: a subclass adds, and takes nothing away. */
  ofClass(target: AnyClass): T[] {
    return lineage(target).flatMap((one) => this.#classes.get(one) ?? [])
  }

  /** What was said of a method by the last class that said anything of it; an override without a word keeps it. */
  ofMethod(target: AnyClass, name: string | symbol): readonly T[] {
    const owner = declaredLineage(target).findLast((one) => this.#methods.get(one)?.has(name))
    return (owner && this.#methods.get(owner)?.get(name)) ?? []
  }

  /** The methods of a class, and of those that it extends, of which anything was said. */
  methodsOf(target: AnyClass): (string | symbol)[] {
    const classes = declaredLineage(target)
    return [...new Set(classes.flatMap((one) => [...(this.#methods.get(one)?.keys() ?? [])]))]
  }

  // Decorators that stand above each other run bottom-up; those above come first, as they read.

  #addToClass(target: AnyClass, values: readonly T[]): void {
    this.#classes.set(target, [...values, ...(this.#classes.get(target) ?? [])])
  }

  #addToMethod(owner: AnyClass, name: string | symbol, values: readonly T[]): void {
    const methods = this.#methods.get(owner) ?? new Map<string | symbol, readonly T[]>()
    this.#methods.set(owner, methods.set(name, [...values, ...(methods.get(name) ?? [])]))
  }
}
