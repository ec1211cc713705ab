import type { Knock } from '../core/dialect.ts'
import type { JsonObject } from '../protocol/json-fault.ts'
import type { Offsets } from './offset.ts'

/** What a client says in its CONNECT packet. */
export type Said = Pick<Knock, 'auth' | 'resume'>

/**
 * What is said of oneself, apart from what is said of the session that is to go on: `pid` and `offset`, which clients add where they
 * were given a `pid` (section "Connection to a namespace" leaves the payload open). Who says nothing says an empty object.
 */
export function readAuth(data: JsonObject | undefined, offsets: Offsets | undefined): Said {
  if (data === undefined) return { auth: {}, resume: undefined }
  const { pid, offset, ...auth } = data
  if (offsets === undefined || typeof pid !== 'string') return { auth: data, resume: undefined }
  const pos = offsets.read(offset)
  // Of what is no offset nobody knows what the client has.
  if (pos === undefined) return { auth, resume: undefined }
  return { auth, resume: { token: pid, pos: pos === 'none' ? undefined : pos } }
}
