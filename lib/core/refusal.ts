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
  return refuse(503, 'UNAVAILABLE', 'the server is going away', { 'retry-after': '1' })
}

/** The answer where the cause is for the log only. */
export function failed(): Response {
  return refuse(500, 'INTERNAL', 'the server failed to handle this')
}
