/** How deep what is sent may be nested: so that what has no end is found to have none. */
export const DEEPEST = 1_000

/** What UTF-8 has no bytes for. */
const HALVES = /\p{Surrogate}/gu
const HALF = /\p{Surrogate}/u

/**
 * What travels in place of a value: the value itself, or a copy where something in it has to be said otherwise. As
 * JSON.stringify does it wherever MessagePack has nothing better, so that clients get the same by both.
 *
 * @param key under which it stands, for `toJSON`
 * @throws TypeError for what MessagePack cannot carry
 */
export function plain(value: unknown, key: string | number): unknown {
  return shown(value, key, [])
}

/** `path` is what the value is in, from the outside inward. */
function shown(given: unknown, key: string | number, path: object[]): unknown {
  const value = told(given, key)
  switch (typeof value) {
    case 'string':
      return wellFormed(value)
    case 'number':
      return isWide(value) ? BigInt(value) : value
    case 'bigint':
      return inRange(value)
    case 'object':
      return value === null ? null : ofObject(value, path)
    case 'boolean':
      return value
    default:
      // Functions and symbols are left out like undefined.
      return undefined
  }
}

/** What an object shows of itself, if it says so and MessagePack has nothing better for it. */
function told(value: unknown, key: string | number): unknown {
  if (typeof value !== 'object' || value === null) return value
  const { toJSON } = value as { toJSON?: unknown }
  if (typeof toJSON !== 'function' || isBytes(value) || value instanceof Date) return value
  return toJSON.call(value, String(key))
}

function ofObject(value: object, path: object[]): unknown {
  if (isBytes(value)) return ArrayBuffer.isView(value) ? value : new Uint8Array(value)
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value
  return ofHolder(value, path)
}

function isBytes(value: object): value is ArrayBufferView | ArrayBuffer {
  return ArrayBuffer.isView(value) || value instanceof ArrayBuffer
}

function ofHolder(value: object, path: object[]): unknown {
  if (path.includes(value)) throw new TypeError('MessagePack cannot carry data that is in a cycle')
  if (path.length === DEEPEST) {
    throw new TypeError(`MessagePack carries no data that is nested deeper than ${DEEPEST} levels`)
  }
  path.push(value)
  const carried = contentOf(value, path)
  path.pop()
  return carried
}

function contentOf(value: object, path: object[]): unknown {
  if (Array.isArray(value)) return ofList(value, path)
  if (value instanceof Map) return ofMap(value, path)
  if (value instanceof Set) return ofList([...value], path)
  if (value instanceof Number || value instanceof String || value instanceof Boolean) {
    return shown(value.valueOf(), '', path)
  }
  return ofMembers(value as Record<string, unknown>, path)
}

function ofList(list: readonly unknown[], path: object[]): readonly unknown[] {
  let copy: unknown[] | undefined
  for (let i = 0; i < list.length; i++) {
    const item = list[i]
    const carried = shown(item, i, path)
    if (copy === undefined && !Object.is(carried, item)) copy = list.slice(0, i)
    if (copy !== undefined) copy[i] = carried
  }
  return copy ?? list
}

function ofMap(map: ReadonlyMap<unknown, unknown>, path: object[]): object {
  const copy = nothing()
  for (const [key, value] of map) {
    if (typeof key !== 'string' && typeof key !== 'number') {
      throw new TypeError(
        'MessagePack carries a Map if its keys are texts or numbers, and this one has others',
      )
    }
    const name = wellFormed(String(key))
    copy[name] = shown(value, name, path)
  }
  return copy
}

function ofMembers(value: Record<string, unknown>, path: object[]): object {
  const keys = Object.keys(value)
  let copy: Record<string, unknown> | undefined
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] as string
    const name = wellFormed(key)
    const member = value[key]
    const carried = shown(member, key, path)
    if (copy === undefined && (name !== key || !Object.is(carried, member))) {
      copy = nothing()
      for (const earlier of keys.slice(0, i)) copy[earlier] = value[earlier]
    }
    if (copy !== undefined) copy[name] = carried
  }
  return copy ?? value
}

/** An object without a prototype: in others one key, `__proto__`, is no member. */
function nothing(): Record<string, unknown> {
  return Object.create(null) as Record<string, unknown>
}

/** A text as UTF-8 can have it: half a surrogate pair, as a cut in an emoji leaves it, becomes U+FFFD. */
function wellFormed(text: string): string {
  return HALF.test(text) ? text.replace(HALVES, '\ufffd') : text
}

/** Whether an integer takes more than 32 bits: the library writes a bigint as an integer, and such a number as a float. */
function isWide(value: number): boolean {
  return (value > 0xffff_ffff || value < -0x8000_0000) && Number.isSafeInteger(value)
}

function inRange(value: bigint): bigint {
  if (BigInt.asUintN(64, value) === value || BigInt.asIntN(64, value) === value) return value
  throw new TypeError('MessagePack carries integers of 64 bits, and this bigint takes more')
}
