/** A JSON object that was parsed. */
export type JsonObject = Record<string, unknown>

/**
 * Whether there are bytes in what JSON.stringify has written of a value, which stood at that key: it visits what that
 * visits. To be called when that has thrown on cycles: then the walk ends.
 */
// Loops in place of some() and every(): this runs for every frame, and a closure for
// each array is a tenth of an echo; Object.keys() in place of `in` costs twice the walk.
export function carriesBytes(value: object, at: string | number): boolean {
  if (isBytes(value)) return true
  const { toJSON } = value as { toJSON?: unknown }
  // What an object shows of itself is in no cycle, though the object may be: database entities are.
  const shown: unknown = typeof toJSON === 'function' ? toJSON.call(value, String(at)) : value
  if (!isObject(shown)) return false
  if (Array.isArray(shown)) {
    for (let i = 0; i < shown.length; i++) if (isObject(shown[i]) && carriesBytes(shown[i], i)) return true
    return false
  }
  if (isBytes(shown)) return true
  for (const key in shown) {
    const inner = (shown as JsonObject)[key]
    if (isObject(inner) && Object.hasOwn(shown, key) && carriesBytes(inner, key)) return true
  }
  return false
}

/** Whether a frame carries one plain value, so that there is nothing to look into; members that no frame has are not read. */
export function isFlat(frame: JsonObject): boolean {
  const { data, error } = frame
  return data !== undefined && typeof data !== 'object' && !error && !Object.hasOwn(frame, '__proto__')
}

/**
 * Whether `__proto__` may be in a text, as it is or in escapes. Most messages have neither of the two characters, and
 * searching for one character costs next to nothing, for a word a twentieth of an echo.
 */
export function mayNamePrototype(text: string): boolean {
  return text.indexOf('_') !== -1 || text.indexOf('\\') !== -1
}

/**
 * What is wrong with something that was parsed: that it is nested deeper than so many levels, which an empty text says, or
 * that an object in it has a key that would set a prototype where it is copied carelessly.
 */
export function faultIn(value: object, levels: number): string | undefined {
  if (levels === 0) return ''
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      const fault = isObject(value[i]) ? faultIn(value[i], levels - 1) : undefined
      if (fault !== undefined) return fault
    }
    return undefined
  }
  for (const key in value) {
    if (key === '__proto__') return '"__proto__" is no key'
    const inner = (value as JsonObject)[key]
    const fault = isObject(inner) ? faultIn(inner, levels - 1) : undefined
    if (fault !== undefined) return fault
  }
  return undefined
}

function isBytes(value: object): boolean {
  return ArrayBuffer.isView(value) || value instanceof ArrayBuffer
}

export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}
