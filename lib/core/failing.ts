import { PartylineError } from '../protocol/error.ts'
import { isRefusal } from './pipeline.ts'
import type { Session } from './session.ts'

/** How much of an event's name an error repeats. */
const NAME_SHOWN = 128

/** Tells a client what went wrong, as far as it may know; `id` is undefined where nothing was requested. */
export function tellFailure(session: Session, id: number | undefined, error: unknown, event?: string): void {
  const isRaw = session.route.options.protocol === 'raw'
  const known = error instanceof PartylineError && !isRaw
  if (!known) session.log(error, 'a handler failed', event)
  // Without frames there is nothing that an error could be told in.
  if (isRaw) return
  const shown = known ? error : new PartylineError('INTERNAL', 'the server failed to handle this')
  const body = shown.toBody(id === undefined ? event?.slice(0, NAME_SHOWN) : undefined)
  try {
    session.send({ ack: id, error: body })
  } catch (cause) {
    session.log(cause, 'the details of an error cannot be encoded', event)
    session.send({ ack: id, error: { ...body, details: undefined } })
  }
}

/** Reports what went wrong for a session, of which no client is told. */
export function reportOf(session: Session, error: unknown, message: string, event?: string): void {
  // It was counted. Who is refused could fill the log with it, where there is nothing that it could be told in.
  if (isRefusal(error)) return
  const { shared, route, socket } = session
  try {
    shared.report(error, message, { gateway: route.gateway.name, event, socket })
  } catch {
    // A log that fails must not take the connection with it, and there is nowhere left to say so.
  }
}
