import { type AnyClass, lineage } from '../container/class.ts'
import type { EventShape } from '../protocol/event.ts'

/**
 * What a class or a method was tagged with. Decorators declare only; `createApp` reads the tags and acts.
 *
 * Tags stand beside the class, keyed by it and by the method's name, so that a decorator of somebody else's which
 * replaces the function loses nothing. Standard decorators can fill the same maps from `context.metadata`.
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

/** What a method decorator does with its target; throws for static methods and for what is no method. */
export function tagMethod(decorator: string, target: object, name: string | symbol, tag: MethodTag): void {
  checkMethod(decorator, target, name)
  const owner = target.constructor as AnyClass
  const own = methods.get(owner) ?? new Map<string | symbol, MethodTag[]>()
  methods.set(owner, own)
  own.set(name, [...(own.get(name) ?? []), tag])
}

/** Throws for static methods, for what is no method, and for standard decorators. */
export function checkMethod(decorator: string, target: object, name: string | symbol): void {
  // Standard decorators are called with a context in the name's place.
  if (typeof name === 'object') {
    throw new TypeError(
      `${decorator} was compiled as a standard decorator: set "experimentalDecorators" in tsconfig.json, which Bun reads ` +
        `from the current directory`,
    )
  }
  if (typeof target === 'function') {
    throw new TypeError(
      `${decorator} on static ${target.name}.${String(name)}: only methods of instances can carry it`,
    )
  }
  if (typeof Object.getOwnPropertyDescriptor(target, name)?.value !== 'function') {
    throw new TypeError(
      `${decorator} on ${target.constructor.name}.${String(name)}, which is no method: only methods can carry it`,
    )
  }
}

/**
 * The tagged methods of a class and of the classes it extends, bases first, each in the order of the source. A method
 * that a subclass tags anew has the subclass's tags only; one that it overrides without a decorator keeps its tags.
 */
export function taggedMethods(target: AnyClass): TaggedMethod[] {
  const found = new Map<string | symbol, TaggedMethod[]>()
  for (const owner of lineage(target)) {
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
