/**
 * What the library has read, as handlers get it: bytes in memory of their own, which may be kept, and integers of 64 bits
 * as numbers wherever those hold them exactly. Arrays and objects are filled in place.
 */
export function finished(value: unknown): unknown {
  if (typeof value === 'bigint') {
    const number = Number(value)
    return Number.isSafeInteger(number) ? number : value
  }
  if (typeof value !== 'object' || value === null || value instanceof Date) return value
  // The library gives a view of the whole message, in the class that the message has.
  if (value instanceof Uint8Array) return new Uint8Array(value)
  const holder = value as Record<PropertyKey, unknown>
  if (Array.isArray(value)) for (let i = 0; i < value.length; i++) value[i] = finished(value[i])
  else for (const key of Object.keys(holder)) holder[key] = finished(holder[key])
  return value
}
