/** What a close frame has room for beside its code (RFC 6455, section 5.5), in bytes. */
const LONGEST = 123

/** As much of a reason as a close frame has room for, in whole characters. */
export function fitting(reason: string): string {
  if (reason.length * 3 <= LONGEST) return reason
  const room = new Uint8Array(LONGEST)
  return reason.slice(0, new TextEncoder().encodeInto(reason, room).read)
}
