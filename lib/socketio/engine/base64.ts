/** How many bytes become characters in one call: a call with very many arguments fails. */
const STRIDE = 8_192

/** Methods that newer engines have, in native code (ECMAScript 2026); Node 20 and 22 have none of them. */
interface NativeBase64 {
  toBase64?(): string
}
const native = Uint8Array as unknown as { fromBase64?(text: string): Uint8Array }

/** Bytes as base64 text, padded (RFC 4648, section 4). */
export function toBase64(bytes: Uint8Array): string {
  const { toBase64 } = bytes as NativeBase64
  if (toBase64 !== undefined) return toBase64.call(bytes)
  let text = ''
  for (let at = 0; at < bytes.length; at += STRIDE)
    text += String.fromCharCode(...bytes.subarray(at, at + STRIDE))
  return btoa(text)
}

/**
 * The bytes that base64 text stands for; undefined where it is none. White space and missing padding are forgiven, as
 * browsers do: encoders on some platforms break their lines.
 */
export function fromBase64(text: string): Uint8Array | undefined {
  try {
    if (native.fromBase64 !== undefined) return native.fromBase64(text)
    const binary = atob(text)
    const bytes = new Uint8Array(binary.length)
    for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i)
    return bytes
  } catch {
    return undefined
  }
}
