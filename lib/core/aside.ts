import { malformed } from '../protocol/codec.ts'
import type { EventFrame, Frame, PingFrame, PongFrame, PositionedFrame } from '../protocol/frame.ts'
import { isNamed, misplaced } from '../protocol/named.ts'
import type { Resumable } from './resumable.ts'
import type { Session } from './session.ts'

/** Takes in what a client sends beside events and pings. Throws MALFORMED_FRAME for what it has no business to send; `size` is that of its message. */
export function receiveAside(
  session: Session,
  frame: Exclude<Frame, EventFrame | PingFrame | PongFrame>,
  size: number,
): void {
  const { resumable, subscriber } = session
  if (isNamed(frame)) {
    if (subscriber === undefined) throw misplaced(frame)
    subscriber.receive(frame, size)
  } else if ('hello' in frame) {
    throw malformed('"hello" comes from the server only')
  } else if ('received' in frame) {
    if (resumable === undefined) throw malformed('"received" is for sessions that can be resumed')
    if (!resumable.journal.acknowledge(frame.received))
      throw malformed(`"received" ${frame.received} was never sent`)
  } else if (frame.ack === undefined) {
    throw malformed('an "error" of the client\'s answers a request, whose "ack" it has')
  } else if (!session.settle(frame)) {
    throw malformed(`"ack" ${frame.ack} answers no request of the server's`)
  }
}

/** Whether something has not come before, in a session where things may come twice. */
export function isNew(session: Session, { journal }: Resumable, frame: Frame): boolean {
  const { pos } = frame as Partial<PositionedFrame>
  if (pos === undefined) return true
  if (!journal.accept(pos)) return false
  tellReceived(session, false)
  return true
}

/** Tells a client what has come of its own, where it is time for that, or where there is anything to tell. */
export function tellReceived(session: Session, any: boolean): void {
  const received = session.resumable?.journal.owed(any)
  if (received !== undefined) session.sendNow({ received })
}
