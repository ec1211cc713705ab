/** A text, shortened where it is longer than that. */
export function cut(text: string, longest: number): string {
  return text.length <= longest ? text : `${text.slice(0, longest)}… (${text.length} characters)`
}

/** Bytes, to be read. */
export function hexOf(bytes: Uint8Array): string {
  return `<${[...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(' ')}>`
}

/** A value as a person would write it down; never throws. */
export function show(value: unknown): string {
  return cut(write(value, []), 1_000)
}

function write(value: unknown, way: readonly unknown[]): string {
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'function')
    return value.name === '' ? 'whatever passes a check' : `what passes ${value.name}`
  if (typeof value !== 'object' || value === null) return String(value)
  if (way.includes(value)) return '(itself)'
  const inner = [...way, value]
  if (value instanceof Error) return `${value.name}: ${value.message}`
  if (value instanceof Date) return `Date(${value.getTime()})`
  if (value instanceof Uint8Array) return hexOf(value)
  if (Array.isArray(value)) return `[${value.map((one) => write(one, inner)).join(', ')}]`
  if (value instanceof Map)
    return `Map {${[...value].map(([key, one]) => `${write(key, inner)} => ${write(one, inner)}`).join(', ')}}`
  const members = Object.entries(value).filter(([, one]) => one !== undefined)
  return `{${members.map(([key, one]) => `${JSON.stringify(key)}: ${write(one, inner)}`).join(', ')}}`
}
