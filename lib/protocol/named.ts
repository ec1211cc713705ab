import { isId, type MalformedFrame, malformed } from './codec.ts'
import type { ChannelFrame, Frame, PresenceFrame, RequestFrame } from './frame.ts'

/** A frame that has the name of a channel or room. */
export type NamedFrame = RequestFrame | ChannelFrame | PresenceFrame

/** What a member of a frame has to be. */
interface Rule {
  /** What is said of one that is not. */
  readonly fault: string
  allows(value: unknown): boolean
}

const anything: Rule = { fault: '', allows: () => true }
const integer: Rule = { fault: 'is not a non-negative integer', allows: isId }
const text: Rule = { fault: 'is not a string', allows: isText }
const yes: Rule = { fault: 'is not true', allows: (value) => value === true }
const ids = listOf('is not an array of ids', isText)
const members = listOf('is not an array of members, each with an id', (value) =>
  isText((value as { id?: unknown } | null)?.id),
)

/** These frames by the member that has the name, with what else they have. */
const KINDS: Readonly<Record<string, Readonly<Record<string, Rule>>>> = {
  subscribe: { after: integer, id: integer },
  unsubscribe: { id: integer },
  publish: { data: anything, id: integer, pos: integer },
  channel: { data: anything, base64: text, at: integer, lost: yes },
  watch: { id: integer },
  unwatch: { id: integer },
  presence: { joined: members, changed: members, left: ids },
}

/** All members that these frames have. */
export const namedMembers: readonly string[] = Object.entries(KINDS).flatMap(([kind, others]) => [
  kind,
  ...Object.keys(others),
])

/** The longest name that a client may ask for, in characters: longer ones than any channel or room has. */
const LONGEST = 1_024

/** Whether a frame is one of these. */
export function isNamed(frame: Frame): frame is NamedFrame {
  return kindOf(frame as object as Readonly<Record<string, unknown>>) !== undefined
}

/** What a client is told that sent one to a gateway which has nothing to do with it. */
export function misplaced(frame: NamedFrame): MalformedFrame {
  if ('channel' in frame) return malformed('"channel" comes from the server only')
  if ('presence' in frame) return malformed('"presence" comes from the server only')
  const isAboutPresence = 'watch' in frame || 'unwatch' in frame
  return malformed(`this gateway has no ${isAboutPresence ? 'presence' : 'channels'}`, frame.id)
}

/** By which of these members something is such a frame, if it is one. */
export function kindOf(value: Readonly<Record<string, unknown>>): string | undefined {
  for (const kind in KINDS) if (value[kind] !== undefined) return kind
  return undefined
}

/**
 * The frame of a kind that has these members, and no others. Throws MALFORMED_FRAME where one is not what the frame
 * promises.
 */
export function namedFrame(kind: string, value: Readonly<Record<string, unknown>>): NamedFrame {
  const name = value[kind]
  if (!isText(name) || name === '') throw malformed(`"${kind}" is not a non-empty string`, value.id)
  if (name.length > LONGEST && kind !== 'channel' && kind !== 'presence')
    throw malformed(`"${kind}" is longer than ${LONGEST} characters`, value.id)
  const frame: Record<string, unknown> = { [kind]: name }
  for (const [member, { fault, allows }] of Object.entries(KINDS[kind] as Record<string, Rule>)) {
    const one = value[member]
    if (one === undefined) continue
    if (!allows(one)) throw malformed(`"${member}" ${fault}`, value.id)
    frame[member] = one
  }
  return frame as object as NamedFrame
}

function listOf(fault: string, allows: (value: unknown) => boolean): Rule {
  return { fault, allows: (value) => Array.isArray(value) && value.every(allows) }
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}
