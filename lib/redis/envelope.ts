import { Buffer } from 'node:buffer'

/**
 * What stands around everything that nodes send each other:
 *
 *     ff 70 6c    never the beginning of a text in UTF-8
 *     01          the version of what follows
 *     kind        1 message, 2 entry, 3 change, 4 hello, 5 bye
 *     number      of an entry its position, of a change its version: 8 bytes, big-endian
 *     node        whose it is: 8 bytes
 *     …           of a message its bytes; of an entry 6 bytes that number what the node has sent, 4 of its tag, then its
 *                 bytes; of a change see below
 *
 * Redis itself puts the number in, where it gives positions and versions.
 */
export type Envelope =
  | { kind: 'message'; from: string; bytes: Uint8Array }
  | { kind: 'entry'; position: number; from: string; bytes: Uint8Array; tag?: number }
  | {
      kind: 'change'
      version: number
      from: string
      member: string | undefined
      bytes: Uint8Array | undefined
    }
  | { kind: 'hello' | 'bye'; from: string }
  /** No envelope of ours: the bytes are another program's. */
  | { kind: 'foreign'; bytes: Uint8Array }
  /** One of ours that we do not understand. */
  | { kind: 'garbage'; version: number | undefined }

const MAGIC = [0xff, 0x70, 0x6c]
const VERSION = 1
const HEAD = 5
const NUMBER = 8
const NODE = 8
const SEQUENCE = 6
const TAG = 4

const kinds = ['message', 'entry', 'change', 'hello', 'bye'] as const
type Kind = (typeof kinds)[number]

/** What a member did: a change's first byte after the node. A byte count of its name follows, in 2 bytes, then it and its bytes. */
const ENTERED = 1
const LEFT = 2
const ANEW = 3

/** The beginning of an envelope, up to its kind. */
export function headOf(kind: Kind): Buffer {
  return Buffer.from([...MAGIC, VERSION, kinds.indexOf(kind) + 1])
}

const messageHead = headOf('message')

/** What stands before all messages of a node. */
export function openingOf(node: Buffer): Buffer {
  return Buffer.concat([messageHead, node])
}

/** A whole message. */
export function sealMessage(opening: Buffer, bytes: Uint8Array): Buffer {
  const sealed = Buffer.allocUnsafe(opening.length + bytes.length)
  sealed.set(opening)
  sealed.set(bytes, opening.length)
  return sealed
}

/** A whole hello or bye. */
export function sealGreeting(kind: 'hello' | 'bye', node: Buffer): Buffer {
  return Buffer.concat([headOf(kind), node])
}

/** What follows the position of an entry, which is also what the stream keeps of it. */
export function sealEntry(node: Buffer, sequence: number, bytes: Uint8Array, tag = 0): Buffer {
  const sealed = Buffer.allocUnsafe(ENTRY_HEAD + bytes.length)
  node.copy(sealed)
  sealed.writeUIntBE(sequence, NODE, SEQUENCE)
  sealed.writeUInt32BE(tag, NODE + SEQUENCE)
  sealed.set(bytes, ENTRY_HEAD)
  return sealed
}

/** How many bytes of an entry come before its own. */
export const ENTRY_HEAD: number = NODE + SEQUENCE + TAG

/** An entry as the stream keeps it; undefined for what is none. */
export function openEntry(sealed: Buffer): { from: string; bytes: Uint8Array; tag?: number } | undefined {
  if (sealed.length < ENTRY_HEAD) return undefined
  const tag = sealed.readUInt32BE(NODE + SEQUENCE)
  const entry = { from: nodeOf(sealed, 0), bytes: viewOf(sealed, ENTRY_HEAD) }
  return tag === 0 ? entry : { ...entry, tag }
}

/** What follows the version of a change. Without a member: much has changed at once. */
export function sealChange(node: Buffer, member: string | undefined, bytes: Uint8Array | undefined): Buffer {
  const operation = member === undefined ? ANEW : bytes === undefined ? LEFT : ENTERED
  const name = Buffer.from(member ?? '')
  const length = Buffer.alloc(2)
  length.writeUInt16BE(name.length)
  return Buffer.concat([node, Buffer.from([operation]), length, name, bytes ?? new Uint8Array()])
}

/** Whether a message or greeting is that node's own, at the least possible cost. */
export function isFrom(sealed: Buffer, node: Buffer): boolean {
  if (sealed[4] !== 1 || sealed.length < HEAD + NODE || !isOurs(sealed)) return false
  // The first byte decides nearly always, before a call of `compare` has begun.
  for (let i = 0; i < NODE; i++) if (sealed[HEAD + i] !== node[i]) return false
  return true
}

/** Nodes in words, by their first four bytes: to write one anew costs as much as all the rest of a message. */
const written = new Map<number, { rest: number; node: string }>()
const WRITTEN = 1_000

function nodeOf(sealed: Buffer, start: number): string {
  const first = wordOf(sealed, start)
  const rest = wordOf(sealed, start + 4)
  const known = written.get(first)
  if (known?.rest === rest) return known.node
  const node = sealed.toString('hex', start, start + NODE)
  if (written.size >= WRITTEN) written.clear()
  written.set(first, { rest, node })
  return node
}

function wordOf(sealed: Buffer, at: number): number {
  return (
    ((sealed[at] as number) << 24) |
    ((sealed[at + 1] as number) << 16) |
    ((sealed[at + 2] as number) << 8) |
    (sealed[at + 3] as number)
  )
}

export function openEnvelope(sealed: Buffer): Envelope {
  if (!isOurs(sealed)) return { kind: 'foreign', bytes: viewOf(sealed) }
  const version = sealed[3]
  const kind = version === VERSION ? kinds[(sealed[4] ?? 0) - 1] : undefined
  const isNumbered = kind === 'entry' || kind === 'change'
  const start = isNumbered ? HEAD + NUMBER : HEAD
  if (kind === undefined || sealed.length < start + NODE) return { kind: 'garbage', version }
  const from = nodeOf(sealed, start)
  const rest = start + NODE
  if (kind === 'message') return { kind, from, bytes: viewOf(sealed, rest) }
  if (!isNumbered) return { kind, from }
  const number = Number(sealed.readBigUInt64BE(HEAD))
  if (kind === 'change') return openChange(sealed, rest, number, from)
  const entry = openEntry(sealed.subarray(start))
  return entry === undefined ? { kind: 'garbage', version } : { kind, position: number, ...entry }
}

function openChange(sealed: Buffer, at: number, version: number, from: string): Envelope {
  const operation = sealed[at] ?? 0
  const end = at + 3 <= sealed.length ? at + 3 + sealed.readUInt16BE(at + 1) : Number.POSITIVE_INFINITY
  if (operation < ENTERED || operation > ANEW || end > sealed.length)
    return { kind: 'garbage', version: VERSION }
  return {
    kind: 'change',
    version,
    from,
    member: operation === ANEW ? undefined : sealed.toString('utf8', at + 3, end),
    bytes: operation === ENTERED ? viewOf(sealed, end) : undefined,
  }
}

function isOurs(sealed: Buffer): boolean {
  return sealed[0] === MAGIC[0] && sealed[1] === MAGIC[1] && sealed[2] === MAGIC[2]
}

/** The rest of a buffer, as nothing but bytes. */
export function viewOf(buffer: Buffer, start = 0): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset + start, buffer.length - start)
}
