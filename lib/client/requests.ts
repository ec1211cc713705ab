import { type ErrorBody, PartylineError } from '../protocol/error.ts'
import { type AckFrame, argsOf, type EventFrame, type FailureFrame } from '../protocol/frame.ts'
import type { Callback } from './listeners.ts'
import type { Report } from './options.ts'

const MASKED = { code: 'INTERNAL', message: 'the client failed to handle this' }

/** What answers the server's requests: one handler for each event. */
export class Requests {
  readonly #handlers = new Map<string, Callback>()
  readonly #report: Report

  constructor(report: Report) {
    this.#report = report
  }

  handle(event: string, handler: Callback): void {
    this.#handlers.set(event, handler)
  }

  /** Answers a request once, in whatever way its handler ends. Never rejects. */
  async answer(
    frame: EventFrame,
    id: number,
    send: (answer: AckFrame | FailureFrame) => void,
  ): Promise<void> {
    const { event } = frame
    try {
      const handler = this.#handlers.get(event)
      if (!handler) throw new PartylineError('UNKNOWN_EVENT', `no handler for "${event}"`)
      const data: unknown = await handler(...(argsOf(frame) as never[]))
      send({ ack: id, data })
    } catch (error) {
      const isKnown = error instanceof PartylineError
      if (!isKnown) this.#report(error, event)
      const body: ErrorBody = isKnown ? error.toBody() : MASKED
      // Details that cannot travel are left out.
      for (const one of body.details === undefined ? [body] : [body, { ...body, details: undefined }]) {
        try {
          return send({ ack: id, error: one })
        } catch (cause) {
          this.#report(cause, event)
        }
      }
    }
  }
}
