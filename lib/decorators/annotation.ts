import { type AnyClass, lineage } from '../container/class.ts'
import { checkMethod } from './tags.ts'

/** Decorates a class, or a method of one. */
export interface ClassOrMethodDecorator {
  (target: AnyClass): void
  (target: object, name: string | symbol, descriptor: PropertyDescriptor): void
}

/** What may be said of a class and of its methods alike, several times: guards, middleware. */
export class Annotation<T> {
  readonly #classes = new WeakMap<AnyClass, readonly T[]>()
  readonly #methods = new WeakMap<AnyClass, Map<string | symbol, readonly T[]>>()

  constructor(readonly decorator: string) {}

  /** The decorator that says these. */
  decorate(values: readonly T[]): ClassOrMethodDecorator {
    return (target: AnyClass | object, name?: string | symbol) => {
      if (name === undefined) return this.#addToClass(target as AnyClass, values)
      checkMethod(this.decorator, target, name)
      this.#addToMethod(target.constructor as AnyClass, name, values)
    }
  }

  /** What was said of a class and of those that it extends, the base's first: a subclass adds, and takes nothing away. */
  ofClass(target: AnyClass): T[] {
    return lineage(target).flatMap((one) => this.#classes.get(one) ?? [])
  }

  /** What was said of a method by the last class that said anything of it; an override without a word keeps it. */
  ofMethod(target: AnyClass, name: string | symbol): readonly T[] {
    const owner = lineage(target).findLast((one) => this.#methods.get(one)?.has(name))
    return (owner && this.#methods.get(owner)?.get(name)) ?? []
  }

  /** The methods of a class, and of those that it extends, of which anything was said. */
  methodsOf(target: AnyClass): (string | symbol)[] {
    return [...new Set(lineage(target).flatMap((one) => [...(this.#methods.get(one)?.keys() ?? [])]))]
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
