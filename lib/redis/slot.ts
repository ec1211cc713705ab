/** How many slots a cluster has. */
export const SLOTS = 16_384

/** CRC16 of the variety XMODEM, by which a Redis cluster shares out its keys. */
const table = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1
  return crc
})

const encoder = new TextEncoder()

/**
 * The slot of a cluster in which a key lies. Of a key with braces, only what is between the first `{` and the `}` after it
 * counts, if there is anything.
 */
export function slotOf(key: string): number {
  let crc = 0
  for (const byte of encoder.encode(hashedPart(key)))
    crc = ((crc << 8) & 0xffff) ^ (table[(crc >> 8) ^ byte] as number)
  return crc % SLOTS
}

/** What of a key decides its slot. */
export function hashedPart(key: string): string {
  const open = key.indexOf('{')
  const close = key.indexOf('}', open + 1)
  return open >= 0 && close > open + 1 ? key.slice(open + 1, close) : key
}
