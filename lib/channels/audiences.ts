import { PartylineError } from '../protocol/error.ts'
import type { Identity } from '../protocol/identity.ts'
import { type Channel, channel } from './names.ts'

/**
 * Whoever asks: stands for the user in `users`, for all of their groups in `groups`, for their session in `sessions`. Who that is
 * has to be said by `self`.
 *
 * @example
 * ```ts
 * import { createPublisher, memory, SELF } from 'partyline'
 *
 * const publisher = createPublisher({ broker: memory() })
 * const ada = { user: 'ada', groups: ['staff'] }
 * await publisher.publish('news', 'signed in elsewhere', { users: [SELF], self: ada })
 * await publisher.close()
 * ```
 */
export const SELF: unique symbol = Symbol('SELF')

/** Who asks: an identity, or what has one, such as a socket. */
export type Self = Identity<unknown> | { readonly identity: Identity<unknown> | null | undefined }

/** AudienceNames of users, groups or sessions, SELF among them or alone. */
export type AudienceNames = typeof SELF | readonly (string | typeof SELF)[]

/** To whom something goes, or whose kept message is asked for; of one facility. */
export interface Audiences {
  /** Everybody who listens to the facility. */
  broadcast?: boolean
  users?: AudienceNames
  groups?: AudienceNames
  sessions?: AudienceNames
  /** Who SELF is. */
  self?: Self | null
}

/** To how many channels one message can go. */
const MOST = 1_000

/**
 * The channels of some audiences, each once: sessions first, then users, groups and broadcast.
 *
 * @throws PartylineError UNAUTHENTICATED where SELF is nobody that is known, INVALID_DATA for names that cannot be, and for
 *   audiences that name nobody. The groups of somebody who is in none are no channel, and no error.
 */
export function channelsFor(facility: string, audiences: Audiences): Channel[] {
  const { broadcast = false, users, groups, sessions } = audiences
  if (!broadcast && users === undefined && groups === undefined && sessions === undefined)
    throw new PartylineError(
      'INVALID_DATA',
      'this is for nobody: say broadcast: true, or name users, groups or sessions',
    )
  const find = (
    what: string,
    names: AudienceNames | undefined,
    own: (self: Identity<unknown>) => AudienceNames,
  ): string[] =>
    listOf(what, names).flatMap((name) => {
      if (name !== SELF) return [name as string]
      return own(selfOf(audiences.self)) as string[]
    })
  const channels = [
    ...find('sessions', sessions, sessionOf).map((name) => channel(facility, 'session', name)),
    ...find('users', users, ({ user }) => [user]).map((name) => channel(facility, 'user', name)),
    ...find('groups', groups, (self) => self.groups ?? []).map((name) => channel(facility, 'group', name)),
    ...(broadcast ? [channel(facility, 'broadcast')] : []),
  ]
  const found = [...new Map(channels.map((one) => [`${one.audience}:${one.name}`, one])).values()]
  if (found.length > MOST)
    throw new PartylineError('INVALID_DATA', `this is for ${found.length} channels: ${MOST} are the most`)
  return found
}

function listOf(what: string, names: AudienceNames | undefined): readonly (string | typeof SELF)[] {
  if (names === undefined) return []
  if (names === SELF) return [SELF]
  if (Array.isArray(names)) return names
  throw new PartylineError('INVALID_DATA', `${what} is no list: give a list of names`)
}

function selfOf(self: Self | null | undefined): Identity<unknown> {
  const identity = isObject(self) && 'identity' in self ? self.identity : self
  if (isObject(identity) && 'user' in identity) return identity
  throw new PartylineError('UNAUTHENTICATED', 'SELF is nobody that is known: sign in first')
}

/** What somebody wrote may be anything: a user's name alone says nothing of who asks. */
function isObject<T>(value: T): value is Extract<T, object> {
  return typeof value === 'object' && value !== null
}

function sessionOf({ session }: Identity<unknown>): AudienceNames {
  if (session !== undefined) return [session]
  throw new PartylineError('UNAUTHENTICATED', 'SELF has no session that is known')
}
