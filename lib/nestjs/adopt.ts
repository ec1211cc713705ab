import { type AnyClass, Inject, isClass, lineage, type Token, tokenName } from '../container/mod.ts'

/** Under these keys Nest's `@Inject` keeps what it is told, of constructors and of fields. */
const PARAMETERS = 'self:paramtypes'
const FIELDS = 'self:properties_metadata'

/** Takes over what Nest's own `@Inject` says of the constructor of a class that Partyline builds. Returns what cannot be. */
export function adopt(target: unknown): string[] {
  if (!isClass(target)) return []
  return lineage(target).flatMap((one) => {
    for (const { index, param } of noted<{ index: number; param: unknown }>(PARAMETERS, one))
      Inject(unwrapped(param))(one, undefined, index)
    return noted<{ key: string | symbol; type: unknown }>(FIELDS, one).map(
      ({ key, type }) =>
        `${one.name}.${String(key)} carries Nest's @Inject, which Partyline heeds on constructors' parameters only. Move it ` +
        `there, or have the field ask: ${String(key)} = inject(${tokenName(unwrapped(type))}).`,
    )
  })
}

function noted<T>(key: string, target: AnyClass): readonly T[] {
  return Reflect.getOwnMetadata(key, target) ?? []
}

/** Nest wraps tokens that are not there yet when a decorator runs. */
function unwrapped(token: unknown): Token {
  const { forwardRef } = (token ?? {}) as { forwardRef?: unknown }
  return (typeof forwardRef === 'function' ? forwardRef() : token) as Token
}
