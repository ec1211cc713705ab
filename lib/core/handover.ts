import { type CloseReason, closeCodes } from '../protocol/close.ts'
import { PartylineError } from '../protocol/error.ts'
import type { Restored } from './moving.ts'
import type { Session } from './session.ts'

/** How a session ends for a node from which another one has taken it. */
const MOVED: CloseReason = { code: closeCodes.takenOver.code, reason: 'resumed elsewhere' }

/** Makes a new session the one that another node had: suspended, since its client has no line to this one yet. */
export function restore(session: Session, { state }: Restored): void {
  const { route, shared, socket, resumable } = session
  socket.data = state.data
  if (state.request > 0) session.requests.lastId = state.request
  shared.sessions.add(session)
  route.rooms.enter(session)
  for (const [room] of state.journal.entered) rejoin(session, room)
  route.presence?.restore(session, state.states)
  resumable?.restore(state)
  route.recovery?.makeRoom()
  session.lifecycle.welcome(false)
}

/** A node may allow less than the one before. */
function rejoin(session: Session, room: string): void {
  try {
    session.route.rooms.join(session, room)
  } catch (error) {
    if (!(error instanceof PartylineError)) throw error
  }
}

/** Whether nothing runs for a session, and nothing waits for its turn. */
export function isSettled({ dispatch, lifecycle }: Session): boolean {
  return dispatch.isIdle && lifecycle.isSettled
}

/** Resolves when nothing of a session is under way. */
export async function untilSettled(session: Session): Promise<void> {
  while (!isSettled(session)) {
    await session.dispatch.untilIdle()
    await session.lifecycle.untilSettled()
  }
}

/** Gives a suspended session, of which nothing is under way, to whichever node comes for it; false where it has to end. */
export async function release(session: Session): Promise<boolean> {
  session.beginMove()
  const isCertain = (await session.resumable?.record?.release()) === true
  if (isCertain) session.endMove(MOVED)
  else session.end({ ...MOVED, reason: 'not recovered' })
  return isCertain
}

/** Another node has taken a session. */
export function forget(session: Session): void {
  session.endMove(MOVED)
}
