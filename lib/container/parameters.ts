import 'reflect-metadata'
import { container, type DependencyContainer, delay, injectable, inject as injectDecorator } from 'tsyringe'
import { type AnyClass, lineage } from './class.ts'
import { type Token, tokenName } from './provider.ts'

/** A constructor's parameter, as far as its decorators and types tell. */
export interface Parameter {
  /** Undefined where the compiler wrote no usable type. */
  token: Token | undefined
  /** May be missing. */
  optional: boolean
  /** Resolved on first use, so that it may be part of a cycle. */
  lazy: boolean
}

/** tsyringe's own container. Had from here only: tsyringe fails to load unless reflect-metadata was loaded before. */
export const processWide: DependencyContainer = container

/** What tsyringe's `delay()` makes; it does not export the class. */
const DelayedConstructor = delay(() => Object as never).constructor

/** The keys under which compilers and tsyringe keep what they know of a constructor. */
const TYPES = 'design:paramtypes'
const TOKENS = 'injectionTokens'

/**
 * Injects what a token stands for into a constructor's parameter; needed where the parameter's type is no class.
 *
 * @example
 * ```ts
 * import { Inject, Injectable } from 'partyline'
 *
 * @Injectable()
 * class Greeter {
 *   constructor(@Inject('motd') readonly motd: string) {}
 * }
 * ```
 */
export function Inject(token: Token): ParameterDecorator {
  return (target, name, index) => {
    // Elsewhere it would be taken, and nothing would come of it.
    if (name !== undefined || typeof index !== 'number')
      throw new TypeError(misplaced(token, target, name, typeof index === 'number'))
    injectDecorator(token as never)(target, name, index)
  }
}

function misplaced(token: Token, target: object | undefined, name: unknown, isOfMethod: boolean): string {
  // Standard decorators are called with a context in the name's place, and without a target.
  const member = typeof name === 'object' ? (name as { name?: unknown } | null)?.name : name
  const owner = typeof target === 'function' ? target.name : target?.constructor.name
  const place = [owner, member].filter((one) => one !== undefined).map(String)
  const asked = tokenName(token)
  return (
    `@Inject(${asked}) on ${place.join('.')}: only a constructor's parameter can carry it. A field asks by itself: ` +
    `${typeof member === 'string' && !isOfMethod ? member : 'field'} = inject(${asked}).`
  )
}

/** Has tsyringe read the constructor's parameters, as its own `@injectable()` does. */
export function recordParameters(target: AnyClass): void {
  const base = constructorOwner(target)
  if (base !== target) {
    // tsyringe inherits the types but forgets the tokens of an inherited constructor.
    const tokens = Reflect.getOwnMetadata(TOKENS, base)
    if (tokens !== undefined) Reflect.defineMetadata(TOKENS, tokens, target)
  }
  injectable<unknown>()(target as unknown as new () => unknown)
}

/** The parameters of a class's constructor, or undefined where nothing about them is known. */
export function parametersOf(target: AnyClass): Parameter[] | undefined {
  const owner = constructorOwner(target)
  const types: unknown[] | undefined = Reflect.getOwnMetadata(TYPES, owner)
  const tokens: Record<number, unknown> = Reflect.getOwnMetadata(TOKENS, owner) ?? {}
  if (types === undefined && Object.keys(tokens).length < owner.length) return undefined
  const length = Math.max(types?.length ?? 0, owner.length, ...Object.keys(tokens).map((i) => Number(i) + 1))
  return Array.from({ length }, (_, i) => parameter(tokens[i] ?? types?.[i]))
}

/** The class in the lineage whose constructor runs with the parameters: the last that declares one. */
function constructorOwner(target: AnyClass): AnyClass {
  const declares = (one: AnyClass) => one.length > 0 || Reflect.hasOwnMetadata(TYPES, one)
  return lineage(target).findLast(declares) ?? target
}

/** `info` is a type, a token, what `delay()` makes, or what tsyringe's decorators make of one of them. */
function parameter(info: unknown): Parameter {
  const isDescribed = typeof info === 'object' && info !== null && !(info instanceof DelayedConstructor)
  const { token, isOptional = false } = (isDescribed ? info : { token: info }) as Descriptor
  if (token instanceof DelayedConstructor)
    return { token: (token as { wrap(): Token }).wrap(), optional: false, lazy: true }
  return { token: token as Token | undefined, optional: isOptional, lazy: false }
}

interface Descriptor {
  token: unknown
  isOptional?: boolean
}
