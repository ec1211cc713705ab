import { show } from './show.ts'

/**
 * What a value is held against: the same value, where a function may stand in any place for a check of what is there, and
 * so may an `expect.any(…)` of vitest or jest.
 */
export type Expected<T> =
  | T
  | ((value: T) => unknown)
  | (T extends readonly unknown[] | Uint8Array | Date
      ? never
      : T extends object
        ? { [Key in keyof T]: Expected<T[Key]> }
        : never)

/** The first place where a value is not as expected, in words; undefined where there is none. */
export function difference(expected: unknown, value: unknown, way = ''): string | undefined {
  const place = way === '' ? '' : `at ${way}: `
  if (typeof expected === 'function') return checked(expected as Check, value, place)
  const { asymmetricMatch } = (expected ?? {}) as { asymmetricMatch?: unknown }
  if (typeof asymmetricMatch === 'function') {
    const passes: unknown = asymmetricMatch.call(expected, value)
    return passes ? undefined : `${place}${show(value)} is not ${String(expected)}`
  }
  if (Object.is(expected, value)) return undefined
  const other = `${place}${show(value)} is not ${show(expected)}`
  if (!isObject(expected) || !isObject(value) || kindOf(expected) !== kindOf(value)) return other
  if (expected instanceof Date) return expected.getTime() === (value as Date).getTime() ? undefined : other
  if (expected instanceof Uint8Array) return isSame(expected, value as Uint8Array) ? undefined : other
  if (Array.isArray(expected) && expected.length !== (value as unknown[]).length) return other
  const [one, two] = [membersOf(expected), membersOf(value)]
  for (const key of new Set([...one.keys(), ...two.keys()])) {
    const found = difference(one.get(key), two.get(key), step(way, key))
    if (found !== undefined) return found
  }
  return undefined
}

type Check = (value: unknown) => unknown

/** Assertions of any test runner will do as a check: what they throw is the difference. */
function checked(check: Check, value: unknown, place: string): string | undefined {
  try {
    return check(value) === false ? `${place}${show(value)} does not pass the check` : undefined
  } catch (error) {
    return `${place}${show(value)} does not pass the check: ${error instanceof Error ? error.message : show(error)}`
  }
}

/** The members, of maps too; what is undefined is not there, as on the wire. */
function membersOf(value: object): Map<unknown, unknown> {
  const entries = value instanceof Map ? [...value] : Object.entries(value)
  return new Map(entries.filter(([, one]) => one !== undefined))
}

function step(way: string, key: unknown): string {
  return way === '' ? String(key) : `${way}.${String(key)}`
}

function kindOf(value: object): string {
  if (Array.isArray(value)) return 'array'
  if (value instanceof Uint8Array) return 'bytes'
  return value instanceof Date ? 'date' : value instanceof Map ? 'map' : 'object'
}

function isSame(one: Uint8Array, two: Uint8Array): boolean {
  return one.length === two.length && one.every((byte, i) => byte === two[i])
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}
