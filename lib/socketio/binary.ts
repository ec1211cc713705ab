import { carriesBytes, isObject, type JsonObject } from '../protocol/json-fault.ts'
import { InvalidPacket } from './packet.ts'

// Section "Packet encoding": bytes travel beside the packet, and {"_placeholder":true,"num":0} stands in their place.

/** How many values are looked at for bytes before it is certain that they are in no cycle. */
const LOOKS = 10_000

/**
 * Whether there are bytes anywhere in a list. It is asked before that is written, since bytes written as JSON are many times as many.
 *
 * @throws TypeError for data in a cycle
 */
export function hasBytes(list: readonly unknown[]): boolean {
  let budget: { left: number } | undefined
  for (let i = 0; i < list.length; i++) {
    const one = list[i]
    if (!isObject(one)) continue
    budget ??= { left: LOOKS }
    const found = looksLikeBytes(one, i, budget)
    if (budget.left < 0) {
      JSON.stringify(list)
      return carriesBytes(list, '')
    }
    if (found) return true
  }
  return false
}

/** As `carriesBytes`, where the budget lasts. */
function looksLikeBytes(value: object, at: string | number, budget: { left: number }): boolean {
  if (--budget.left < 0) return false
  if (bytesOf(value) !== undefined) return true
  const { toJSON } = value as { toJSON?: unknown }
  const shown: unknown = typeof toJSON === 'function' ? toJSON.call(value, String(at)) : value
  if (!isObject(shown)) return false
  if (Array.isArray(shown)) {
    for (let i = 0; i < shown.length && budget.left >= 0; i++)
      if (isObject(shown[i]) && looksLikeBytes(shown[i], i, budget)) return true
    return false
  }
  if (shown !== value && bytesOf(shown) !== undefined) return true
  for (const key in shown) {
    const inner = (shown as JsonObject)[key]
    if (isObject(inner) && Object.hasOwn(shown, key) && looksLikeBytes(inner, key, budget)) return true
    if (budget.left < 0) return false
  }
  return false
}

/** A payload without its bytes, and the bytes. */
export interface Extracted {
  readonly json: string
  readonly attachments: readonly Uint8Array[]
}

/**
 * Writes a list in which there are bytes, wherever they are.
 *
 * @throws TypeError for what cannot be written, also where data looks like a placeholder: the receiver would take it for one
 */
export function extract(list: readonly unknown[]): Extracted {
  const attachments: Uint8Array[] = []
  const json = JSON.stringify(withoutBytes(list, '', attachments, []))
  return { json, attachments }
}

/**
 * A value with placeholders in place of its bytes; what has none in it is itself. Not by a replacer: that is asked after Buffers have made
 * lists of themselves.
 */
function withoutBytes(value: unknown, at: string, attachments: Uint8Array[], around: object[]): unknown {
  if (!isObject(value)) return value
  const bytes = bytesOf(value)
  if (bytes !== undefined) return { _placeholder: true, num: attachments.push(bytes) - 1 }
  const { toJSON } = value as { toJSON?: unknown }
  const shown: unknown = typeof toJSON === 'function' ? toJSON.call(value, at) : value
  if (!isObject(shown)) return value
  if (shown !== value && bytesOf(shown) !== undefined) return withoutBytes(shown, at, attachments, around)
  if (around.includes(shown)) throw new TypeError('data in a cycle cannot be sent')
  if (isPlaceholder(shown))
    throw new TypeError('Socket.IO cannot carry an object with "_placeholder": true beside binary data')
  around.push(shown)
  const before = attachments.length
  let copy: unknown
  if (Array.isArray(shown)) copy = shown.map((one, i) => withoutBytes(one, `${i}`, attachments, around))
  else {
    const entries = Object.entries(shown).map(([key, one]) => [
      key,
      withoutBytes(one, key, attachments, around),
    ])
    copy = Object.fromEntries(entries)
  }
  around.pop()
  return attachments.length === before ? value : copy
}

function bytesOf(value: unknown): Uint8Array | undefined {
  if (value instanceof Uint8Array) return value
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
  return value instanceof ArrayBuffer ? new Uint8Array(value) : undefined
}

function isPlaceholder(value: unknown): value is { num: unknown } {
  return isObject(value) && (value as { _placeholder?: unknown })._placeholder === true
}

/**
 * Puts attachments where placeholders stand for them, in what was parsed and is not nested too deep.
 *
 * @throws InvalidPacket for a placeholder of no attachment, and for two of the same: who repeats it could be sent any number of copies
 */
export function restore(list: unknown[], attachments: readonly Uint8Array[]): void {
  restoreIn(list, attachments, new Set())
}

function restoreIn(
  holder: unknown[] | JsonObject,
  attachments: readonly Uint8Array[],
  used: Set<number>,
): void {
  // Keys of an array are its indices. None is __proto__, which is a fault that was looked for.
  for (const key of Object.keys(holder) as (keyof typeof holder)[]) {
    const value: unknown = holder[key]
    if (isPlaceholder(value)) holder[key] = attachmentAt(value.num, attachments, used) as never
    else if (isObject(value)) restoreIn(value as JsonObject, attachments, used)
  }
}

function attachmentAt(num: unknown, attachments: readonly Uint8Array[], used: Set<number>): Uint8Array {
  const bytes = Number.isInteger(num) ? attachments[num as number] : undefined
  if (bytes === undefined) throw new InvalidPacket('a placeholder of no attachment')
  if (used.has(num as number)) throw new InvalidPacket('two placeholders of one attachment')
  used.add(num as number)
  return bytes
}
