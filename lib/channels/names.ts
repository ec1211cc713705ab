import { PartylineError } from '../protocol/error.ts'
import type { Identity } from '../protocol/identity.ts'

/** Whom a channel is for: all of a facility, one user, a group, or one session of a user's. */
export type ChannelAudience = 'broadcast' | 'user' | 'group' | 'session'

/** One channel of a facility. */
export interface Channel {
  readonly facility: string
  readonly audience: ChannelAudience
  /** Which user, group or session; absent for broadcast. */
  readonly name?: string
}

/** What a client asks for on the wire: an audience, of which it may be in several channels, or one group by its name. */
export interface ChannelRequest {
  readonly audience: ChannelAudience
  /** Only of a group. */
  readonly name?: string
}

/** How many characters a facility, a user, a group or a session may have. */
const LONGEST_NAME = 128

/**
 * A channel, by names that somebody gave.
 *
 * @throws PartylineError INVALID_DATA for a name that cannot be part of a channel's name.
 */
export function channel(facility: string, audience: ChannelAudience, name?: string): Channel {
  checkName('facility', facility)
  if (audience === 'broadcast') return { facility, audience }
  checkName(audience, name)
  return { facility, audience, name }
}

/**
 * By what name all programs know it, and its kept message: `broadcast:FACILITY`, `user:NAME:FACILITY`,
 * `group:NAME:FACILITY`, `session:KEY:FACILITY`. The broker's prefix, if there is one, comes before it.
 */
export function keyOf({ facility, audience, name }: Channel): string {
  return name === undefined ? `${audience}:${facility}` : `${audience}:${name}:${facility}`
}

/** What clients call it: groups by name, all else by audience, since a client has but one of each. */
export function wireNameOf({ audience, name }: Channel): string {
  return audience === 'group' && name !== undefined ? `group:${name}` : audience
}

/**
 * What a client asks for: `broadcast`, `user`, `session`, `group` for all of its groups, or `group:NAME`.
 *
 * @throws PartylineError INVALID_DATA for anything else.
 */
export function parseWireName(text: unknown): ChannelRequest {
  if (text === 'broadcast' || text === 'user' || text === 'session' || text === 'group')
    return { audience: text }
  if (typeof text === 'string' && text.startsWith('group:')) {
    const name = text.slice('group:'.length)
    checkName('group', name)
    return { audience: 'group', name }
  }
  throw new PartylineError(
    'INVALID_DATA',
    'there is no such channel: ask for broadcast, user, session, group or group:NAME',
  )
}

/**
 * The channels of an audience that somebody's identity carries: several for the groups, none where there is none. What the
 * identity does not carry is never among them.
 *
 * @throws PartylineError INVALID_DATA where the identity has a name that cannot be part of a channel's name.
 */
export function channelsOf(
  { audience, name }: ChannelRequest,
  facility: string,
  identity: Identity | null | undefined,
): Channel[] {
  if (audience === 'broadcast') return [channel(facility, audience)]
  if (audience === 'group') {
    const groups = [...new Set(identity?.groups ?? [])].filter((one) => name === undefined || one === name)
    return groups.map((group) => channel(facility, audience, group))
  }
  const own = audience === 'user' ? identity?.user : identity?.session
  return own === undefined ? [] : [channel(facility, audience, own)]
}

/** `:` parts names, and braces decide where a key lies in a cluster; half a surrogate pair becomes another character in UTF-8. */
const FORBIDDEN = /[:{}\s\p{Cc}\p{Cs}]/u

function checkName(what: string, name: unknown): asserts name is string {
  const fault = faultOf(name)
  if (fault !== undefined)
    throw new PartylineError('INVALID_DATA', `the name of a ${what} ${fault}`, { [what]: name })
}

function faultOf(name: unknown): string | undefined {
  if (typeof name !== 'string') return `is ${name === null ? 'null' : typeof name}: it has to be a string`
  if (name === '') return 'is empty'
  if (name.length > LONGEST_NAME) return `has ${name.length} characters: ${LONGEST_NAME} are the most`
  const found = FORBIDDEN.exec(name)?.[0]
  if (found === undefined) return undefined
  const shown = /[:{}]/.test(found)
    ? `"${found}"`
    : `the character U+${(found.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`
  return `has ${shown} in it: it may have no : { } and no white space, control characters or half surrogates`
}
