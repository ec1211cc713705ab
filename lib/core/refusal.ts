import type { ErrorCode } from '../protocol/error.ts'

/** Why somebody is not let in. */
export interface Refused {
  /** As of HTTP. */
  readonly status: number
  readonly code: ErrorCode
  readonly message: string
  readonly details?: unknown
  /** Of the answer, where it is one of HTTP. */
  readonly headers?: Record<string, string>
}

/** The answer that says so over HTTP. */
export function refusing({ status, code, message, headers }: Refused): Response {
  return refuse(status, code, message, headers)
}

/** What is said by an app that stops. */
export const GOING_AWAY: Refused = {
  status: 503,
  code: 'UNAVAILABLE',
  message: 'the server is going away',
  headers: { 'retry-after': '1' },
}

/** What is said where the cause is for the log only. */
export const FAILED: Refused = { status: 500, code: 'INTERNAL', message: 'the server failed to handle this' }

/** A refusal over HTTP, with its JSON body. */
export function refuse(
  status: number,
  code: string,
  message: string,
  headers: Record<string, string> = {},
): Response {
  return Response.json({ error: { code, message } }, { status, headers })
}

/** The answer to what cannot be asked: the url is put together from what a client likes to say. */
export function noUrl(): Response {
  return refuse(400, 'BAD_REQUEST', 'the Host header and the target make no url')
}

/** The answer of an app that stops. */
export function goingAway(): Response {
  return refusing(GOING_AWAY)
}

/** The answer where the cause is for the log only. */
export function failed(): Response {
  return refusing(FAILED)
}
