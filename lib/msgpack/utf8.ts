/** Whether the bytes from one place to another are UTF-8, by Unicode's table of well-formed sequences (table 3-7). */
export function isUtf8(bytes: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; ) {
    const first = bytes[at++] as number
    if (first < 0x80) continue
    const more = first < 0xc2 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : first < 0xf5 ? 3 : 0
    if (more === 0 || at + more > to) return false
    // The second byte has narrower bounds behind these four: longer than need be, a surrogate, beyond Unicode.
    const second = bytes[at++] as number
    const least = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80
    const most = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf
    if (second < least || second > most) return false
    for (const end = at + more - 1; at < end; at++) if (((bytes[at] as number) & 0xc0) !== 0x80) return false
  }
  return true
}
