/** An id for a node: 8 bytes by chance, as 16 hexadecimal digits. */
export function newNode(): string {
  return [...crypto.getRandomValues(new Uint8Array(8))]
    .map((byte) => byte.toString(16).padStart(2, '0'))
    .join('')
}
