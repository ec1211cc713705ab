import {
  type AnyClass,
  Inject,
  isClass,
  lineage,
  type NamedToken,
  parametersOf,
  type Token,
  token,
  tokenName,
} from '../container/mod.ts'
import { GatewayContext } from '../core/context.ts'
import { Socket } from '../core/socket.ts'

/** Under these keys Nest's `@Inject` keeps what it is told, of constructors and of fields. */
const PARAMETERS = 'self:paramtypes'
const FIELDS = 'self:properties_metadata'

/** Under which Nest's `@Optional` keeps the positions of a constructor's parameters. */
const OPTIONAL = 'optional:paramtypes'

/** What no module provides, and those who may have it are always given. */
const GIVEN: readonly unknown[] = [GatewayContext, Socket]

/** The tokens that stand for what may be missing, by what that is, and the other way round. */
const optionals = new Map<Token | undefined, NamedToken<unknown>>()
const wanted = new Map<Token, { token: Token | undefined }>()

/**
 * Takes over what Nest's own `@Inject` and `@Optional` say of the constructor of a class that Partyline builds. Returns what
 * cannot be.
 */
export function adopt(target: unknown): string[] {
  if (!isClass(target)) return []
  return lineage(target).flatMap((one) => {
    for (const { index, param } of noted<{ index: number; param: unknown }>(PARAMETERS, one))
      Inject(unwrapped(param))(one, undefined, index)
    adoptOptional(one)
    return noted<{ key: string | symbol; type: unknown }>(FIELDS, one).map(
      ({ key, type }) =>
        `${one.name}.${String(key)} carries Nest's @Inject, which Partyline heeds on constructors' parameters only. Move it ` +
        `there, or have the field ask: ${String(key)} = inject(${tokenName(unwrapped(type))}).`,
    )
  })
}

/** What a token stands for that a parameter with Nest's `@Optional` is asked for by; undefined for all others. */
export function ifOptional(asked: Token): { readonly token: Token | undefined } | undefined {
  return wanted.get(asked)
}

/**
 * Has the parameters asked for by tokens of their own: what an application does not provide is then undefined, and is not built
 * unasked. Whether it does is another matter in each application that has the class.
 */
function adoptOptional(one: AnyClass): void {
  const positions = noted<number>(OPTIONAL, one)
  // Where nothing is known of some there is none to know: that is told where the class is made known.
  const parameters = (positions.length > 0 && parametersOf(one)) || []
  for (const index of positions) {
    const parameter = parameters[index]
    if (parameter === undefined || parameter.lazy || parameter.optional) continue
    if (GIVEN.includes(parameter.token) || wanted.has(parameter.token as Token)) continue
    Inject(optional(parameter.token))(one, undefined, index)
  }
}

function optional(asked: Token | undefined): Token {
  const known = optionals.get(asked)
  if (known !== undefined) return known
  const made = token(`@Optional() ${tokenName(asked)}`)
  optionals.set(asked, made)
  wanted.set(made, { token: asked })
  return made
}

function noted<T>(key: string, target: AnyClass): readonly T[] {
  return Reflect.getOwnMetadata(key, target) ?? []
}

/** Nest wraps tokens that are not there yet when a decorator runs. */
function unwrapped(token: unknown): Token {
  const { forwardRef } = (token ?? {}) as { forwardRef?: unknown }
  return (typeof forwardRef === 'function' ? forwardRef() : token) as Token
}
