import type { AnyClass } from '../container/class.ts'
import type { EventShape } from '../protocol/event.ts'
import { declaredLineage, type HandlerDecorator, inBothDialects } from './dialect.ts'

/**
 * What a class or a method was tagged with. Decorators declare only; `createApp` reads the tags and acts.
 *
 * Tags stand beside the class, keyed by it and by the method's name, so that a decorator of somebody else's which
 * replaces the function loses nothing. What standard decorators say gets there when their class is known.
 */

/** What a method is for. */
export type MethodTag =
  | { kind: 'event'; event: string | undefined; shape: EventShape }
  | { kind: 'any' | 'open' | 'close' | 'suspend' | 'resume' | 'message' | 'firstMessage' }
  | { kind: 'signal'; signal: string; event: string | undefined }

/** A method and one thing that it is for. */
export interface TaggedMethod {
  name: string | symbol
  tag: MethodTag
  /** The class whose decorator said so. */
  owner: AnyClass
}

const methods = new WeakMap<AnyClass, Map<string | symbol, MethodTag[]>>()

/** A decorator that says what a method is for. */
export function tagging(decorator: string, tag: MethodTag): HandlerDecorator {
  return inBothDialects(decorator, { method: (owner, name) => tagMethod(owner, name, tag) })
}

/** Says what a method is for, beside what was said of it before. */
export function tagMethod(owner: AnyClass, name: string | symbol, tag: MethodTag): void {
  const own = methods.get(owner) ?? new Map<string | symbol, MethodTag[]>()
  methods.set(owner, own)
  own.set(name, [...(own.get(name) ?? []), tag])
}

/**
 * The tagged methods of a class and of the classes it extends, bases first, each in the order of the source. A method
 * that a subclass tags anew has the subclass's tags only; one that it overrides without a decorator keeps its tags.
 */
export function taggedMethods(target: AnyClass): TaggedMethod[] {
  const found = new Map<string | symbol, TaggedMethod[]>()
  for (const owner of declaredLineage(target)) {
    for (const [name, tags] of methods.get(owner) ?? []) {
      // Method decorators of one method run bottom-up.
      found.set(
        name,
        tags.toReversed().map((tag) => ({ name, tag, owner })),
      )
    }
  }
  return [...found.values()].flat()
}

/** A kind of class tag, such as `@Gateway`'s: set once a class, not inherited. */
export class ClassTag<T> {
  readonly #tags = new WeakMap<AnyClass, T>()

  constructor(readonly decorator: string) {}

  set(target: AnyClass, value: T): void {
    if (this.#tags.has(target)) throw new TypeError(`${this.decorator} stands twice on ${target.name}`)
    this.#tags.set(target, value)
  }

  get(target: AnyClass): T | undefined {
    return this.#tags.get(target)
  }
}
