import { type AnyClass, lineage } from '../container/class.ts'
import { metadataOf } from '../container/metadata.ts'
import type { Listed } from './listed.ts'

// A decorator is called in one of two ways, as its user's compiler was told: a legacy one with `(target)` or
// `(prototype, name, descriptor)`, a standard one with `(value, context)`. What is declared here is right for both.

/** What a standard decorator of a class is told. */
export interface ClassContext {
  readonly kind: 'class'
  readonly metadata?: object | undefined
}

/** What a standard decorator of a method is told; only methods of instances that others can call are handlers. */
export interface MethodContext {
  readonly kind: 'method'
  readonly name: string | symbol
  readonly static: false
  readonly private: false
  readonly metadata?: object | undefined
}

/** What a legacy decorator of a method is given first: a class's prototype; the class itself where the method is static. */
export type Prototype = object & { prototype?: never }

/** A method that handles an event: `(socket, data)`, or `(socket, ...args)` for events with several arguments. */
export type EventMethod = (...args: never[]) => unknown

/** Decorates a class that the container builds: where it has a list, the compiler holds it against the constructor. */
export type InjectedDecorator = <C extends AnyClass>(target: C & Listed<C>, context?: ClassContext) => void

/** Decorates a method of an instance. */
export interface HandlerDecorator {
  <T extends EventMethod>(
    target: Prototype,
    name: string | symbol,
    descriptor: TypedPropertyDescriptor<T>,
  ): void
  (method: EventMethod, context: MethodContext): void
}

/** Decorates a class, or a method of an instance. */
export interface ClassOrMethodDecorator {
  (target: AnyClass, context?: ClassContext): void
  (target: Prototype, name: string | symbol, descriptor: PropertyDescriptor): void
  (method: EventMethod, context: MethodContext): void
}

/** What a decorator does in the end, in both dialects. */
export interface Declaration {
  class?(target: AnyClass): void
  /** Comes before it is asked whether the member is a method; throws where the decorator was given what cannot be. */
  check?(place: string, name: string | symbol): void
  method?(owner: AnyClass, name: string | symbol): void
}

/** What a standard decorator is told, of whatever it stands on. */
interface Context {
  readonly kind: string
  readonly name?: string | symbol | undefined
  readonly static?: boolean
  readonly private?: boolean
  readonly metadata?: object | undefined
}

/** What standard decorators of members are to declare once their class is known, by the class's metadata. */
const waiting = new WeakMap<object, ((owner: AnyClass) => void)[]>()

/**
 * Makes a function that is a decorator in both dialects.
 *
 * @param decorator its name, for what it throws where it cannot stand.
 */
export function inBothDialects(
  decorator: string,
  declaration: Declaration,
): (target: object, at?: string | symbol | ClassContext | MethodContext) => void {
  return (target, at) => {
    if (typeof at === 'object' && at !== null) return standard(decorator, declaration, target, at)
    if (at === undefined) return ofClass(decorator, declaration, target as AnyClass)
    const owner = (typeof target === 'function' ? target : target.constructor) as AnyClass
    const { value } = Object.getOwnPropertyDescriptor(target, at) ?? {}
    ofMember(decorator, declaration, owner, {
      kind: typeof value === 'function' ? 'method' : 'member',
      name: at,
      static: typeof target === 'function',
    })
  }
}

/** A class and all that it extends, the base first, with what standard decorators have to declare of them declared. */
export function declaredLineage(target: AnyClass): AnyClass[] {
  const classes = lineage(target)
  for (const one of classes) declareMembers(one, metadataOf(one))
  return classes
}

function standard(decorator: string, declaration: Declaration, target: object, context: Context): void {
  const { kind, name, metadata } = context
  if (kind === 'class') {
    declareMembers(target as AnyClass, metadata)
    return ofClass(decorator, declaration, target as AnyClass)
  }
  if (metadata === undefined) {
    throw new TypeError(
      `${decorator} on ${String(name)}: the compiler gives decorators no context.metadata. TypeScript does from 5.2 on, ` +
        `esbuild from 0.21.3 on, swc and Babel in their later versions of standard decorators: update it, or compile with ` +
        `"experimentalDecorators"`,
    )
  }
  const declare = (owner: AnyClass) => ofMember(decorator, declaration, owner, context)
  const declarations = waiting.get(metadata) ?? []
  waiting.set(metadata, declarations)
  declarations.push(declare)
}

/** Declares what waits for a class to be known, which it is only when all decorators of its members have run. */
function declareMembers(owner: AnyClass, metadata: object | undefined): void {
  const declarations = metadata === undefined ? undefined : waiting.get(metadata)
  // What throws stays, so that it throws again.
  for (; declarations?.[0] !== undefined; declarations.shift()) declarations[0](owner)
}

function ofClass(decorator: string, declaration: Declaration, target: AnyClass): void {
  if (declaration.class === undefined)
    throw new TypeError(`${decorator} on ${target.name}, which is a class: only methods can carry it`)
  // What cannot stand on a base is told here, and not first where the app is put together.
  declaredLineage(target)
  declaration.class(target)
}

function ofMember(decorator: string, declaration: Declaration, owner: AnyClass, context: Context): void {
  const { name = '', kind } = context
  const place = `${owner.name}.${String(name)}`
  if (declaration.method === undefined)
    throw new TypeError(`${decorator} on ${place}: only classes can carry it`)
  declaration.check?.(place, name)
  if (context.static)
    throw new TypeError(`${decorator} on static ${place}: only methods of instances can carry it`)
  if (context.private)
    throw new TypeError(`${decorator} on private ${place}: only methods that others can call can carry it`)
  if (kind !== 'method')
    throw new TypeError(`${decorator} on ${place}, which is no method: only methods can carry it`)
  declaration.method(owner, name)
}
