import { type ChannelCall, Gateway, OnOpen, PartylineError, type Socket } from 'partyline'
import { ANYBODY, ByCookie } from './people/by-cookie.ts'

/**
 * Channels of a facility. Everybody may hear and say what is for everybody; a user's, a group's and a session's are for
 * those who are signed in. Of these, none but their own can ever be asked for.
 */
@Gateway('/ws/:facility', { authenticate: ByCookie, channels: { subscribe: mayUse, publish: mayUse } })
export class ChannelsGateway {
  /** So that all of a session's connections can be found when it ends. */
  @OnOpen() opened(socket: Socket) {
    const { session } = socket.identity ?? {}
    if (session !== undefined) socket.join(roomOf(session))
  }
}

/** Who is connected as somebody who signed in, in one browser. */
export function roomOf(session: string): string {
  return `session ${session}`
}

function mayUse({ audience, identity }: ChannelCall): boolean {
  if (audience === 'broadcast' || (identity !== undefined && identity.user !== ANYBODY)) return true
  throw new PartylineError('FORBIDDEN', `sign in first: a ${audience} channel is somebody's own`)
}
