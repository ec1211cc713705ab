/** Bytes that are written by hand: hexadecimal, with spaces where they help, and texts in quotes. */
export function bytes(text: string): Uint8Array {
  const parts = text.match(/'[^']*'|[0-9a-f]{2}|\s+|./g) ?? []
  return Uint8Array.from(
    parts.flatMap((part) => {
      if (part.startsWith("'")) return [...new TextEncoder().encode(part.slice(1, -1))]
      if (part.trim() === '') return []
      if (part.length !== 2) throw new Error(`"${part}" in "${text}" is no byte`)
      return [Number.parseInt(part, 16)]
    }),
  )
}

/** The same bytes, to be read in a message: hexadecimal without spaces. */
export function hex(payload: string | Uint8Array): string {
  if (typeof payload === 'string') throw new Error(`this is a text: ${payload}`)
  return Buffer.from(payload).toString('hex')
}

/** Big-endian, as lengths are. */
export function uint(value: number, size: number): string {
  return value.toString(16).padStart(2 * size, '0')
}
