import 'reflect-metadata'
import { container, type DependencyContainer, delay, injectable, inject as injectDecorator } from 'tsyringe'
import { type AnyClass, isClass, lineage } from './class.ts'
import { type Token, tokenName } from './provider.ts'
import { constructorOf } from './source.ts'

/** A constructor's parameter, as far as its decorators and types, or the class's list, tell. */
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
 * As the copy of reflect-metadata reads that was loaded with this file. Copies from 0.1.12 on know of each other; an older one
 * that is loaded later takes their place, and hides all that was written before.
 */
const { getOwnMetadata } = Reflect

/** What nobody provides: who asks for it is given undefined, and takes the default. */
const DEFAULT = { token: Symbol('the default value'), multiple: false, isOptional: true }

/**
 * Injects what a token stands for into a constructor's parameter; needed where the parameter's type is no class. For
 * legacy decorators: the standard ones cannot stand on parameters, and a class lists its tokens as `static inject`.
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
  const owner = constructorOwner(target)
  const info = infoOf(owner)
  // Left alone, it would know nothing of a list, and would take what a base says of a constructor that is not the base's.
  const isKnown = missingIn(owner, info).length === 0
  if (isKnown && (info.length > 0 || Reflect.hasMetadata(TYPES, target)))
    Reflect.defineMetadata(TYPES, info, target)
  injectable<unknown>()(target as unknown as new () => unknown)
}

/** The parameters of a class's constructor, or undefined where nothing is known of some. */
export function parametersOf(target: AnyClass): Parameter[] | undefined {
  const owner = constructorOwner(target)
  const info = infoOf(owner)
  return isHidden(owner) || missingIn(owner, info).length > 0 ? undefined : info.map(parameter)
}

/**
 * The class whose constructor runs, the positions of its parameters of which nothing is known, and its list; and whether
 * something was known that another copy of reflect-metadata hides.
 */
export function missingParameters(target: AnyClass): {
  owner: AnyClass
  missing: number[]
  list: readonly unknown[] | undefined
  isHidden: boolean
} {
  const owner = constructorOwner(target)
  const missing = missingIn(owner, infoOf(owner))
  return { owner, missing, list: listOf(owner), isHidden: isHidden(owner) }
}

/** The class in the lineage whose constructor decides what is asked for: the last that does not only hand on. */
function constructorOwner(target: AnyClass): AnyClass {
  const decides = (one: AnyClass) => {
    if (one.length > 0 || listOf(one) !== undefined) return true
    const shown = constructorOf(one)
    return shown === undefined ? Reflect.hasOwnMetadata(TYPES, one) : !shown.handsOn
  }
  return lineage(target).findLast(decides) ?? target
}

/** What is known of each parameter, from a class's list or else from its compiler and its decorators. */
function infoOf(owner: AnyClass): unknown[] {
  const list = listOf(owner)
  const types: readonly unknown[] = Reflect.getOwnMetadata(TYPES, owner) ?? []
  const tokens: Record<number, unknown> = Reflect.getOwnMetadata(TOKENS, owner) ?? {}
  // Beyond the length stand those with a default value only. Where nothing useful is known of them, they are not asked for.
  const hasDefault = (type: unknown, i: number) => i >= owner.length && isNoClass(type)
  const info = list === undefined ? types.map((type, i) => (hasDefault(type, i) ? DEFAULT : type)) : [...list]
  for (const i of Object.keys(tokens).map(Number)) info[i] = tokens[i]
  for (let i = owner.length; i < info.length; i++) if (!(i in info)) info[i] = DEFAULT
  return info
}

/** Whether a compiler wrote this for a type that is not there at run time, or for none. */
function isNoClass(type: unknown): boolean {
  return type === undefined || (typeof type === 'function' && !isClass(type))
}

function missingIn(owner: AnyClass, info: readonly unknown[]): number[] {
  return Array.from({ length: owner.length }, (_, i) => i).filter((i) => !(i in info))
}

/** Whether what was written of a constructor's parameters, and is of use, is there no more. */
function isHidden(owner: AnyClass): boolean {
  if (Reflect.getOwnMetadata === getOwnMetadata) return false
  const keys = listOf(owner) === undefined ? [TYPES, TOKENS] : [TOKENS]
  return keys.some(
    (key) =>
      Object.keys(getOwnMetadata(key, owner) ?? {}).length > 0 &&
      Reflect.getOwnMetadata(key, owner) === undefined,
  )
}

/** A class's own `static inject`: it speaks of the constructor beside which it stands, not of a subclass's. */
function listOf(owner: AnyClass): readonly unknown[] | undefined {
  const list: unknown = Object.hasOwn(owner, 'inject') ? (owner as { inject?: unknown }).inject : undefined
  return Array.isArray(list) ? list : undefined
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
