/**
 * The errors of Engine.IO, by their codes. The protocol asks for the status 400 alone; the codes and words are those of the
 * reference server, which clients know.
 */
export const engineErrors = {
  unknownTransport: { code: 0, message: 'Transport unknown' },
  unknownSession: { code: 1, message: 'Session ID unknown' },
  badMethod: { code: 2, message: 'Bad handshake method' },
  badRequest: { code: 3, message: 'Bad request' },
  forbidden: { code: 4, message: 'Forbidden' },
  badVersion: { code: 5, message: 'Unsupported protocol version' },
} as const

/** The name of an error. */
export type EngineError = keyof typeof engineErrors

/** The answers to one request, all with the headers that the page which asks needs. */
export class Reply {
  readonly #headers: Readonly<Record<string, string>>

  constructor(headers: Readonly<Record<string, string>>) {
    this.#headers = headers
  }

  /** Packets, to who polls for them. */
  packets(payload: string): Response {
    return this.#text(payload, 'text/plain; charset=UTF-8')
  }

  /** Section "Sending data": what was posted has arrived. Of plain text some browsers would make a download. */
  ok(): Response {
    return this.#text('ok', 'text/html')
  }

  /** Section "Query parameters" and others: 400, unless a status is given. The message is the error's, unless one is given. */
  refused(
    error: EngineError,
    { status = 400, message = '' }: { status?: number; message?: string } = {},
  ): Response {
    const { code, message: usual } = engineErrors[error]
    return Response.json({ code, message: message || usual }, { status, headers: this.#headers })
  }

  /** For a body that is longer than it may be: nothing more is read of it. */
  tooLarge(): Response {
    return new Response(null, { status: 413, headers: { ...this.#headers, connection: 'close' } })
  }

  #text(text: string, type: string): Response {
    const headers = { ...this.#headers, 'content-type': type, 'cache-control': 'no-store' }
    return new Response(text, { headers })
  }
}
